// The pool's everyday life: results, errors, futures, helping, closing. The policies, times, streams and the crew have
// files of their own.
#include <gristmill/pool.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(pool, submit_returns_the_value) {
    gm::pool crew({.workers = 2, .queue = 100});
    auto answer = crew.submit([] { return 6 * 7; });
    auto result = answer.get();
    EXPECT_TRUE(result);
    EXPECT_EQ(result.value(), 42);
    EXPECT_FALSE(answer.valid());
}

TEST(pool, submit_carries_values_that_only_move_references_and_void) {
    gm::pool crew({.workers = 2});
    auto moved = crew.submit([p = std::make_unique<int>(3)]() mutable { return std::move(p); }).get();
    EXPECT_EQ(*std::move(moved).value(), 3);
    int here = 1;
    EXPECT_EQ(&crew.submit([&]() -> int& { return here; }).get().value(), &here);
    crew.submit([&] { here = 2; }).get().value();
    EXPECT_EQ(here, 2);
}

struct thrown_thing {};  // not a std::exception

TEST(pool, a_body_that_throws_anything_fails_and_the_worker_lives) {
    gm::pool crew({.workers = 1});
    auto first = crew.submit([]() -> int { throw std::runtime_error("no"); }).get();
    EXPECT_EQ(first.status(), gm::job_status::failed);
    EXPECT_THROW(first.value(), std::runtime_error);
    auto second = crew.submit([] { throw thrown_thing(); }).get();
    EXPECT_FALSE(second);
    EXPECT_THROW(second.value(), thrown_thing);
    crew.post([] { throw 5; });
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
    EXPECT_TRUE(crew.close());
    const auto now = crew.snapshot();
    EXPECT_EQ(now.failed, 3u);
    EXPECT_EQ(now.finished, 1u);
}

TEST(pool, result_carries_id_worker_and_times) {
    gm::pool crew({.workers = 2});
    auto first = crew.submit([](gm::job& self) { return self.id(); });
    const gm::job_id id = first.id();
    auto result = first.get();
    EXPECT_EQ(result.id(), id);
    EXPECT_EQ(result.value(), id);
    EXPECT_GE(result.worker(), 0);
    ASSERT_TRUE(result.queued_at() && result.started_at() && result.finished_at());
    EXPECT_LE(*result.started_at(), gm::now());
    EXPECT_GT(result.ran().count() + result.waited().count(), 0);
    EXPECT_LT(id, crew.submit([] {}).id());
}

TEST(pool, result_has_no_times_when_options_say_so) {
    gm::pool crew({.workers = 1, .times = gm::job_times::none});
    auto result = crew.submit([] { return 1; }).get();
    EXPECT_FALSE(result.queued_at());
    EXPECT_FALSE(result.finished_at());
    EXPECT_EQ(result.ran().count(), 0);
    EXPECT_EQ(result.value(), 1);
}

