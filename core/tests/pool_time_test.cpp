// Time limits: on the run, on the wait in the queue, on workers that are stuck.
#include <gristmill/pool.hpp>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(timeout, result_is_there_at_once_and_the_token_is_set) {
    std::latch go(1), asked(1);
    gm::pool crew({.workers = 1});
    auto hung = crew.submit(
        [&](gm::job& self) {
            static_cast<void>(self.context().done().receive());
            asked.count_down();
            go.wait();
            return 1;
        },
        {.timeout = 5ms});
    auto result = hung.get();
    EXPECT_EQ(result.status(), gm::job_status::timed_out);
    EXPECT_THROW(result.value(), gm::job_not_done);
    EXPECT_GE(result.ran(), 4ms);
    asked.wait();
    EXPECT_EQ(crew.snapshot().timed_out, 1u);
    EXPECT_EQ(crew.snapshot().late, 0u);
    go.count_down();
    EXPECT_TRUE(crew.close());
}

struct late_value {
    static inline std::atomic<int> alive{0};
    late_value() { ++alive; }
    late_value(late_value&&) noexcept { ++alive; }
    ~late_value() { --alive; }
};

struct watcher : gm::pool_observer {
    std::atomic<int> timed_out_{0}, replaced_{0};
    std::latch late_{1};
    void timed_out(const gm::job_event&) noexcept override { ++timed_out_; }
    void late(const gm::job_event&) noexcept override { late_.count_down(); }
    void worker_replaced(int) noexcept override { ++replaced_; }
};

TEST(timeout, late_outcome_is_dropped_and_observed) {
    std::latch go(1);
    watcher seen;
    gm::pool crew({.workers = 1, .observer = &seen});
    auto hung = crew.submit([&] { return go.wait(), late_value(); }, {.timeout = 2ms});
    EXPECT_EQ(hung.get().status(), gm::job_status::timed_out);
    while (seen.replaced_ == 0) std::this_thread::yield();  // the watchdog says so after it has given the result
    go.count_down();
    seen.late_.wait();
    EXPECT_EQ(late_value::alive, 0);
    EXPECT_EQ(crew.snapshot().late, 1u);
    EXPECT_EQ(seen.timed_out_, 1);
    EXPECT_EQ(seen.replaced_, 1);
}

TEST(timeout, clock_starts_with_the_job) {
    std::latch go(1), started(1);
    gm::pool crew({.workers = 1});
    auto holding = crew.submit([&] {
        started.count_down();
        go.wait();
    });
    started.wait();
    auto patient = crew.submit([] { return 1; }, {.timeout = 500ms});
    EXPECT_FALSE(patient.wait(600ms));  // waits longer than its timeout
    go.count_down();
    EXPECT_EQ(patient.get().value(), 1);
}

TEST(timeout, negative_is_over_at_once) {
    bool ran = false;
    gm::pool crew({.workers = 1});
    EXPECT_EQ(crew.submit([&] { ran = true; }, {.timeout = -1ms}).get().status(), gm::job_status::timed_out);
    EXPECT_EQ(crew.submit([&] { ran = true; }, {.queue_timeout = -1ms}).get().status(), gm::job_status::expired);
    EXPECT_TRUE(crew.close());
    EXPECT_FALSE(ran);
}

TEST(timeout, of_the_pool_holds_for_posts_and_can_be_switched_off) {
    std::latch go(1);
    gm::pool crew({.workers = 2, .timeout = 3ms});
    EXPECT_TRUE(crew.post([&] { go.wait(); }));
    auto without = crew.submit([&] { return go.wait(), 1; }, {.timeout = 0ms});
    auto with = crew.submit([&] { go.wait(); });
    EXPECT_EQ(with.get().status(), gm::job_status::timed_out);
    EXPECT_FALSE(without.ready());
    go.count_down();
    EXPECT_EQ(without.get().value(), 1);
}

