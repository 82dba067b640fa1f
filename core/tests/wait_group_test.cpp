#include <gristmill/wait_group.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/scheduler.hpp>
#include <gristmill/virtual_time.hpp>
#include <live_value.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;
using gm_test::live_value;

class wait_group : public gm_test::live_values {};
using wait_group_death = wait_group;

TEST_F(wait_group, nothing_added_wait_returns) {
    gm::wait_group group;
    group.wait();
    EXPECT_EQ(group.wait(-1s), channel_status::ok);
}

TEST_F(wait_group, last_done_wakes_every_waiter) {
    gm::wait_group group;
    group.add(2);
    std::atomic<int> woken{0};
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 4; ++i)
        waiters.emplace_back([&] {
            group.wait();
            ++woken;
        });
    group.done();
    EXPECT_EQ(woken, 0);
    group.done();
    waiters.clear();
    EXPECT_EQ(woken, 4);
}

TEST_F(wait_group, go_runs_seed_one_and_wait_joins) {
    gm::channel<int> jobs(5), results(5);
    gm::wait_group crew;
    for (int id = 1; id <= 3; ++id)
        crew.go([&] {
            for (int job : jobs) results.send(job * 2);
        });
    for (int job = 1; job <= 5; ++job) jobs.send(job);
    jobs.close();
    crew.wait();
    results.close();
    int sum = 0;
    for (int result : results) sum += result;
    EXPECT_EQ(sum, 30);
    EXPECT_EQ(crew.count(), 0);
}

TEST_F(wait_group, captures_of_go_are_gone_when_wait_returns) {
    gm::wait_group crew;
    for (int round = 0; round < 50; ++round) {
        crew.go([value = std::make_unique<live_value>(round)] { EXPECT_GE(value->number, 0); });
        crew.wait();
        EXPECT_EQ(live_value::alive, 0);
    }
}

TEST_F(wait_group, destructor_waits_for_its_threads) {
    gm::channel<int> gate(0);
    std::atomic<bool> ended{false};
    std::jthread opener;
    {
        gm::wait_group crew;
        crew.go([&] {
            static_cast<void>(gate.receive());
            ended = true;
        });
        opener = std::jthread([&] { gate.send(1); });
    }
    EXPECT_TRUE(ended);
}

TEST_F(wait_group, hand_added_count_does_not_hold_up_the_destructor) {
    gm::wait_group group;
    group.add(3);
}

TEST_F(wait_group, after_zero_is_used_again) {
    gm::wait_group group;
    for (int round = 0; round < 3; ++round) {
        group.add();
        EXPECT_EQ(group.wait(0s), channel_status::timed_out);
        group.done();
        EXPECT_EQ(group.wait(0s), channel_status::ok);
    }
    group.add(5);
    group.add(-5);
    EXPECT_EQ(group.count(), 0);
}

TEST_F(wait_group, cancelled_and_timed_out_waits_change_nothing) {
    gm::wait_group group;
    group.add();
    gm::context_source ctx;
    std::jthread canceller([&] { ctx.cancel(); });
    EXPECT_EQ(group.wait(ctx), channel_status::cancelled);
    EXPECT_EQ(group.wait(ctx), channel_status::cancelled);
    EXPECT_EQ(group.wait(1ms), channel_status::timed_out);
    EXPECT_EQ(group.wait(-5s), channel_status::timed_out);
    EXPECT_EQ(group.count(), 1);
    group.done();
    EXPECT_EQ(group.wait(1h), channel_status::ok);
}

TEST_F(wait_group, waiter_may_destroy_it_at_once) {
    for (int round = 0; round < 200; ++round) {
        auto group = std::make_unique<gm::wait_group>();
        group->add(2);
        std::jthread one([which = group.get()] { which->done(); });
        std::jthread two([which = group.get()] { which->done(); });
        group->wait();
        group.reset();
    }
}

