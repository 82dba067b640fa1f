// The crew: resizing, following the load, hooks, observers, reports; and bodies that are coroutines.
#include <gristmill/pool.hpp>

#include <algorithm>
#include <atomic>
#include <latch>
#include <ranges>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

// For conditions that another thread brings about and nothing announces.
template <class F>
bool comes_true(F condition) {
    for (const auto end = gm::clock::now() + 20s; gm::clock::now() < end; std::this_thread::yield())
        if (condition()) return true;
    return false;
}

TEST(resize, up_while_jobs_wait_starts_threads) {
    std::latch all(4), go(1);
    gm::pool crew({.workers = 1, .queue = 100});
    std::vector<gm::future<void>> jobs;
    for (int i = 0; i < 4; ++i)
        jobs.push_back(crew.submit([&] {
            all.count_down();
            go.wait();
        }));
    EXPECT_EQ(crew.snapshot().threads, 1u);
    EXPECT_TRUE(crew.resize(4));
    all.wait();  // all four at once
    go.count_down();
    EXPECT_TRUE(crew.resize(2));
    EXPECT_TRUE(comes_true([&] { return crew.snapshot().threads == 2; }));
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
    EXPECT_TRUE(crew.resize(3));
    crew.start();
    EXPECT_EQ(crew.snapshot().threads, 3u);
}

TEST(by_load, crew_grows_when_the_head_waits_and_shrinks_when_idle) {
    std::latch all(3), go(1);
    gm::pool crew({.queue = 100, .sizing = {.least = 1, .most = 3, .idle = 20ms}});
    EXPECT_EQ(crew.workers(), 1u);
    std::vector<gm::future<void>> jobs;
    for (int i = 0; i < 5; ++i)
        jobs.push_back(crew.submit([&] {
            if (!all.try_wait()) all.count_down();
            go.wait();
        }));
    EXPECT_TRUE(comes_true([&] { return crew.snapshot().running == 3; }));
    EXPECT_EQ(crew.workers(), 3u);
    go.count_down();
    for (auto& each : jobs) EXPECT_TRUE(each.get());
    EXPECT_TRUE(comes_true([&] { return crew.snapshot().threads == 1; }));
}

struct counts : gm::pool_observer {
    std::atomic<int> queued_{0}, started_{0}, finished_{0}, failed_{0}, dropped_{0}, up_{0}, down_{0};
    void queued(const gm::job_event& job) noexcept override { queued_ += job.id.value != 0; }
    void started(const gm::job_event& job) noexcept override { started_ += job.worker >= 0; }
    void finished(const gm::job_event& job) noexcept override { finished_ += job.ran.count() >= 0; }
    void failed(const gm::job_event&) noexcept override { ++failed_; }
    void dropped(const gm::job_event&) noexcept override { ++dropped_; }
    void worker_started(int) noexcept override { ++up_; }
    void worker_stopped(int) noexcept override { ++down_; }
};

TEST(observer, sees_the_jobs_of_a_stream_queued_before_they_start) {
    struct : gm::pool_observer {
        std::atomic<int> queued_{0}, started_{0}, early_{0};
        void queued(const gm::job_event&) noexcept override { ++queued_; }
        void started(const gm::job_event&) noexcept override {
            if (++started_ > queued_) ++early_;
        }
    } seen;
    {
        gm::pool crew({.workers = 2, .queue = 4, .observer = &seen});
        int sum = 0;
        for (auto& done : crew.map(std::views::iota(0, 100), [](int n) { return n; })) sum += done.value();
        EXPECT_EQ(sum, 4950);
    }
    EXPECT_EQ(seen.queued_, 100);
    EXPECT_EQ(seen.started_, 100);
    EXPECT_EQ(seen.early_, 0);
}