TEST(queue_timeout, expires_in_the_queue_before_its_turn) {
    std::latch go(1), started(1);
    gm::pool crew({.workers = 1});
    auto holding = crew.submit([&] {
        started.count_down();
        go.wait();
    });
    started.wait();
    bool ran = false;
    auto waiting = crew.submit([&] { ran = true; }, {.queue_timeout = 5ms});
    EXPECT_EQ(waiting.get().status(), gm::job_status::expired);  // while the worker is still held
    go.count_down();
    EXPECT_TRUE(crew.close());
    EXPECT_FALSE(ran);
    EXPECT_EQ(crew.snapshot().expired, 1u);
}

TEST(stuck_workers, are_replaced_up_to_once_the_crew_and_then_the_pool_is_degraded) {
    std::latch go(1);
    gm::pool crew({.workers = 2});
    std::vector<gm::future<void>> hung;
    for (int i = 0; i < 2; ++i) hung.push_back(crew.submit([&] { go.wait(); }, {.timeout = 2ms}));
    for (auto& each : hung) EXPECT_EQ(each.get().status(), gm::job_status::timed_out);
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);  // by a replacement
    EXPECT_EQ(crew.snapshot().stuck, 2u);
    EXPECT_FALSE(crew.snapshot().degraded);
    hung.clear();
    for (int i = 0; i < 2; ++i) hung.push_back(crew.submit([&] { go.wait(); }, {.timeout = 2ms}));
    for (auto& each : hung) EXPECT_EQ(each.get().status(), gm::job_status::timed_out);
    EXPECT_TRUE(crew.snapshot().degraded);
    EXPECT_EQ(crew.snapshot().threads, 4u);
    auto waits = crew.submit([] { return 2; });
    EXPECT_FALSE(waits.wait(1ms));  // nobody is left
    go.count_down();
    EXPECT_EQ(waits.get().value(), 2);
    EXPECT_TRUE(crew.close());
    while (crew.snapshot().stuck != 0) std::this_thread::yield();  // close() waits for no stuck worker; they come back
    EXPECT_EQ(crew.snapshot().late, 4u);
}

// A job with a timeout that ran in place of the job that waits for it: its worker is held up, and then it is not.
TEST(stuck_workers, come_back_after_a_late_job_in_place) {
    std::latch late(1);
    gm::pool crew({.workers = 1});
    crew.submit([&] {
            auto inner = crew.submit(
                [&](gm::job& self) {
                    static_cast<void>(self.context().done().receive());
                    while (crew.snapshot().stuck == 0) std::this_thread::yield();
                    late.count_down();
                },
                {.timeout = 2ms});
            EXPECT_EQ(inner.get().status(), gm::job_status::timed_out);
        })
        .get()
        .value();
    late.wait();
    for (const auto end = gm::clock::now() + 20s; crew.snapshot().stuck != 0 && gm::clock::now() < end;)
        std::this_thread::yield();
    EXPECT_EQ(crew.snapshot().stuck, 0u);
}

TEST(stuck_workers, are_abandoned_after_the_grace_and_leave_the_list_when_they_return) {
    static std::latch go(1), returned(1);
    {
        gm::pool crew({.workers = 1, .grace = 10ms});
        auto hung = crew.submit(
            [] {
                go.wait();
                returned.count_down();
            },
            {.timeout = 2ms});
        EXPECT_EQ(hung.get().status(), gm::job_status::timed_out);
    }
    EXPECT_EQ(gm::abandoned_workers(), 1u);
    go.count_down();
    returned.wait();
    for (int i = 0; i < 10'000 && gm::abandoned_workers() != 0; ++i) std::this_thread::yield();
}

TEST(context, of_a_job_cancels_it_in_the_queue_and_reaches_its_body) {
    gm::context_source source;
    std::latch started(1);
    gm::pool crew({.workers = 1});
    auto running = crew.submit(
        [&](gm::job& self) {
            started.count_down();
            static_cast<void>(self.context().done().receive());
            return self.stop_token().stop_requested();
        },
        {.context = source});
    started.wait();
    auto queued = crew.submit([] { return 1; }, {.context = source});
    source.cancel();
    EXPECT_TRUE(running.get().value());
    EXPECT_EQ(queued.get().status(), gm::job_status::cancelled);
}

}  // namespace
