#include <gristmill/task_group.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <live_value.hpp>
#include <short_of_threads.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;
using gm_test::live_value;

class task_group : public gm_test::live_values {};
using task_group_death = task_group;

TEST_F(task_group, functions_run_on_threads_and_wait_joins) {
    std::atomic<int> sum{0};
    gm::task_group group;
    for (int i = 1; i <= 5; ++i) group.go([&sum, i, kept = std::make_unique<live_value>(i)] { sum += i; });
    group.wait();
    EXPECT_EQ(sum, 15);
    EXPECT_EQ(live_value::alive, 0);
}

TEST_F(task_group, first_error_cancels_the_rest_and_is_rethrown) {
    gm::task_group group;
    gm::channel<int> never(0);
    for (int i = 0; i < 3; ++i)
        group.go([&](const gm::context& ctx) { EXPECT_EQ(never.receive(ctx).error(), channel_status::cancelled); });
    group.go([] { throw std::runtime_error("first"); });
    try {
        group.wait();
        FAIL() << "nothing was rethrown";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "first");
    }
    EXPECT_TRUE(group.ctx().is_done());
    bool ran = false;
    group.go([&] { ran = true; });  // done: nothing is started any more
    EXPECT_THROW(group.wait(), std::runtime_error);
    EXPECT_FALSE(ran);
}

TEST_F(task_group, exceptions_of_any_type_are_carried) {
    gm::task_group group;
    group.go([] { throw 42; });
    EXPECT_THROW(group.wait(), int);
}

TEST_F(task_group, limit_bounds_what_runs_at_once) {
    std::atomic<int> inside{0}, most{0}, ran{0};
    gm::task_group group;
    group.limit(2);
    for (int i = 0; i < 40; ++i)
        group.go([&] {
            const int now = ++inside;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            ++ran;
            --inside;
        });
    group.wait();
    EXPECT_EQ(ran, 40);
    EXPECT_LE(most, 2);
}

// A limit that was raised let what was queued wait until a member ended.
TEST_F(task_group, limit_that_is_raised_starts_the_next_in_the_queue) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([] {
        gm::task_group group;
        gm::channel<int> gate(0);
        std::set<int> begun;
        group.limit(1);
        for (int i = 0; i < 6; ++i)
            group.go([&, i] {
                begun.insert(i);
                EXPECT_TRUE(gate.receive());
            });
        gm::sleep(1s);  // until everybody waits
        EXPECT_EQ(begun, (std::set{0}));
        group.limit(4);
        gm::sleep(1s);
        EXPECT_EQ(begun, (std::set{0, 1, 2, 3}));
        for (int i = 0; i < 6; ++i) gate.send(i);
        group.wait();
        EXPECT_EQ(begun, (std::set{0, 1, 2, 3, 4, 5}));
    });
    EXPECT_TRUE(report) << report.text();
}

TEST_F(task_group, limit_that_is_lowered_lets_members_end_before_others_start) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([] {
        gm::task_group group;
        gm::channel<int> gate(0);
        int begun = 0;
        group.limit(3);
        for (int i = 0; i < 5; ++i)
            group.go([&] {
                ++begun;
                EXPECT_TRUE(gate.receive());
            });
        gm::sleep(1s);
        EXPECT_EQ(begun, 3);
        group.limit(1);
        for (int left : {2, 1}) {
            gate.send(left);
            gm::sleep(1s);
            EXPECT_EQ(begun, 3);  // as many as one run still
        }
        gate.send(0);
        gm::sleep(1s);
        EXPECT_EQ(begun, 4);
        gate.send(0);
        gate.send(0);
        group.wait();
        EXPECT_EQ(begun, 5);
    });
    EXPECT_TRUE(report) << report.text();
}

