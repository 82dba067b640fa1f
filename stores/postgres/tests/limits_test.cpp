// What PostgreSQL does about limits that the suite of all stores leaves open; and the step of the schema that brought it.

#include <sstream>

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

// A worker that speaks to the server as programs did before version 17.
class program_before {
public:
    explicit program_before(const std::string& schema) {
        EXPECT_TRUE(speaks_.tell("set search_path = " + schema));
        number_ = speaks_.ask("select nextval('worker_number')");
        EXPECT_TRUE(
            speaks_.tell("select beat(" + number_ + ", 'before', '{default}', 1, 60000000, 1, 0, 0, 0, '{}', '{}')"));
    }
    // What it got, in the order in which to start.
    std::vector<jobs::token> claims(int idle) {
        std::istringstream told(speaks_.ask("select string_agg(id || ' ' || epoch, ' ') from claim(" + number_ +
                                            ", '{default}', '{0}', " + std::to_string(idle) + ", 0, false)"));
        std::vector<jobs::token> made;
        for (jobs::token one; told >> one.first >> one.second;) made.push_back(one);
        return made;
    }
    // What the server has against it.
    std::string completes(const jobs::token& one) {
        return speaks_.ask("select settle(" + number_ + ", '{" + std::to_string(one.first) + "}', '{" +
                           std::to_string(one.second) + "}', '{0}', null, '{0}', '{false}', null, null, null, 10)");
    }

private:
    plain_connection speaks_{server::shared().url()};
    std::string number_;
};

// Versions 1 to 9 counted and fetched for each key by itself; 10 and 11 visited all keys in each claim; up to 16 rows were put in order
// where they were claimed; in 17 a claim was not told of ends beside it; in 18 a worker began at the first entry of an index; in 19 what
// runs was looked for by its number.
TEST(postgres_limits, limit_holds_while_the_schema_of_before_is_migrated_under_it) {
    const stores::pg::program now = stores::pg::this_program();
    for (const std::size_t steps : {9u, 11u, 16u, 17u, 18u, 19u}) {
        const std::string schema = fresh_schema();
        stores::pg::be({now.steps.first(steps), now.version});
        const auto before = open_store(server::shared().url(), {.schema = schema});
        stores::pg::be(now);
        ASSERT_TRUE(before->ledger()->limit("default", {.running = 5, .running_per_key = 2, .fair = true}));
        ASSERT_TRUE(before->sink().publish(keyed_jobs(20, 4)));
        program_before old_program(schema);
        const auto held = old_program.claims(3);
        EXPECT_EQ(held.size(), 3u);

        const auto after = open_store(server::shared().url(), {.schema = schema});
        const auto new_worker = after->subscribe({}).value();
        EXPECT_EQ(claimed(*new_worker, {.idle = 20}), 2u);
        EXPECT_EQ(old_program.completes(held.at(0)), "");
        EXPECT_EQ(old_program.claims(20).size(), 1u);
        EXPECT_EQ(claimed(*new_worker, {.idle = 20}), 0u);
    }
}

// The rows of a claim come as they lie in the table, with their turns; who asks as programs did before gets them in order.
TEST(postgres_limits, claims_start_by_turns_for_old_programs_too) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    program_before old_program(schema);
    ASSERT_TRUE(store->ledger()->limit("default", {.fair = true}));
    std::vector<jobs::new_job> all(6, jobs::new_job{.kind = "kind"});
    for (std::size_t i = 0; i != all.size(); ++i) all[i].key = i < 3 ? "first" : "second";
    const auto made = store->sink().publish(all);
    ASSERT_TRUE(made);
    const auto worker = store->subscribe({}).value();
    const std::size_t by_turns[] = {0, 3, 1, 4, 2, 5};
    const auto before = old_program.claims(4);
    ASSERT_EQ(before.size(), 4u);
    for (std::size_t i = 0; i != before.size(); ++i) EXPECT_EQ(before[i].first, made->at(by_turns[i]).id.number);
    const auto now = worker->exchange({}, {.idle = 4}).value();
    ASSERT_EQ(now.jobs.size(), 2u);
    for (std::size_t i = 0; i != now.jobs.size(); ++i)
        EXPECT_EQ(now.jobs[i].id.number, made->at(by_turns[4 + i]).id.number);
}

// What runs is asked for from the lowest number that did at the last claim. A job that comes back has a lower one.
TEST(postgres_limits, job_that_comes_back_is_counted_among_newer_ones) {
    for (const jobs::queue_limits& limits : {jobs::queue_limits{.running = 3}, jobs::queue_limits{.running_per_key = 3},
                                             jobs::queue_limits{.running = 3, .fair = true}}) {
        const auto store = open_store(server::shared().url(), {.schema = fresh_schema()});
        ASSERT_TRUE(store->ledger()->limit("default", limits));
        ASSERT_TRUE(store->sink().publish(keyed_jobs(8)));
        const auto worker = store->subscribe({}).value();
        auto held = worker->exchange({}, {.idle = 1}).value().jobs;
        ASSERT_EQ(held.size(), 1u);
        // It is given back when two newer ones run, and is claimed again as the oldest.
        auto newer = worker->exchange({}, {.idle = 2}).value().jobs;
        ASSERT_EQ(newer.size(), 2u);
        const jobs::settlement back{.which = held[0].which, .what = jobs::verdict::returned};
        const auto given = worker->exchange({&back, 1}, {}).value();
        EXPECT_EQ(given.outcomes.at(0), jobs::settled::yes);
        const auto again = worker->exchange({}, {.idle = 5}).value().jobs;
        ASSERT_EQ(again.size(), 1u);
        EXPECT_EQ(again[0].id, held[0].id);
        EXPECT_EQ(claimed(*worker, {.idle = 5}), 0u);
        // The newer ones end: what is left is older than where the last claim began to count.
        std::vector<jobs::settlement> ends;
        for (const jobs::delivery& each : newer) ends.push_back({.which = each.which});
        EXPECT_EQ(worker->exchange(ends, {.idle = 5}).value().jobs.size(), 2u);
        EXPECT_EQ(claimed(*worker, {.idle = 5}), 0u);
    }
}

}  // namespace