TEST_F(wait_group, in_virtual_time_go_runs_in_the_world) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([] {
        gm::channel<int> numbers(0);
        gm::wait_group crew;
        std::atomic<int> sum{0};
        for (int i = 0; i < 3; ++i)
            crew.go([&] {
                for (int n : numbers) sum += n;
            });
        for (int i = 1; i <= 10; ++i) numbers.send(i);
        numbers.close();
        crew.wait();
        EXPECT_EQ(sum, 55);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST_F(wait_group_death, below_zero_stops_with_the_place) {
    gm::wait_group group;
    group.add();
    group.done();
    EXPECT_DEATH(group.done(), "misuse: a wait_group below zero.*wait_group_test.cpp");
    EXPECT_DEATH(group.add(-1), "wait_group below zero");
}

TEST_F(wait_group_death, empty_function_stops_with_the_place) {
    gm::wait_group group;
    EXPECT_DEATH(group.go(std::function<void()>()), "misuse: a wait_group was given an empty.*wait_group_test.cpp");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST_F(wait_group, threads_and_coroutines_wait_for_each_other) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 50; ++round) {
        gm::wait_group children, parents;
        children.add(100);
        parents.add(20);
        for (int i = 0; i < 20; ++i)
            cpu.spawn([](gm::wait_group& wait, gm::wait_group& tell) -> gm::task<> {
                co_await wait.async_wait();
                tell.done();
            }(children, parents));
        for (int i = 0; i < 99; ++i)
            cpu.spawn([](gm::wait_group& tell) -> gm::task<> {
                tell.done();
                co_return;
            }(children));
        children.done();
        parents.wait();
        EXPECT_EQ(parents.count(), 0);
    }
}

TEST_F(wait_group, coroutine_may_destroy_it_at_once) {
    gm::scheduler cpu({.threads = 2});
    cpu.block_on([](gm::scheduler& on) -> gm::task<> {
        for (int round = 0; round < 2000; ++round) {
            auto group = std::make_unique<gm::wait_group>();
            group->add(2);
            for (int i = 0; i < 2; ++i)
                on.spawn([](gm::wait_group* which) -> gm::task<> {
                    which->done();
                    co_return;
                }(group.get()));
            co_await group->async_wait();
        }
    }(cpu));
}

TEST_F(wait_group, awaited_with_context_is_cancelled) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group group;
    group.add();
    gm::context_source ctx;
    gm::channel<channel_status> outcomes(100);
    for (int i = 0; i < 100; ++i)
        cpu.spawn([](gm::wait_group& which, gm::context with, gm::channel<channel_status> out) -> gm::task<> {
            co_await out.async_send(co_await which.async_wait(with));
        }(group, ctx, outcomes));
    ctx.cancel();
    for (int i = 0; i < 100; ++i) EXPECT_EQ(outcomes.receive().value(), channel_status::cancelled);
    EXPECT_EQ(cpu.block_on([](gm::wait_group& which) -> gm::task<channel_status> {
        co_return co_await which.async_wait(1ms);
    }(group)),
              channel_status::timed_out);
    group.done();
}

TEST_F(wait_group, cancel_and_done_race_to_one_outcome) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 300; ++round) {
        gm::wait_group group, over;
        group.add();
        over.add(4);
        gm::context_source ctx;
        for (int i = 0; i < 4; ++i)
            cpu.spawn([](gm::wait_group& which, gm::context with, gm::wait_group& tell) -> gm::task<> {
                static_cast<void>(co_await which.async_wait(gm::until(with, 1h)));
                tell.done();
            }(group, ctx, over));
        std::jthread canceller([&] { ctx.cancel(); });
        group.done();
        over.wait();
    }
}

TEST_F(wait_group, destroyed_coroutines_withdraw) {
    gm::wait_group group;
    group.add();
    {
        gm::scheduler cpu({.threads = 2});
        std::atomic<int> begun{0};
        for (int i = 0; i < 10; ++i)
            cpu.spawn([](gm::wait_group& which, std::atomic<int>& count) -> gm::task<> {
                live_value mine;
                if (++count == 10) count.notify_one();
                co_await which.async_wait();
            }(group, begun));
        for (int seen = begun; seen != 10; seen = begun) begun.wait(seen);
        EXPECT_EQ(cpu.shutdown(0ms).unfinished, 10u);
    }
    group.done();
}

TEST_F(wait_group_death, blocking_wait_on_a_scheduler_thread_is_misuse) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([]() -> gm::task<> {
                gm::wait_group group;
                group.add();
                group.wait();
                co_return;
            }());
        },
        "misuse: a blocking wait on a thread of a scheduler.*wait_group_test.cpp");
}

#endif

}  // namespace
