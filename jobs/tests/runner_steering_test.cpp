// What is kept at hand, what other people do to a run (another size, a pause, a cancelled claim), and what is seen of it.
#include <stdexcept>
#include <string>
#include <vector>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

// ---- at hand ----

TEST(runner_ahead, what_has_not_started_after_a_second_goes_back) {
    on_virtual_time([] {
        workshop shop({.workers = 1});
        shop.kinds.add<int>("k", [](int ms) { gm::sleep(std::chrono::milliseconds(ms)); });
        for (int i = 0; i != 300; ++i) shop.put("k", 1);  // short: some are kept at hand
        shop.put("k", 60'000);
        job_id last;
        for (int i = 0; i != 300; ++i) last = shop.put("k", 1);
        shop.run();
        gm::sleep(600ms + 1s);
        const runner_snapshot now = shop.runner->snapshot();
        EXPECT_EQ(now.running.size(), 1u);
        EXPECT_EQ(now.at_hand, 0u);
        EXPECT_GT(now.counts.returned, 0u);
        EXPECT_EQ(shop.store->ledger()->count({.states = {state::running}}).value(), 1u);
        shop.end_of(last);
        shop.stop();
        EXPECT_EQ(shop.store->ledger()->count({.states = {state::completed}}).value(), 601u);
    });
}

TEST(runner_ahead, nothing_is_kept_at_hand_when_jobs_are_long) {
    on_virtual_time([] {
        workshop shop({.workers = 3});
        shop.kinds.add("k", [](const body&) { gm::sleep(150ms); });
        for (int i = 0; i != 60; ++i) shop.put("k");
        shop.run();
        for (int i = 0; i != 30; ++i) {
            gm::sleep(70ms);
            EXPECT_EQ(shop.runner->snapshot().at_hand, 0u);
        }
        EXPECT_EQ(shop.stop().counts.returned, 0u);
    });
}

TEST(runner_ahead, at_most_so_many_are_kept_at_hand) {
    on_virtual_time([] {
        workshop shop({.workers = 2, .most_ahead = 10});
        shop.kinds.add("k", [](const body&) { gm::sleep(1ms); });
        for (int i = 0; i != 1000; ++i) shop.put("k");
        shop.run();
        std::size_t most = 0;
        for (int i = 0; i != 100; ++i) {
            gm::sleep(3ms);
            most = std::max(most, shop.runner->snapshot().at_hand);
        }
        EXPECT_GT(most, 2u);
        EXPECT_LE(most, 12u);
    });
}

// ---- what others ask for ----

TEST(runner_resize, crew_grows_and_shrinks_while_it_runs) {
    on_virtual_time([] {
        workshop shop({.workers = 1});
        shop.kinds.add("k", [](const body&) { gm::sleep(10s); });
        for (int i = 0; i != 100; ++i) shop.put("k");
        shop.run();
        gm::sleep(1s);
        EXPECT_EQ(shop.runner->snapshot().running.size(), 1u);
        shop.runner->resize(5);
        gm::sleep(1s);
        EXPECT_EQ(shop.runner->snapshot().running.size(), 5u);
        EXPECT_EQ(shop.runner->snapshot().workers, 5u);
        shop.runner->resize(2);
        gm::sleep(15s);
        EXPECT_EQ(shop.runner->snapshot().running.size(), 2u);
    });
}

TEST(runner_resize, size_that_somebody_asked_the_store_for_is_taken_at_the_next_beat) {
    on_virtual_time([] {
        workshop shop({.workers = 1});
        shop.kinds.add("k", [](const body&) { gm::sleep(1h); });
        for (int i = 0; i != 10; ++i) shop.put("k");
        shop.run();
        gm::sleep(1s);
        EXPECT_EQ(shop.store->ledger()->scale(0, 4).value(), 1u);
        gm::sleep(6s);
        EXPECT_EQ(shop.runner->snapshot().running.size(), 4u);
        shop.runner->resize(6);  // the program's own word is the later one
        gm::sleep(11s);
        EXPECT_EQ(shop.runner->snapshot().running.size(), 6u);
        shop.options.grace = shop.options.last_grace = 0s;
        gm::sleep(2h);
    });
}

TEST(runner_pause, nothing_is_claimed_until_it_goes_on) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) {});
        shop.run();
        shop.end_of(shop.put("k"));
        shop.runner->pause(true);
        const job_id id = shop.put("k");
        gm::sleep(1h);
        EXPECT_EQ(shop.look(id).state, state::available);
        EXPECT_EQ(shop.runner->snapshot().state, run_state::paused);
        shop.runner->pause(false);
        EXPECT_EQ(shop.end_of(id).state, state::completed);
    });
}

