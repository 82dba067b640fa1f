// What runs is looked for from when the first of it began, as its workers' beats tell. Whatever becomes of an answer, nothing that a
// worker holds began before that.

#include <gtest/gtest.h>

#include <thread>

#include <support/seed.hpp>

#include "crew.hpp"
#include "proxy.hpp"
#include "watched.hpp"

namespace {

using namespace gm;
using namespace gm::test;
using namespace std::chrono_literals;

class postgres_held_since : public watched {
protected:
    std::string running() { return look.ask("select count(*) from job where state = 3"); }
    // As if the server's clock had been set.
    void set_clock(std::chrono::milliseconds by) {
        ASSERT_TRUE(look.tell(
            "create or replace function now_us() returns bigint language sql volatile parallel safe as 'select "
            "(extract(epoch from clock_timestamp()) * 1000000)::bigint + " +
            std::to_string(std::chrono::microseconds(by).count()) + "'"));
    }
};

TEST_F(postgres_held_since, rises_when_what_began_earlier_has_ended) {
    ASSERT_TRUE(store->sink().publish(some_jobs(2)));
    const auto worker = store->subscribe({}).value();
    const auto first = claim(*worker, 1);
    const std::string held_since = "select held_since from worker", at_first = look.ask(held_since);
    EXPECT_TRUE(worker->beat({}));
    EXPECT_EQ(claim(*worker, 1).size(), 1u);
    EXPECT_TRUE(worker->beat({}));
    EXPECT_EQ(look.ask(held_since), at_first);
    const jobs::settlement end{.which = first.at(0).which};
    ASSERT_TRUE(worker->exchange({&end, 1}, {}));
    EXPECT_TRUE(worker->beat({}));
    EXPECT_EQ(look.ask("select held_since > " + at_first + " from worker"), "t");
}

// Two at work, and beats beside them, over wires that are cut under their answers.
TEST_F(postgres_held_since, holds_whatever_becomes_of_the_answers) {
    const std::uint64_t first_seed = seed();
    constexpr std::size_t total = 3000;
    ASSERT_TRUE(store->sink().publish(some_jobs(total)));
    std::atomic<std::size_t> ended = 0;
    std::atomic<bool> stop = false;
    const auto work = [&](std::uint64_t number) {
        random_source dice(number);
        proxy between(server::shared().url());
        const auto own = open_store(between.url(), {.schema = schema});
        const auto worker = own->subscribe({.lease = 60s}).value();
        std::jthread beats([&](const std::stop_token& quit) {
            while (!quit.stop_requested()) (void)worker->beat({});
        });
        std::vector<jobs::settlement> held;
        while (!stop) {
            if (dice.one_in(20)) {
                std::deque<std::string> lost{"select * from hand_out"};
                if (dice.one_in(2)) lost.push_back("select * from forgotten");
                between.swallow_next_answers(lost);
            }
            // The last ones end: the first is long.
            const std::size_t stay = dice.below(held.size() + 1);
            auto done = worker->exchange(std::span(held).subspan(stay), {.idle = dice.below(10)});
            if (!done) continue;
            for (const jobs::settled each : done->outcomes) ended += each == jobs::settled::yes;
            held.resize(stay);
            for (const jobs::delivery& job : done->jobs) held.push_back({.which = job.which});
        }
        // What it does not know of yet is told, when the server is there again.
        while (!held.empty() || ended < total) {
            auto done = worker->exchange(held, {.idle = 10});
            if (!done) continue;
            for (const jobs::settled each : done->outcomes) ended += each == jobs::settled::yes;
            held.clear();
            for (const jobs::delivery& job : done->jobs) held.push_back({.which = job.which});
        }
    };
    std::vector<std::jthread> workers;
    for (std::uint64_t i = 0; i != 2; ++i) workers.emplace_back(work, first_seed + i);
    std::size_t looks = 0;
    EXPECT_TRUE(eventually([&] {
        ++looks;
        EXPECT_EQ(look.ask("select count(*) from job j join worker w on w.id = j.worker where j.state = 3 and "
                           "j.started < w.held_since"),
                  "0");
        return ended >= total - 100;
    }));
    stop = true;
    workers.clear();
    EXPECT_GT(looks, 10u);
    EXPECT_EQ(ended, total);
    EXPECT_EQ(running(), "0");
}

TEST_F(postgres_held_since, job_whose_worker_is_not_there_is_found) {
    ASSERT_TRUE(store->sink().publish(some_jobs(2)));
    const auto worker = store->subscribe({}).value();
    EXPECT_EQ(claim(*worker, 2).size(), 2u);
    ASSERT_TRUE(look.tell("delete from worker"));
    const auto other = store->subscribe({.lease = 1s}).value();
    std::size_t rescued = 0;
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(other->beat({}));
        rescued += other->sweep().value().rescued;
        return rescued == 2;
    }));
    EXPECT_EQ(running(), "0");
    const auto again = other->exchange({}, {.idle = 1, .which = jobs::claim::suspect}).value();
    ASSERT_EQ(again.jobs.size(), 1u);
    EXPECT_EQ(again.jobs[0].crashes, 1u);
}