TEST(observer, sees_every_job_and_worker) {
    counts seen;
    {
        gm::pool crew({.workers = 2, .observer = &seen});
        for (int i = 0; i < 100; ++i)
            crew.post([i] {
                if (i % 10 == 0) throw i;
            });
        crew.close();
        EXPECT_FALSE(crew.post([] {}));
    }
    EXPECT_EQ(seen.queued_, 101);
    EXPECT_EQ(seen.started_, 100);
    EXPECT_EQ(seen.finished_, 90);
    EXPECT_EQ(seen.failed_, 10);
    EXPECT_EQ(seen.dropped_, 1);
    EXPECT_GE(seen.up_, 1);
    EXPECT_EQ(seen.up_, seen.down_);
}

TEST(hook, runs_on_each_thread_before_its_first_job) {
    static thread_local int mark = 0;
    gm::pool crew({.workers = 2, .on_thread_start = [](int worker) { mark = worker + 1; }});
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(crew.submit([](gm::job& self) { return mark == self.worker() + 1; }).get().value());
}

TEST(snapshot, counts_times_and_workers) {
    std::latch started(1), go(1);
    gm::pool crew({.workers = 2});
    auto running = crew.submit(
        [&] {
            started.count_down();
            go.wait();
        },
        {.name = "slow"});
    started.wait();
    auto now = crew.snapshot();
    EXPECT_EQ(now.running, 1u);
    const auto slow = std::ranges::find(now.crew, gm::worker_report::running, &gm::worker_report::state);
    ASSERT_NE(slow, now.crew.end()) << "whichever took it";
    EXPECT_STREQ(slow->name, "slow");
    EXPECT_EQ(slow->current, running.id());
    go.count_down();
    EXPECT_TRUE(running.get());
    for (int i = 0; i < 100; ++i) crew.post([] {});
    crew.close();
    now = crew.snapshot();
    EXPECT_EQ(now.submitted, 101u);
    EXPECT_EQ(now.finished, 101u);
    EXPECT_EQ(now.ran.count, 101u);
    EXPECT_EQ(now.waited.count, 101u);
    EXPECT_GT(now.ran.quantile(1.0), now.ran.quantile(0.01));
}

TEST(sizing_report, says_what_another_size_would_change) {
    gm::pool crew({.workers = 2});
    auto spin = [] {
        for (const auto end = gm::clock::now() + 20ms; gm::clock::now() < end;) {
        }
    };
    static_cast<void>(crew.sizing_report());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(crew.submit(spin).get());
    const auto report = crew.sizing_report();
    EXPECT_EQ(report.workers, 2u);
    EXPECT_GT(report.work, 0.2);
    EXPECT_LT(report.utilisation_with_one_more, report.utilisation);
    EXPECT_GT(report.utilisation_with_one_less, report.utilisation);
    EXPECT_GE(report.mean_run, 15ms);
    EXPECT_GE(report.suggested, 1u);
    EXPECT_FALSE(report.advice.empty());
}

// A long job must not hold back what its worker took ahead, or what it posted, while another worker is idle.
TEST(stealing, nothing_stays_behind_a_long_job) {
    gm::pool crew({.workers = 2, .queue = 4096, .times = gm::job_times::none});
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 2000; ++i) crew.post([] {});
        std::latch others(100);
        auto holder = crew.submit([&] {
            for (int i = 0; i < 100; ++i) crew.post([&] { others.count_down(); });
            others.wait();
        });
        EXPECT_TRUE(holder.get());
    }
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)

TEST(coroutine_bodies, of_a_crew_of_many_wait_without_threads) {
    constexpr int many = 10'000;
    gm::channel<int> gate(0);
    gm::pool crew({.workers = many, .queue = many});
    std::vector<gm::future<int>> all;
    for (int i = 0; i < many; ++i)
        all.push_back(
            crew.submit([gate]() -> gm::task<int> { co_return (co_await gate.async_receive()).has_value() ? 1 : 0; }));
    EXPECT_EQ(crew.snapshot().threads, 0u);
    EXPECT_EQ(crew.snapshot().running, static_cast<std::size_t>(many));
    for (int i = 0; i < many; ++i) EXPECT_TRUE(gate.send(i));
    int sum = 0;
    for (auto& each : all) sum += each.get().value();
    EXPECT_EQ(sum, many);
}

