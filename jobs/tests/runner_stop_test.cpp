// Time limits, stops, and what other people do to a run: cancelled claims, another size, a pause.
#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "faulty_store.hpp"
#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

constexpr auto ok = gm::channel_status::ok;

TEST(runner_timeout, context_is_done_at_once_and_an_error_is_a_failure) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k",
                       [](const body&, attempt& self) {
                           const gm::time_point start = gm::now();
                           EXPECT_NE(gm::sleep(1h, self.context()), ok);
                           EXPECT_EQ(gm::now() - start, 30s);
                           EXPECT_EQ(self.stop_reason(), stop_reason::timed_out);
                           self.context().check();
                       },
                       {.timeout = 30s, .retry = {.attempts = 1}});
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.errors.at(0).error, "timed out after 30 s: deadline exceeded");
        EXPECT_FALSE(end.overlapping);
    });
}

TEST(runner_timeout, success_after_the_time_stands) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<int>("k", [](int n) { return gm::sleep(40s), n; }, {.timeout = 30s});
        shop.run();
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("k", 7))).value(), 7);
    });
}

TEST(runner_timeout, own_timeout_of_a_job_is_stronger_than_its_kinds) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) { static_cast<void>(gm::sleep(1h, self.context())); },
                       {.timeout = 30s});
        shop.run();
        const gm::time_point start = gm::now();
        EXPECT_EQ(shop.end_of(shop.put("k", body{}, {.timeout = 2s})).state, state::completed);
        EXPECT_LE(gm::now() - start, 4s);
    });
}

// The slot is held until the handler is back: with one worker nothing else runs meanwhile. After abandon_after it is replaced.
TEST(runner_timeout, handler_that_does_not_come_back_is_abandoned_and_its_thread_replaced) {
    on_virtual_time([] {
        workshop shop({.workers = 1, .abandon_after = 1min});
        const gm::time_point start = gm::now();
        gm::time_point other{};
        std::atomic<int> starts{0};
        shop.kinds.add("stuck",
                       [&](const body&) {
                           if (++starts == 1) gm::sleep(10min);
                       },
                       {.timeout = 30s, .retry = {.first = 1h, .longest = 1h, .jitter = 0}});
        shop.kinds.add("other", [&](const body&) { other = gm::now(); });
        shop.run();
        const job_id stuck = shop.put("stuck");
        gm::sleep(1s);
        const job_id next = shop.put("other");
        shop.end_of(next);
        EXPECT_GE(other - start, 90s);
        EXPECT_LE(other - start, 92s);
        gm::sleep(1s);
        record half = shop.look(stuck);
        EXPECT_EQ(half.state, state::retrying);
        EXPECT_TRUE(half.overlapping);
        EXPECT_EQ(half.errors.at(0).error, "timed out after 30 s: it did not come back after its time was up");
        const runner_snapshot now = shop.runner->snapshot();
        ASSERT_EQ(now.running.size(), 1u);
        EXPECT_TRUE(now.running[0].abandoned);
        EXPECT_EQ(shop.end_of(stuck).state, state::completed);
        EXPECT_EQ(starts, 2);
        const runner_report& report = shop.stop();
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.abandoned, 1u);
        EXPECT_EQ(report.counts.started, 3u);
    });
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS
TEST(runner_timeout, coroutine_that_does_not_come_back_gives_its_place_away) {
    on_virtual_time([] {
        workshop shop({.coroutines = 1, .abandon_after = 1min});
        const gm::time_point start = gm::now();
        gm::time_point other{};
        int starts = 0;
        shop.kinds.add("stuck",
                       [&](const body&) -> gm::task<> {
                           if (++starts == 1) co_await gm::async_sleep(10min);
                       },
                       {.timeout = 30s, .retry = {.first = 1h, .longest = 1h, .jitter = 0}});
        shop.kinds.add("other", [&](const body&) -> gm::task<> {
            other = gm::now();
            co_return;
        });
        shop.run();
        const job_id stuck = shop.put("stuck");
        gm::sleep(1s);
        shop.end_of(shop.put("other"));
        EXPECT_GE(other - start, 90s);
        EXPECT_LE(other - start, 92s);
        EXPECT_EQ(shop.end_of(stuck).state, state::completed);
        EXPECT_EQ(shop.stop().counts.abandoned, 1u);
    });
}
#endif