// Each that could not be started would, in leaving, have started the next one on top of itself.
TEST_F(task_group, queued_member_that_gets_no_thread_fails_the_group) {
    if (!gm_test::can_run_short_of_threads) GTEST_SKIP() << "cannot take the threads away from this build";
    gm::task_group group;
    gm::channel<int> gate(0);
    std::atomic<int> ran{0};
    group.limit(1);
    group.go([&] { EXPECT_TRUE(gate.receive()); });
    for (int i = 0; i < 50'000; ++i) group.go([&, kept = live_value(i)] { ++ran; });
    {
        const gm_test::no_threads here;
        gate.send(1);
        EXPECT_THROW(group.wait(), std::system_error);
    }
    EXPECT_EQ(ran, 0);
}

TEST_F(task_group, function_that_gets_no_thread_was_not_added) {
    if (!gm_test::can_run_short_of_threads) GTEST_SKIP() << "cannot take the threads away from this build";
    gm::task_group group;
    std::atomic<int> ran{0};
    {
        const gm_test::no_threads here;
        EXPECT_THROW(group.go([&, kept = live_value(1)] { ++ran; }), std::system_error);
        EXPECT_EQ(live_value::alive, 0);
    }
    EXPECT_FALSE(group.ctx().is_done());
    group.go([&] { ++ran; });
    group.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(task_group, what_had_not_started_is_dropped_after_an_error) {
    gm::task_group group;
    group.limit(1);
    gm::channel<int> gate(0);
    std::atomic<int> ran{0};
    group.go([&] {
        static_cast<void>(gate.receive());
        throw std::runtime_error("enough");
    });
    for (int i = 0; i < 5; ++i) group.go([&, kept = live_value(i)] { ++ran; });
    gate.send(1);
    EXPECT_THROW(group.wait(), std::runtime_error);
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(live_value::alive, 0);
}

TEST_F(task_group, parent_context_ends_the_members_without_an_error) {
    gm::context_source parent;
    gm::task_group group(parent);
    group.go([](const gm::context& ctx) { EXPECT_EQ(gm::sleep(1000h, ctx), channel_status::cancelled); });
    parent.cancel();
    group.wait();
}

TEST_F(task_group, wait_with_a_limit_leaves_the_members_running) {
    gm::task_group group;
    gm::channel<int> gate(0);
    group.go([&] { static_cast<void>(gate.receive()); });
    EXPECT_EQ(group.wait(1ms), channel_status::timed_out);
    EXPECT_FALSE(group.ctx().is_done());
    gate.send(1);
    EXPECT_EQ(group.wait(1h), channel_status::ok);
}

TEST_F(task_group, unwaited_on_a_thread_is_cancelled_and_joined) {
    std::atomic<bool> ended{false};
    {
        gm::task_group group;
        group.go([&](const gm::context& ctx) {
            static_cast<void>(gm::sleep(1000h, ctx));
            ended = true;
            throw std::runtime_error("dropped");
        });
    }
    EXPECT_TRUE(ended);
}

TEST_F(task_group_death, misuse_stops_with_the_place) {
    gm::task_group group;
    EXPECT_DEATH(group.limit(0), "misuse: a task_group limited to no members.*task_group_test.cpp");
#ifndef GRISTMILL_NO_COROUTINE_TESTS
    EXPECT_DEATH(group.go([]() -> gm::task<> { co_return; }), "without a scheduler.*task_group_test.cpp");
    EXPECT_DEATH(group.go(gm::task<>()), "empty task.*task_group_test.cpp");
#endif
    EXPECT_DEATH(group.go(std::function<void()>()), "empty function.*task_group_test.cpp");
    EXPECT_DEATH(group.go(static_cast<void (*)()>(nullptr)), "empty function.*task_group_test.cpp");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST_F(task_group, tasks_fan_out_and_in) {
    gm::scheduler cpu({.threads = 2});
    const int sum = cpu.block_on([]() -> gm::task<int> {
        std::vector<int> squares(100);
        gm::task_group group;
        for (int i = 0; i < 100; ++i)
            group.go([&squares, i]() -> gm::task<> {  // the lambda and its captures outlive this statement
                co_await gm::yield();
                squares[static_cast<std::size_t>(i)] = i * i;
            });
        co_await group.async_wait();
        int total = 0;
        for (int each : squares) total += each;
        co_return total;
    }());
    EXPECT_EQ(sum, 328'350);
}

TEST_F(task_group, thread_waits_for_tasks_of_a_scheduler) {
    gm::scheduler cpu({.threads = 2});
    gm::task_group group(cpu);
    std::atomic<int> ran{0};
    group.limit(3);
    for (int i = 0; i < 200; ++i)
        group.go([&, kept = live_value(i)]() -> gm::task<> {
            co_await gm::async_sleep(10us);
            ++ran;
        });
    group.go([&] { ++ran; });  // tasks and functions mix
    group.wait();
    EXPECT_EQ(ran, 201);
    EXPECT_EQ(live_value::alive, 0);
}

TEST_F(task_group, first_error_of_a_task_cancels_and_is_rethrown) {
    gm::scheduler cpu({.threads = 2});
    EXPECT_THROW(cpu.block_on([]() -> gm::task<> {
        gm::task_group group;
        for (int i = 0; i < 20; ++i)
            group.go([](const gm::context& ctx) -> gm::task<> {
                EXPECT_EQ(co_await gm::async_sleep(1000h, ctx), channel_status::cancelled);
            });
        group.go([]() -> gm::task<> {
            throw std::out_of_range("the one");
            co_return;
        });
        co_await group.async_wait();
    }()),
                 std::out_of_range);
}

TEST_F(task_group, run_group_waits_also_when_its_body_throws) {
    gm::scheduler cpu({.threads = 2});
    std::atomic<int> ended{0};
    EXPECT_THROW(cpu.block_on(gm::run_group({},
                                            [&](gm::task_group& group) -> gm::task<> {
                                                for (int i = 0; i < 5; ++i)
                                                    group.go([&](const gm::context& ctx) -> gm::task<> {
                                                        static_cast<void>(co_await gm::async_sleep(1000h, ctx));
                                                        ++ended;
                                                    });
                                                co_await gm::yield();
                                                throw std::logic_error("body");
                                            })),
                 std::logic_error);
    EXPECT_EQ(ended, 5);
}

TEST_F(task_group, members_destroyed_by_a_shutdown_count_as_failed) {
    gm::scheduler cpu({.threads = 2});
    gm::task_group group(cpu);
    gm::wait_group begun;
    begun.add();
    group.go([&]() -> gm::task<> {
        const live_value mine;
        begun.done();
        static_cast<void>(co_await gm::channel<int>(0).async_receive());
    });
    begun.wait();
    EXPECT_EQ(cpu.shutdown(0ms).unfinished, 1u);
    EXPECT_THROW(group.wait(), gm::cancelled);
    group.go([]() -> gm::task<> { co_return; });
    EXPECT_THROW(group.wait(), gm::cancelled);
}

TEST_F(task_group, shutdown_destroys_a_waiting_parent_and_its_members) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group begun;
    begun.add(4);
    cpu.spawn(
        [](gm::wait_group& tell) -> gm::task<> {
            gm::task_group group;
            for (int i = 0; i < 4; ++i)
                group.go([&tell]() -> gm::task<> {
                    const live_value mine;
                    tell.done();
                    static_cast<void>(co_await gm::channel<int>(0).async_receive());
                });
            co_await group.async_wait();
        }(begun),
        "parent");
    begun.wait();
    EXPECT_EQ(cpu.shutdown(0ms).unfinished, 5u);
}

TEST_F(task_group_death, unwaited_in_a_coroutine_stops_with_the_place) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([]() -> gm::task<> {
                gm::task_group group;
                group.go([]() -> gm::task<> { co_await gm::async_sleep(1000h); });
                co_return;
            }());
        },
        "misuse: a task_group left its scope on a scheduler's thread.*task_group_test.cpp");
}

#endif

}  // namespace
