// What is PostgreSQL's own: beside the suite that every store passes.

#include <gtest/gtest.h>

#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

jobs::new_job mail(std::string arguments = "{}") {
    jobs::new_job job;
    job.kind = "mail";
    job.arguments.bytes = std::move(arguments);
    return job;
}

TEST(postgres, jobs_are_published_claimed_and_settled) {
    const auto store = open_store(server::shared().url());
    const std::vector<jobs::new_job> three{mail("1"), mail("2"), mail("3")};
    const auto published = store->sink().publish(three);
    ASSERT_TRUE(published) << published.error().what;
    ASSERT_EQ(published->size(), 3u);

    const auto source = store->subscribe({}).value();
    auto first = source->exchange({}, {.idle = 2});
    ASSERT_TRUE(first) << first.error().what;
    ASSERT_EQ(first->jobs.size(), 2u);
    EXPECT_EQ(first->jobs[0].arguments.bytes, "1");
    EXPECT_EQ(first->jobs[0].kind, "mail");

    const std::vector<jobs::settlement> ends{{.which = first->jobs[0].which},
                                             {.which = first->jobs[1].which, .what = jobs::verdict::returned}};
    auto second = source->exchange(ends, {.idle = 5});
    ASSERT_TRUE(second) << second.error().what;
    EXPECT_EQ(second->outcomes, (std::vector{jobs::settled::yes, jobs::settled::yes}));
    ASSERT_EQ(second->jobs.size(), 2u);
    EXPECT_EQ(second->jobs[0].arguments.bytes, "2");
    auto beaten = source->beat({});
    ASSERT_TRUE(beaten) << beaten.error().what;
    EXPECT_TRUE(beaten->lost.empty());
    auto swept = source->sweep();
    ASSERT_TRUE(swept) << swept.error().what;
}

}  // namespace