// ---- stop ----

TEST(runner_stop, what_has_not_started_goes_back_at_once_and_what_runs_has_its_grace) {
    on_virtual_time([] {
        workshop shop({.workers = 2, .grace = 25s, .last_grace = 5s});
        shop.kinds.add<int>("k", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.run();
        std::vector<job_id> ids;
        for (int i = 0; i != 5; ++i) ids.push_back(shop.put("k", 20));
        gm::sleep(1s);
        const gm::time_point asked = gm::now();
        const runner_report& report = shop.stop();
        EXPECT_EQ(gm::now() - asked, 19s);
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.completed, 2u);
        EXPECT_EQ(report.counts.interrupted, 0u);
        EXPECT_EQ(shop.store->ledger()->count({.states = {state::available}}).value(), 3u);
    });
}

TEST(runner_stop, handler_that_obeys_is_interrupted_and_its_attempt_does_not_count) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            EXPECT_EQ(self.stop_reason(), stop_reason::stopping);
            self.context().check();
        });
        shop.kinds.add("throws", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            throw std::runtime_error("the connection is gone");  // for that reason
        });
        shop.run();
        const job_id a = shop.put("k"), b = shop.put("throws");
        gm::sleep(1s);
        const gm::time_point asked = gm::now();
        const runner_report& report = shop.stop();
        EXPECT_EQ(gm::now() - asked, 25s);
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.interrupted, 2u);
        for (const job_id id : {a, b}) {
            const record job = shop.look(id);
            EXPECT_EQ(job.state, state::available);
            EXPECT_EQ(job.attempts, 0);
            EXPECT_EQ(job.interruptions, 1);
        }
    });
}

TEST(runner_stop, success_after_the_word_stands) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) { static_cast<void>(gm::sleep(1h, self.context())); });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        EXPECT_TRUE(shop.stop());
        EXPECT_EQ(shop.look(id).state, state::completed);
    });
}

TEST(runner_stop, hurry_skips_the_grace) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            self.context().check();
        });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        shop.quit->cancel();
        gm::sleep(3s);
        EXPECT_EQ(shop.look(id).state, state::running);
        EXPECT_EQ(shop.runner->snapshot().state, run_state::stopping);
        const gm::time_point asked = gm::now();
        shop.runner->hurry();
        EXPECT_TRUE(shop.stop());
        EXPECT_EQ(gm::now(), asked);
        EXPECT_EQ(shop.look(id).state, state::available);
    });
}

// Its thread goes on, so its claim is not given back: that ends with the lease, and only then somebody else runs it.
TEST(runner_stop, handler_that_does_not_obey_keeps_its_claim_until_the_lease_has_run_out) {
    const std::size_t before = abandoned_runs();
    on_virtual_time(
        [] {
            auto shop = std::make_unique<workshop>(runner_options{.grace = 2s, .last_grace = 1s});
            std::atomic<int> starts{0};
            shop->kinds.add("k", [&](const body&) {
                if (++starts == 1) gm::sleep(24h * 300);
            });
            shop->run();
            const job_id id = shop->put("k");
            gm::sleep(1s);
            const gm::time_point asked = gm::now();
            const runner_report report = shop->stop();
            EXPECT_EQ(gm::now() - asked, 3s);
            EXPECT_FALSE(report);
            EXPECT_EQ(report.unfinished, 1u);
            EXPECT_EQ(report.counts.started, 1u);
            EXPECT_EQ(shop->look(id).state, state::running);
            shop->run();
            const record end = shop->end_of(id);
            EXPECT_GE(gm::now() - asked, 14s);
            EXPECT_EQ(end.state, state::completed);
            EXPECT_EQ(end.crashes, 1);
            EXPECT_TRUE(shop->stop());
            static_cast<void>(shop.release());  // the handler that is still out may use it
        },
        1, 1);
    EXPECT_EQ(abandoned_runs(), before + 1);
}

