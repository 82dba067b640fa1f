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

// It locked its worker's row, and every look of an idle worker was a commit that waited for the disk.
TEST(postgres, claim_that_finds_nothing_writes_nothing) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    const auto worker = store->subscribe({}).value();
    plain_connection same(server::shared().url());
    ASSERT_TRUE(same.tell("set search_path = " + schema));
    const auto expect_that_it_writes_nothing = [&] {
        ASSERT_TRUE(same.tell("begin"));
        EXPECT_EQ(same.ask("select count(*) from worker w, hand_out(w.id, '{default,other}', '{0,0}', 5, 5, false)"),
                  "0");
        EXPECT_EQ(same.ask("select count(*) from look('{default,other}')"), "1");
        EXPECT_EQ(same.ask("select pg_current_xact_id_if_assigned() is null"), "t");
        ASSERT_TRUE(same.tell("commit"));
    };
    expect_that_it_writes_nothing();
    jobs::new_job later = mail();
    later.run_at = store->now() + std::chrono::hours(1);
    ASSERT_TRUE(store->sink().publish(std::vector{later}));
    expect_that_it_writes_nothing();
    ASSERT_TRUE(store->sink().publish(std::vector{mail()}));
    EXPECT_EQ(same.ask("select count(*) from worker w, hand_out(w.id, '{default}', '{0}', 5, 5, false)"), "1");
}

}  // namespace