TEST(pool, post_runs_small_and_large_closures) {
    std::atomic<std::uint64_t> sum{0};
    {
        gm::pool crew({.workers = 2, .queue = 10});
        std::array<std::uint64_t, 7> numbers{1, 2, 3, 4, 5, 6, 7};
        for (int i = 0; i < 1000; ++i) {
            EXPECT_TRUE(crew.post([&] { sum += 1; }));
            EXPECT_TRUE(crew.post([&sum, numbers] { sum += std::accumulate(numbers.begin(), numbers.end(), 0u); }));
        }
        EXPECT_TRUE(crew.close());
    }
    EXPECT_EQ(sum, 29'000u);
}

// A closure that owns something is run or destroyed exactly once, whatever becomes of it.
TEST(pool, posted_closure_ends_once_whether_it_runs_or_not) {
    const auto owned = std::make_shared<int>(0);
    for (const auto policy : {gm::when_full::refuse, gm::when_full::drop_oldest, gm::when_full::caller_runs}) {
        std::latch started(1), go(1);
        gm::pool crew({.workers = 1, .queue = 2, .full = policy});
        crew.post([&] {
            started.count_down();
            go.wait();
        });
        started.wait();
        for (int i = 0; i < 100; ++i) static_cast<void>(crew.post([owned] { ++*owned; }));
        EXPECT_LE(owned.use_count(), 3);
        go.count_down();
        EXPECT_TRUE(crew.close());
        EXPECT_FALSE(crew.post([owned] { ++*owned; }));
        EXPECT_EQ(owned.use_count(), 1);
    }
    EXPECT_EQ(*owned, 2 + 2 + 100);
    {
        std::latch started(1), go(1);
        gm::pool crew({.workers = 1});
        crew.post([&] {
            started.count_down();
            go.wait();
        });
        started.wait();
        for (int i = 0; i < 200; ++i) crew.post([owned] { ++*owned; });
        crew.post([owned] { throw owned; });
        auto back = crew.stop();
        EXPECT_EQ(back.size(), 201u);
        EXPECT_EQ(owned.use_count(), 202);
        EXPECT_TRUE(back.front().run());
        EXPECT_FALSE(back.front().run());
        EXPECT_THROW(back.back().run(), std::shared_ptr<int>);
        EXPECT_EQ(owned.use_count(), 200);
        back.clear();
        EXPECT_EQ(owned.use_count(), 1);
        EXPECT_EQ(*owned, 105);
        go.count_down();
    }
}

TEST(pool, zero_workers_means_the_usable_cpus) {
    gm::pool crew({.workers = 0});
    EXPECT_EQ(crew.workers(), gm::detail::os::usable_cpus());
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
    EXPECT_TRUE(crew.resize(0));
    EXPECT_EQ(crew.workers(), gm::detail::os::usable_cpus());
}

TEST(pool, idle_pool_has_no_threads_until_it_needs_them) {
    gm::pool crew({.workers = 100'000});
    EXPECT_EQ(crew.snapshot().threads, 0u);
    crew.submit([] {}).get().value();
    EXPECT_EQ(crew.snapshot().threads, 1u);
}

TEST(future, dropped_neither_waits_nor_cancels) {
    std::latch go(1), ran(1);
    gm::pool crew({.workers = 1});
    {
        auto dropped = crew.submit([&] {
            go.wait();
            ran.count_down();
        });
    }
    go.count_down();
    ran.wait();
}

TEST(future, outlives_its_pool) {
    gm::future<int> kept;
    {
        gm::pool crew({.workers = 1});
        kept = crew.submit([] { return 5; });
        crew.close();
    }
    EXPECT_TRUE(kept.ready());
    EXPECT_EQ(kept.cancel(), gm::cancel_outcome::done);
    EXPECT_EQ(kept.get().value(), 5);
}

TEST(future, wait_gives_up_at_its_limit_and_changes_nothing) {
    std::latch go(1);
    gm::pool crew({.workers = 1});
    auto slow = crew.submit([&] { return go.wait(), 1; });
    EXPECT_FALSE(slow.wait(-1s));
    EXPECT_FALSE(slow.wait(1ms));
    gm::context_source ended;
    ended.cancel();
    EXPECT_FALSE(slow.wait(ended));
    go.count_down();
    EXPECT_EQ(slow.get().value(), 1);
}

TEST(future, cancel_says_queued_running_or_done) {
    std::latch started(1);
    gm::pool crew({.workers = 1});
    auto running = crew.submit([&](gm::job& self) {
        started.count_down();
        static_cast<void>(self.context().done().receive());
        return self.stop_requested();
    });
    started.wait();
    auto queued = crew.submit([] { return 1; });
    EXPECT_EQ(queued.cancel(), gm::cancel_outcome::queued);
    EXPECT_EQ(queued.get().status(), gm::job_status::cancelled);
    EXPECT_EQ(running.cancel(), gm::cancel_outcome::running);
    EXPECT_TRUE(running.get().value());
    auto done = crew.submit([] { return 1; });
    EXPECT_TRUE(done.wait(10s));
    EXPECT_EQ(done.cancel(), gm::cancel_outcome::done);
    EXPECT_EQ(crew.snapshot().cancelled, 1u);
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)
TEST(future, awaited_by_a_coroutine_resumes_on_its_scheduler) {
    gm::pool crew({.workers = 2});
    gm::scheduler threads({.threads = 1});
    const int sum = threads.block_on([](gm::pool& crew) -> gm::task<int> {
        int all = 0;
        for (int i = 0; i < 100; ++i) all += (co_await crew.submit([i] { return i; })).value();
        auto failing = co_await crew.submit([]() -> int { throw 1; });
        EXPECT_EQ(failing.status(), gm::job_status::failed);
        co_return all;
    }(crew));
    EXPECT_EQ(sum, 4950);
}
#endif

// A pool whose jobs all wait for jobs of their own: peers deadlock here.
int fib(gm::pool& crew, int n) {
    if (n < 2) return n;
    auto left = crew.submit([&crew, n] { return fib(crew, n - 1); });
    const int right = fib(crew, n - 2);
    return left.get().value() + right;
}

TEST(pool, jobs_that_wait_for_jobs_of_their_own_pool_help) {
    for (const unsigned workers : {1u, 2u, 4u}) {
        for (const std::size_t queue : {std::size_t{1}, std::size_t{4}, std::size_t{4096}}) {
            gm::pool crew({.workers = workers, .queue = queue});
            EXPECT_EQ(crew.submit([&] { return fib(crew, 15); }).get().value(), 610);
        }
    }
}

TEST(pool, helping_runs_that_job_and_never_another) {
    std::vector<int> order;  // touched by the one worker alone
    gm::pool crew({.workers = 1, .queue = 100});
    crew.submit([&] {
            auto first = crew.submit([&] { order.push_back(1); });
            auto second = crew.submit([&] { order.push_back(2); });
            auto third = crew.submit([&] { order.push_back(3); });
            second.get().value();
            order.push_back(0);
        })
        .get()
        .value();
    EXPECT_TRUE(crew.close());
    EXPECT_EQ(order, (std::vector<int>{2, 0, 1, 3}));
}

TEST(pool, submit_from_inside_to_a_full_queue_runs_in_place) {
    std::vector<int> order;
    gm::pool crew({.workers = 1, .queue = 1});
    crew.submit([&] {
            auto queued = crew.submit([&] { order.push_back(1); });  // takes the only place
            auto here = crew.submit([&] { order.push_back(2); });    // no place: now
            EXPECT_TRUE(here.ready());
            crew.post([&] { order.push_back(3); });
            queued.get().value();
        })
        .get()
        .value();
    EXPECT_EQ(order, (std::vector<int>{2, 3, 1}));
    EXPECT_EQ(crew.snapshot().ran_in_caller, 3u);
}

TEST(pool, in_place_deeper_than_64_exceeds_the_bound_and_is_counted) {
    int deepest = 0, ran = 0;
    std::latch all(200);
    gm::pool crew({.workers = 1, .queue = 1});
    std::function<void(int)> nest = [&](int depth) {
        ++ran;
        all.count_down();
        deepest = std::max(deepest, depth);
        if (ran < 200) crew.post([&nest, depth] { nest(depth + 1); });
    };
    crew.submit([&] {
            crew.post([] {});
            nest(0);
        })
        .get()
        .value();
    all.wait();
    EXPECT_TRUE(crew.close());
    EXPECT_EQ(ran, 200);
    EXPECT_GE(crew.snapshot().over_the_bound, 1u);
}

TEST(pool, closed_refuses_and_finishes_what_waits) {
    std::atomic<int> ran{0};
    gm::pool crew({.workers = 2, .queue = 1000});
    for (int i = 0; i < 500; ++i) crew.post([&] { ++ran; });
    EXPECT_TRUE(crew.close());
    EXPECT_EQ(ran, 500);
    auto late = crew.submit([] { return 1; }).get();
    EXPECT_EQ(late.status(), gm::job_status::refused);
    EXPECT_THROW(late.value(), gm::job_not_done);
    EXPECT_FALSE(crew.post([] {}));
    EXPECT_FALSE(crew.resize(3));
    EXPECT_TRUE(crew.close());
    EXPECT_TRUE(crew.snapshot().closed);
}

TEST(pool, close_with_a_deadline_says_that_it_came_first) {
    std::latch go(1);
    gm::pool crew({.workers = 1});
    auto slow = crew.submit([&] { go.wait(); });
    EXPECT_FALSE(crew.close(1ms));
    go.count_down();
    EXPECT_TRUE(crew.close());
    EXPECT_TRUE(slow.get());
}

TEST(pool, stop_finishes_what_runs_and_gives_back_what_waits) {
    std::latch started(1), go(1);
    std::atomic<int> ran{0};
    gm::pool crew({.workers = 1});
    auto running = crew.submit([&] {
        started.count_down();
        go.wait();
        return 1;
    });
    started.wait();
    auto waiting = crew.submit([&] { return ++ran; }, {.name = "waiting"});
    crew.post([&] { ran += 10; });
    auto back = crew.stop();
    EXPECT_EQ(waiting.get().status(), gm::job_status::stopped);
    go.count_down();
    EXPECT_TRUE(running.get());
    ASSERT_EQ(back.size(), 2u);
    EXPECT_STREQ(back[0].name(), "waiting");
    EXPECT_EQ(ran, 0);
    for (auto& each : back) EXPECT_TRUE(each.run());
    EXPECT_EQ(ran, 11);
    EXPECT_FALSE(back[0].run());
    EXPECT_EQ(crew.snapshot().stopped, 2u);
}

TEST(pool, destructor_stops_asks_and_joins) {
    std::latch started(1);
    gm::future<bool> running;
    gm::future<int> waiting;
    {
        gm::pool crew({.workers = 1});
        running = crew.submit([&](gm::job& self) {
            started.count_down();
            static_cast<void>(self.context().done().receive());
            return true;
        });
        started.wait();
        waiting = crew.submit([] { return 1; });
    }
    EXPECT_TRUE(running.get().value());
    EXPECT_EQ(waiting.get().status(), gm::job_status::stopped);
}

struct counted {
    static inline std::atomic<int> alive{0};
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    ~counted() { --alive; }
};

TEST(pool, what_a_body_captured_is_gone_before_its_result_is_there) {
    gm::pool crew({.workers = 2, .queue = 10'000});
    for (int i = 0; i < 1000; ++i) {
        auto each = crew.submit([c = counted()] { return 1; });
        EXPECT_TRUE(each.wait(10s));
        EXPECT_EQ(counted::alive, 0);
    }
    crew.stop();
    EXPECT_EQ(counted::alive, 0);
}

TEST(pool_of, bodies_get_the_state_of_their_worker) {
    struct connection {
        int uses = 0;
        std::thread::id owner = std::this_thread::get_id();
    };
    std::atomic<int> made{0};
    {
        gm::pool_of<connection> crew([&] { return ++made, connection(); }, {.workers = 2});
        for (int i = 0; i < 100; ++i)
            EXPECT_TRUE(
                crew.submit([](connection& mine) { return ++mine.uses, mine.owner == std::this_thread::get_id(); })
                    .get()
                    .value());
        EXPECT_TRUE(
            crew.submit([](connection& mine, gm::job& self) { return mine.uses + self.worker() >= 0; }).get().value());
    }
    EXPECT_GE(made, 1);
    EXPECT_LE(made, 2);
}

TEST(pool_of, a_factory_that_throws_fails_the_job_and_is_tried_again) {
    int tries = 0;
    gm::pool_of<int> crew([&] { return ++tries == 1 ? throw std::runtime_error("refused") : 7; }, {.workers = 1});
    EXPECT_EQ(crew.submit([](int& mine) { return mine; }).get().status(), gm::job_status::failed);
    EXPECT_EQ(crew.submit([](int& mine) { return mine; }).get().value(), 7);
}

}  // namespace