TEST(runner_stop, run_can_begin_again) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) {});
        for (int i = 0; i != 3; ++i) {
            shop.run();
            EXPECT_EQ(shop.end_of(shop.put("k")).state, state::completed);
            EXPECT_TRUE(shop.stop());
        }
    });
}

TEST(runner_stop, until_idle_ends_when_there_is_nothing_left_now_or_later) {
    on_virtual_time([] {
        workshop shop({.until_idle = true});
        shop.kinds.add<int>("k", [](int n, attempt& self) {
            if (n != 0) {
                EXPECT_TRUE(self.insert("k", n - 1, {.delay = 1h}));
            }
        });
        const job_id id = shop.put("k", 3);
        shop.run();
        shop.thread.wait();
        EXPECT_EQ(shop.report.counts.completed, 4u);
        EXPECT_EQ(shop.look(id).state, state::completed);
    });
}

TEST(runner_stop, until_idle_waits_for_what_others_run_and_what_comes_of_it) {
    on_virtual_time([] {
        workshop shop({.name = "other"});
        shop.kinds.add("long", [](const body&) { gm::sleep(10s); });
        shop.kinds.add<std::string>("note", [](const std::string&) {});
        shop.run();
        const job_id parent = shop.put("long");
        gm::sleep(1s);
        static_cast<void>(shop.put("note", std::string("child"), {.after = {parent}}));
        registry notes;  // the one that drains knows the child alone
        std::vector<std::string> read;
        notes.add<std::string>("note", [&](const std::string& text) { read.push_back(text); });
        shop.quit->cancel();  // takes nothing new; what runs goes on
        const runner_report drained = runner(*shop.store, notes, {.workers = 1, .until_idle = true}).run();
        EXPECT_TRUE(drained);
        EXPECT_EQ(drained.counts.completed, 1u);
        EXPECT_EQ(read, std::vector<std::string>{"child"});
    });
}

// PostgreSQL rings five times a second, heard or not; across an ocean, or with a million dead rows to pass over, a look takes longer.
TEST(runner_stop, until_idle_ends_though_the_bell_rings_during_every_look) {
    on_virtual_time([] {
        auto made = std::make_unique<gm::test::faulty_store>(gm::stores::open_memory(), [](gm::test::call what) {
            if (what == gm::test::call::exchange || what == gm::test::call::count) gm::sleep(300ms);
            return gm::test::fault::none;
        });
        gm::test::faulty_store& slow = *made;
        workshop shop({.until_idle = true}, std::move(made));
        shop.kinds.add("k", [](const body&) {});
        shop.put("k");
        shop.run();
        gm::context_source ringing;
        gm::wait_group clock;
        clock.go([&] {
            while (gm::sleep(200ms, ringing.get()) == gm::channel_status::ok) slow.ring();
        });
        EXPECT_EQ(shop.thread.wait(1min), gm::channel_status::ok);
        shop.stop();
        EXPECT_EQ(shop.report.counts.completed, 1u);
        ringing.cancel();
        clock.wait();
    });
}

// A worker whose lease has passed is given nothing, which does not mean that there is nothing.
TEST(runner_stop, until_idle_does_not_end_while_its_beats_do_not_arrive) {
    on_virtual_time([] {
        auto made = std::make_unique<gm::test::faulty_store>(gm::stores::open_memory());
        gm::test::faulty_store& deaf = *made;
        workshop shop({.workers = 1, .name = "late", .until_idle = true}, std::move(made));
        shop.kinds.add<int>("k", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.put("k", 20);
        shop.run();
        gm::sleep(1s);
        deaf.mute("late");
        gm::sleep(17s);  // the lease is one of 15 seconds
        const job_id second = shop.put("k", 1);
        gm::sleep(1min);
        deaf.mute("late", false);
        shop.thread.wait();
        EXPECT_EQ(shop.look(second).state, state::completed);
    });
}

TEST(runner_stop, until_idle_leaves_a_paused_queue_alone) {
    on_virtual_time([] {
        workshop shop({.until_idle = true});
        shop.kinds.add("k", [](const body&) {});
        shop.put("k");
        ASSERT_TRUE(shop.store->ledger()->pause("default", true));
        shop.run();
        shop.thread.wait();
        EXPECT_EQ(shop.report.counts.started, 0u);
    });
}

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