TEST(runner_pause, job_that_was_cancelled_at_hand_does_not_start) {
    on_virtual_time([] {
        workshop shop({.workers = 1, .unstarted = 1h});
        bool ran = false;
        shop.kinds.add("quick", [](const body&) { gm::sleep(1ms); });
        shop.kinds.add("slow", [](const body&) { gm::sleep(1min); });
        shop.kinds.add("cancelled", [&](const body&) { ran = true; });
        for (int i = 0; i != 200; ++i) shop.put("quick");  // so that some are kept at hand
        shop.put("slow");
        const job_id id = shop.put("cancelled");
        shop.run();
        gm::sleep(2s);
        EXPECT_EQ(shop.runner->snapshot().at_hand, 1u);
        EXPECT_TRUE(shop.client.cancel(id).value());
        EXPECT_EQ(shop.end_of(id).state, state::cancelled);
        EXPECT_FALSE(ran);
    });
}

// ---- what is seen ----

TEST(runner_snapshot, says_what_each_worker_runs_and_since_when) {
    on_virtual_time([] {
        workshop shop({.workers = 3});
        shop.kinds.add<int>("k", [](int, attempt& self) {
            self.progress(0.5, "half");
            gm::sleep(1min);
        });
        shop.run();
        const job_id id = shop.put("k", 1, {.key = "seven"});
        gm::sleep(10s);
        const runner_snapshot now = shop.runner->snapshot();
        ASSERT_EQ(now.running.size(), 1u);
        const running_job& it = now.running[0];
        EXPECT_EQ(it.id, id);
        EXPECT_EQ(it.kind, "k");
        EXPECT_EQ(it.key, "seven");
        EXPECT_GE(it.lane, 0);
        EXPECT_LE(it.lane, 2);
        EXPECT_EQ(it.since, 10s);
        EXPECT_EQ(it.progress, 0.5);
        EXPECT_EQ(it.note, "half");
        EXPECT_EQ(now.counts.started, 1u);
        EXPECT_EQ(now.state, run_state::running);
        shop.end_of(id);
        const runner_snapshot then = shop.runner->snapshot();
        EXPECT_EQ(then.counts.completed, 1u);
        EXPECT_EQ(then.ran.count, 1u);
        EXPECT_TRUE(then.running.empty());
    });
}

struct recorder : runner_observer {
    std::vector<std::string> seen;
    void add(const char* what, const attempt_event& e) {
        seen.push_back(std::string(what) + " " + std::string(e.kind) + " " + std::to_string(e.attempt));
    }
    void started(const attempt_event& e) noexcept override { add("started", e); }
    void finished(const attempt_event& e) noexcept override {
        add("finished", e);
        EXPECT_EQ(e.ran, 2s);
    }
    void failed(const attempt_event& e) noexcept override {
        add("failed", e);
        EXPECT_EQ(e.what, verdict::retry);
        EXPECT_EQ(e.error, "no");
    }
};

TEST(runner_observer, sees_starts_and_ends_with_their_times) {
    on_virtual_time([] {
        recorder watch;
        workshop shop({.observer = &watch});
        shop.kinds.add("k",
                       [](const body&, attempt& self) {
                           gm::sleep(2s);
                           if (self.number() == 1) throw std::runtime_error("no");
                       },
                       {.retry = {.first = 1s}});
        shop.run();
        shop.end_of(shop.put("k"));
        EXPECT_EQ(watch.seen, (std::vector<std::string>{"started k 1", "failed k 1", "started k 2", "finished k 2"}));
    });
}

}  // namespace