TEST(coroutine_bodies, workers_bounds_how_many_run_at_once) {
    std::atomic<int> running{0}, most{0};
    gm::pool crew({.workers = 3, .queue = 1000});
    std::vector<gm::future<void>> all;
    for (int i = 0; i < 200; ++i)
        all.push_back(crew.submit([&]() -> gm::task<> {
            const int now = ++running;
            if (now > most) most = now;
            for (int k = 0; k < 5; ++k) co_await gm::yield();
            --running;
        }));
    for (auto& each : all) EXPECT_TRUE(each.get());
    EXPECT_LE(most, 3);
}

TEST(coroutine_bodies, errors_timeouts_and_cancels_are_results) {
    gm::pool crew({.workers = 2});
    auto failing = crew.submit([]() -> gm::task<int> {
        co_await gm::yield();
        throw std::runtime_error("no");
    });
    EXPECT_THROW(failing.get().value(), std::runtime_error);
    auto wait_for_stop = [](gm::job& self) -> gm::task<bool> {
        static_cast<void>(co_await self.context().done().async_receive());
        co_return self.stop_requested();
    };
    EXPECT_EQ(crew.submit(wait_for_stop, {.timeout = 5ms}).get().status(), gm::job_status::timed_out);
    auto cancelled = crew.submit(wait_for_stop);
    EXPECT_EQ(cancelled.cancel(), gm::cancel_outcome::running);
    EXPECT_TRUE(cancelled.get().value());
    EXPECT_TRUE(crew.close());
    while (crew.snapshot().late != 1) std::this_thread::yield();  // close() waits for no body that is past its time
}

TEST(coroutine_bodies, that_await_jobs_of_their_own_pool_do_not_deadlock) {
    gm::pool crew({.workers = 1, .queue = 100});
    auto outer = crew.submit([&]() -> gm::task<int> {
        auto inner = crew.submit([&]() -> gm::task<int> {
            auto innermost = crew.submit([]() -> gm::task<int> { co_return 5; });
            co_return (co_await innermost).value() + 1;
        });
        co_return (co_await inner).value() + 1;
    });
    EXPECT_EQ(outer.get().value(), 7);
}

TEST(coroutine_bodies, run_on_the_scheduler_that_was_given) {
    gm::scheduler threads({.threads = 1});
    gm::pool crew({.workers = 2, .queue = 2, .scheduler = &threads});
    const int sum = threads.block_on([](gm::pool& crew) -> gm::task<int> {
        std::vector<gm::future<int>> all;
        for (int i = 0; i < 100; ++i) {
            while (!crew.core().closed() && crew.snapshot().queued >= 2) co_await crew.room();
            all.push_back(crew.submit([i]() -> gm::task<int> {
                co_await gm::yield();
                co_return i;
            }));
        }
        int sum = 0;
        for (auto& each : all) sum += (co_await each).value();
        co_return sum;
    }(crew));
    EXPECT_EQ(sum, 4950);
    EXPECT_TRUE(crew.close());
}

TEST(coroutine_bodies, that_never_end_are_destroyed_with_the_pool_after_its_grace) {
    gm::future<int> stuck;
    gm::channel<int> never(0);
    {
        gm::pool crew({.workers = 2, .grace = 5ms});
        stuck = crew.submit([never]() -> gm::task<int> { co_return *(co_await never.async_receive()); });
        EXPECT_TRUE(comes_true([&] { return crew.snapshot().running == 1; }));
    }
    EXPECT_EQ(stuck.get().status(), gm::job_status::stopped);
}

#endif

}  // namespace
