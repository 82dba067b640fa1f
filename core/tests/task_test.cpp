#include <gristmill/task.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

#include <gtest/gtest.h>
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <live_value.hpp>

namespace {

using namespace std::chrono_literals;
using gm_test::live_value;

class task : public gm_test::live_values {};
using task_death = task;

#ifndef GRISTMILL_NO_COROUTINE_TESTS

#if defined(GRISTMILL_SLOW_BUILD)
constexpr int deep = 100'000;
#else
constexpr int deep = 1'000'000;
#endif

gm::task<int> answer() { co_return 42; }
gm::task<std::unique_ptr<live_value>> made(int n) { co_return std::make_unique<live_value>(n); }
gm::task<int&> same(int& what) { co_return what; }
gm::task<int> failing() {
    throw std::runtime_error("failed");
    co_return 0;
}
gm::task<int> count_down(int n) {
    if (n == 0) co_return 0;
    co_return 1 + co_await count_down(n - 1);
}
gm::task<int> fail_below(int n) {
    if (n == 0) throw std::runtime_error("bottom");
    co_return co_await fail_below(n - 1);
}
gm::task<long> fib(int n) {
    if (n < 2) co_return n;
    auto left = gm::fork(fib(n - 1));
    const long right = co_await fib(n - 2);
    co_return right + co_await left;
}

TEST_F(task, block_on_returns_values_references_and_nothing) {
    gm::scheduler cpu({.threads = 2});
    EXPECT_EQ(cpu.block_on(answer()), 42);
    EXPECT_EQ(cpu.block_on(made(7))->number, 7);
    int place = 0;
    EXPECT_EQ(&cpu.block_on(same(place)), &place);
    cpu.block_on([]() -> gm::task<> { co_return; }());
}

TEST_F(task, exceptions_go_to_whoever_awaits) {
    gm::scheduler cpu({.threads = 2});
    EXPECT_THROW(cpu.block_on(failing()), std::runtime_error);
    EXPECT_EQ(cpu.block_on([]() -> gm::task<int> {
        int caught = 0;
        try {
            co_await failing();
        } catch (const std::runtime_error&) {
            ++caught;
        }
        try {
            co_await [](live_value) -> gm::task<> {
                throw 5;
                co_return;
            }(live_value(1));
        } catch (int n) {
            caught += n;
        }
        co_return caught;
    }()),
              6);
}

TEST_F(task, never_started_is_destroyed_with_its_arguments) {
    {
        const auto unused = [](live_value) -> gm::task<> { co_return; }(live_value(1));
        EXPECT_TRUE(unused);
        EXPECT_EQ(live_value::alive, 1);
    }
    auto first = answer();
    gm::task<int> second = std::move(first);
    EXPECT_FALSE(first);
    second = answer();
    EXPECT_TRUE(second);
}

TEST_F(task, deep_chain_of_awaits_needs_no_stack) {
    gm::scheduler cpu({.threads = 1});
    EXPECT_EQ(cpu.block_on(count_down(deep)), deep);
}

TEST_F(task, long_loop_of_awaits_needs_no_stack) {
    gm::scheduler cpu({.threads = 1});
    EXPECT_EQ(cpu.block_on([]() -> gm::task<int> {
        int sum = 0;
        for (int i = 0; i < deep; ++i) sum += co_await [](int n) -> gm::task<int> { co_return n % 2; }(i);
        co_return sum;
    }()),
              deep / 2);
}

TEST_F(task, exception_climbs_a_deep_chain) {
    gm::scheduler cpu({.threads = 1});
    EXPECT_THROW(cpu.block_on(fail_below(10'000)), std::runtime_error);
}

TEST_F(task, fork_and_join_count_fibonacci) {
    for (unsigned threads : {1u, 2u, 4u}) {
        gm::scheduler cpu({.threads = threads});
        EXPECT_EQ(cpu.block_on(fib(20)), 6765);
    }
}

TEST_F(task, forked_children_use_their_parents_locals) {
    gm::scheduler cpu({.threads = 2});
    cpu.block_on([]() -> gm::task<> {
        live_value left(1), right(2);
        auto add = [](live_value& to) -> gm::task<> {
            co_await gm::yield();
            ++to.number;
        };
        auto one = gm::fork(add(left));
        auto two = gm::fork(add(right));
        co_await two;
        co_await one;
        EXPECT_EQ(left.number + right.number, 5);
    }());
}

TEST_F(task, forked_childs_exception_goes_to_its_parent) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 100; ++round)
        cpu.block_on([]() -> gm::task<> {
            auto child = gm::fork(failing());
            co_await gm::yield();
            EXPECT_THROW(co_await child, std::runtime_error);
        }());
}

TEST_F(task, forks_that_never_started_are_dropped) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        auto child = gm::fork([](live_value) -> gm::task<> { co_return; }(live_value(1)));
        EXPECT_EQ(live_value::alive, 1);
        co_return;
    }());
}

TEST_F(task, chain_that_waits_is_destroyed_from_the_top) {
    gm::scheduler cpu({.threads = 1});
    std::atomic<bool> begun{false};
    cpu.spawn([](std::atomic<bool>& tell) -> gm::task<> {
        const live_value outer(1);
        co_await [](std::atomic<bool>& say) -> gm::task<> {
            const live_value inner(2);
            say = true;
            say.notify_one();
            static_cast<void>(co_await gm::channel<int>(0).async_receive());
        }(tell);
    }(begun));
    begun.wait(false);
    EXPECT_EQ(cpu.shutdown(0ms).unfinished, 1u);
}

TEST_F(task_death, fork_outside_of_a_scheduler_is_misuse) {
    EXPECT_DEATH(static_cast<void>(gm::fork(answer())),
                 "misuse: fork\\(\\) outside of a coroutine on a scheduler.*task_test.cpp");
}

TEST_F(task_death, empty_task_stops_with_the_place) {
    EXPECT_DEATH(static_cast<void>(gm::fork(gm::task<int>())), "misuse: an empty task was forked.*task_test.cpp");
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([]() -> gm::task<int> { co_return co_await gm::task<int>(); }());
        },
        "misuse: an empty task was awaited.*task_test.cpp");
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.spawn(gm::task<>());
        },
        "misuse: an empty task was spawned.*task_test.cpp");
    EXPECT_DEATH(gm::scheduler({.threads = 60'001}), "misuse: a scheduler has at most 60,000 threads.*task_test.cpp");
}

#endif

}  // namespace