// A snapshot held open keeps the entries of all that has run. Nobody reads them who looks for what runs now.
TEST_F(postgres_held_since, dead_entries_are_not_read) {
    constexpr std::size_t many = 2000, few = 10;
    ASSERT_TRUE(store->ledger()->limit("default", {.running = 5 * many}));
    ASSERT_TRUE(store->sink().publish(some_jobs(many + few)));
    plain_connection reader(server::shared().url());
    ASSERT_TRUE(reader.tell("begin isolation level repeatable read"));
    reader.ask("select count(*) from pg_class");
    const auto worker = store->subscribe({.lease = 1s}).value();
    std::vector<jobs::settlement> ends;
    while (ends.size() != many)
        for (const jobs::delivery& each : claim(*worker, 500)) ends.push_back({.which = each.which});
    ASSERT_TRUE(worker->exchange(ends, {}));
    // What it holds may have begun when its last beat was answered, and others look from one lease before.
    const std::string now = look.ask("select now_us()");
    EXPECT_TRUE(eventually([&] {
        EXPECT_TRUE(worker->beat({}));
        return look.ask("select held_since - lease > " + now + " from worker") == "t";
    }));
    EXPECT_EQ(claim(*worker, few).size(), few);
    const auto entries_read_by = [&](const std::string& sql) {
        const auto read = [&] {
            return std::stoul(look.ask("select pg_stat_get_xact_tuples_returned('job_since'::regclass)"));
        };
        EXPECT_TRUE(look.tell("begin"));
        EXPECT_TRUE(look.tell("set local enable_seqscan = off"));
        const std::size_t before = read();
        EXPECT_TRUE(look.tell(sql));
        const std::size_t after = read();
        EXPECT_TRUE(look.tell("commit"));
        return after - before;
    };
    EXPECT_GE(entries_read_by("select count(*) from job where queue = 'default' and state = 3"), many + few);
    EXPECT_EQ(entries_read_by("select held_by(array(select id from worker), now_us())"), few);
    ASSERT_TRUE(look.tell("update queue set runs_trusted = 0"));
    EXPECT_EQ(entries_read_by("select room(q, 10, null) from queue q"), few);
    ASSERT_TRUE(reader.tell("rollback"));
}

TEST_F(postgres_held_since, what_runs_is_counted_when_the_clock_was_set_back) {
    for (const std::chrono::milliseconds by : {-5000ms, -20000ms, -3600000ms}) {
        ASSERT_TRUE(store->ledger()->limit("default", {.running = 3}));
        ASSERT_TRUE(store->sink().publish(some_jobs(10)));
        auto worker = store->subscribe({}).value();
        EXPECT_EQ(claim(*worker, 1).size(), 1u);
        EXPECT_TRUE(worker->beat({}));
        set_clock(by);
        ASSERT_TRUE(look.tell("update job set okey = 0, run_at = 0 where state = 2"));
        ASSERT_TRUE(look.tell("update worker set expires = now_us() + lease"));
        EXPECT_EQ(claim(*worker, 1).size(), 1u) << by.count();
        ASSERT_TRUE(look.tell("update queue set runs_trusted = 0"));  // as if a second had passed
        EXPECT_EQ(claim(*worker, 9).size(), 1u) << by.count();
        ASSERT_TRUE(look.tell("update queue set runs_trusted = 0"));
        EXPECT_EQ(claim(*worker, 9).size(), 0u) << by.count();
        EXPECT_TRUE(worker->beat({}));
        ASSERT_TRUE(look.tell("update queue set runs_trusted = 0"));
        EXPECT_EQ(claim(*worker, 9).size(), 0u) << by.count();
        set_clock(0ms);
        worker.reset();
        EXPECT_EQ(running(), "0");
    }
}

TEST_F(postgres_held_since, jobs_claimed_after_the_clock_was_set_back_are_rescued) {
    // It would find them too, later.
    ASSERT_TRUE(
        look.tell("create or replace function strays(cap integer, most_errors integer) returns bigint language sql as "
                  "'select 0::bigint'"));
    for (const bool set_again : {false, true})
        for (const std::chrono::milliseconds by : {-500ms, -5000ms, -3600000ms}) {
            ASSERT_TRUE(store->sink().publish(some_jobs(1)));
            const auto dies = store->subscribe({.lease = 1s}).value();
            set_clock(by);
            ASSERT_TRUE(look.tell("update job set okey = 0, run_at = 0 where state = 2"));
            EXPECT_EQ(dies->exchange({}, {.idle = 1}).value().jobs.size(), 1u);
            const auto other = store->subscribe({.lease = 1s}).value();
            std::size_t rescued = 0;
            EXPECT_TRUE(eventually([&] {
                EXPECT_TRUE(other->beat({}));
                rescued += other->sweep().value().rescued;
                // Once somebody has noticed, and its lease has begun anew.
                if (set_again && look.ask("select bool_and(expires <= now_us() + lease) from worker") == "t")
                    set_clock(0ms);
                return look.ask("select count(*) from worker where gone") == "1";
            }));
            EXPECT_EQ(rescued, 1u) << by.count() << (set_again ? " and forth" : "");
            set_clock(0ms);
            ASSERT_TRUE(look.tell("delete from job; delete from worker"));
        }
}

}  // namespace
