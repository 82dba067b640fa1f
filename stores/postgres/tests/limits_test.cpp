// What PostgreSQL does about limits that the suite of all stores leaves open; and the step of the schema that brought it.

#include <gtest/gtest.h>

#include "../src/schema.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

std::vector<jobs::new_job> keyed_jobs(std::size_t count, std::size_t keys = 1) {
    std::vector<jobs::new_job> all(count, jobs::new_job{.kind = "kind"});
    for (std::size_t i = 0; i != count; ++i) all[i].key = "key " + std::to_string(i % keys);
    return all;
}

std::size_t claimed(jobs::source& by, const jobs::demand& wanted) {
    const auto got = by.exchange({}, wanted);
    EXPECT_TRUE(got) << got.error().what;
    return got ? got->jobs.size() : 0;
}

// The sweep adds the counters up. While no worker sweeps, those who ask do.
TEST(postgres_limits, counters_that_nobody_swept_are_added_up_by_who_asks) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    plain_connection look(server::shared().url());
    for (int i = 0; i != 3; ++i) ASSERT_TRUE(store->sink().publish(keyed_jobs(1)));
    ASSERT_TRUE(look.tell("insert into " + schema +
                          ".tally (queue, available) select 'default', (-1) ^ i from generate_series(1, 1000) i"));
    EXPECT_EQ(store->ledger()->queues().value().at(0).counts.at(static_cast<std::size_t>(jobs::state::available)), 3u);
    EXPECT_EQ(look.ask("select count(*) from " + schema + ".tally"), "0");
}

// Versions 1 to 9 counted and fetched for each key by itself; 10 and 11 visited all keys in each claim.
TEST(postgres_limits, limit_holds_while_the_schema_of_before_is_migrated_under_it) {
    const stores::pg::program now = stores::pg::this_program();
    for (const std::size_t steps : {9u, 11u}) {
        const std::string schema = fresh_schema();
        stores::pg::be({now.steps.first(steps), now.version});
        const auto before = open_store(server::shared().url(), {.schema = schema});
        stores::pg::be(now);
        ASSERT_TRUE(before->ledger()->limit("default", {.running = 5, .running_per_key = 2, .fair = true}));
        ASSERT_TRUE(before->sink().publish(keyed_jobs(20, 4)));
        const auto old_worker = before->subscribe({}).value();
        const auto held = old_worker->exchange({}, {.idle = 3}).value();
        EXPECT_EQ(held.jobs.size(), 3u);

        const auto after = open_store(server::shared().url(), {.schema = schema});
        const auto new_worker = after->subscribe({}).value();
        EXPECT_EQ(claimed(*new_worker, {.idle = 20}), 2u);
        const jobs::settlement end{.which = held.jobs[0].which};
        const auto more = old_worker->exchange({&end, 1}, {.idle = 20}).value();
        EXPECT_EQ(more.outcomes.at(0), jobs::settled::yes);
        EXPECT_EQ(more.jobs.size(), 1u);
        EXPECT_EQ(claimed(*new_worker, {.idle = 20}), 0u);
    }
}

}  // namespace
