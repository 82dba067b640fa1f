#include <gristmill/scheduler.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/channel.hpp>
#include <gristmill/start.hpp>
#include <gristmill/wait_group.hpp>
#include <live_value.hpp>
#include <short_of_threads.hpp>
#include "support/waiting.hpp"

#if defined(__linux__)
#include <sys/resource.h>
#endif

// The fallback knows that a thread was refused, and not why.
#if defined(GRISTMILL_STD_FALLBACK)
#define GM_TEST_LIMITS "the system refused to start a thread"
#else
#define GM_TEST_LIMITS "threads refused; limits: RLIMIT_NPROC.*pids.max"
#endif

namespace {

using namespace std::chrono_literals;
using gm::channel_status;
using gm_test::live_value;

class scheduler : public gm_test::live_values {};
using scheduler_death = scheduler;

TEST_F(scheduler, made_and_destroyed_without_work) {
    for (int round = 0; round < 30; ++round) gm::scheduler idle;
    gm::scheduler two({.threads = 2});
    EXPECT_EQ(two.threads(), 2u);
    EXPECT_EQ(two.live_tasks(), 0u);
    EXPECT_TRUE(two.shutdown(0ms));
    EXPECT_TRUE(two.shutdown(0ms));  // the second is empty
}

TEST_F(scheduler_death, out_of_threads_names_the_limits) {
    if (!gm_test::can_run_short_of_threads) GTEST_SKIP() << "cannot take the threads away from this build";
    EXPECT_EXIT(
        {
            gm_test::run_short_of_threads();
            try {
                gm::scheduler many({.threads = 64});
            } catch (const std::system_error& refused) {
                std::fprintf(stderr, "%s\n", refused.what());
                std::_Exit(0);
            }
            std::_Exit(1);
        },
        ::testing::ExitedWithCode(0), "wants 64 threads; " GM_TEST_LIMITS);
}

TEST_F(scheduler_death, out_of_threads_go_throws_and_adds_nothing) {
    if (!gm_test::can_run_short_of_threads) GTEST_SKIP() << "cannot take the threads away from this build";
    EXPECT_EXIT(
        {
            gm_test::run_short_of_threads();
            gm::wait_group crew;
            gm::channel<int> never(0);
            int started = 0;  // some may be: the stacks of threads that ended are used again
            try {
                for (; started < 64; ++started) crew.go([&] { static_cast<void>(never.receive()); });
            } catch (const std::system_error& refused) {
                std::fprintf(stderr, "%s; too many by %td\n", refused.what(), crew.count() - started);
                std::_Exit(0);
            }
            std::_Exit(1);
        },
        ::testing::ExitedWithCode(0), GM_TEST_LIMITS ".*too many by 0");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> arrive(std::latch& at) {
    at.count_down();
    co_return;
}

gm::task<> wait_for_ever(gm::wait_group& begun) {
    const live_value mine;
    begun.done();
    static_cast<void>(co_await gm::channel<int>(0).async_receive());
}

TEST_F(scheduler, spawned_tasks_all_run) {
    gm::scheduler cpu({.threads = 2});
    std::latch all(1000);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(cpu.spawn(arrive(all)));
    all.wait();
    EXPECT_TRUE(cpu.shutdown(10s));
    EXPECT_EQ(cpu.live_tasks(), 0u);
}

TEST_F(scheduler, spawn_from_a_task_and_from_threads_at_once) {
    gm::scheduler cpu({.threads = 2});
    std::latch all(2200);
    std::vector<std::jthread> spawners;
    for (int t = 0; t < 2; ++t)
        spawners.emplace_back([&] {
            for (int i = 0; i < 100; ++i)
                cpu.spawn([](gm::scheduler& on, std::latch& at) -> gm::task<> {
                    for (int child = 0; child < 10; ++child) on.spawn(arrive(at));
                    at.count_down();
                    co_return;
                }(cpu, all));
        });
    all.wait();
}

TEST_F(scheduler, after_shutdown_takes_no_work) {
    gm::scheduler cpu({.threads = 1});
    EXPECT_TRUE(cpu.shutdown(0ms));
    EXPECT_FALSE(cpu.spawn([](live_value) -> gm::task<> { co_return; }(live_value(1))));
    EXPECT_TRUE(cpu.root_context().is_done());
}

TEST_F(scheduler, shutdown_cancels_the_root_context_and_lets_tasks_end) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group begun;
    begun.add(20);
    std::atomic<int> ended{0};
    for (int i = 0; i < 20; ++i)
        cpu.spawn([](gm::context ctx, gm::wait_group& tell, std::atomic<int>& count) -> gm::task<> {
            tell.done();
            EXPECT_EQ((co_await gm::channel<int>(0).async_receive(ctx)).error(), channel_status::cancelled);
            ++count;
        }(cpu.root_context(), begun, ended));
    begun.wait();
    const gm::shutdown_report report = cpu.shutdown(60s);
    EXPECT_TRUE(report);
    EXPECT_EQ(ended, 20);
}

TEST_F(scheduler, shutdown_reports_the_unfinished_by_name) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group begun;
    begun.add(3);
    cpu.spawn(wait_for_ever(begun), "collector");
    cpu.spawn(wait_for_ever(begun), "sender");
    cpu.spawn(wait_for_ever(begun));
    begun.wait();
    EXPECT_EQ(cpu.live_tasks(), 3u);
    const gm::shutdown_report report = cpu.shutdown(0ms);
    EXPECT_FALSE(report);
    EXPECT_EQ(report.unfinished, 3u);
    EXPECT_EQ(report.names.size(), 2u);
    EXPECT_NE(std::find(report.names.begin(), report.names.end(), "collector"), report.names.end());
    EXPECT_NE(std::find(report.names.begin(), report.names.end(), "sender"), report.names.end());
}

TEST_F(scheduler, destructor_reports_to_standard_error) {
    gm::wait_group begun;
    begun.add();
    testing::internal::CaptureStderr();
    {
        gm::scheduler cpu({.threads = 1, .grace = 0ms});
        cpu.spawn(wait_for_ever(begun), "forgotten");
        begun.wait();
    }
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_NE(said.find("1 unfinished"), std::string::npos) << said;
    EXPECT_NE(said.find("forgotten"), std::string::npos) << said;
}

TEST_F(scheduler, destroyed_tasks_withdraw_from_their_channels) {
    gm::channel<live_value> values(0);
    gm::wait_group begun;
    begun.add(10);
    {
        gm::scheduler cpu({.threads = 2});
        for (int i = 0; i < 10; ++i)
            cpu.spawn([](gm::channel<live_value> from, gm::wait_group& tell) -> gm::task<> {
                tell.done();
                static_cast<void>(co_await from.async_receive());
            }(values, begun));
        begun.wait();
        EXPECT_EQ(cpu.shutdown(0ms).unfinished, 10u);
    }
    EXPECT_EQ(values.try_send(live_value(1)), channel_status::would_block);  // nobody is there
}

// The only thread is held up, so that what was received cannot be looked at before the shutdown.
TEST_F(scheduler, value_that_a_destroyed_task_had_received_is_destroyed_and_counted) {
    gm::scheduler cpu({.threads = 1});
    gm::channel<live_value> values(0);
    gm::wait_group begun;
    std::latch held(1), let_go(1);
    begun.add();
    cpu.spawn([](gm::channel<live_value> from, gm::wait_group& tell) -> gm::task<> {
        tell.done();
        static_cast<void>(co_await from.async_receive());
    }(values, begun));
    begun.wait();
    cpu.spawn([](std::latch& here, std::latch& go) -> gm::task<> {
        here.count_down();
        go.wait();
        co_return;
    }(held, let_go));
    held.wait();
    EXPECT_TRUE(values.send(live_value(7)));
    std::jthread opener([&] {
        while (!cpu.root_context().is_done()) std::this_thread::yield();
        let_go.count_down();
    });
    const gm::shutdown_report report = cpu.shutdown(0ms);
    EXPECT_LE(report.unfinished, 1u);  // it may just have got its turn
    EXPECT_EQ(report.values_destroyed, report.unfinished);
}

TEST_F(scheduler, several_at_once_pass_values_between_them) {
    gm::scheduler first({.threads = 1}), second({.threads = 2}), third({.threads = 1});
    gm::channel<int> to_second(3), to_third(0);
    first.spawn([](gm::channel<int> out) -> gm::task<> {
        for (int i = 0; i < 3000; ++i) co_await out.async_send(i);
        out.close();
    }(to_second));
    gm::wait_group done;
    done.add(3);
    for (int w = 0; w < 3; ++w)
        second.spawn([](gm::channel<int> in, gm::channel<int> out, gm::wait_group& tell) -> gm::task<> {
            while (auto value = co_await in.async_receive()) co_await out.async_send(*value);
            tell.done();
        }(to_second, to_third, done));
    std::jthread closer([&] {
        done.wait();
        to_third.close();
    });
    EXPECT_EQ(third.block_on([](gm::channel<int> in) -> gm::task<long> {
        long sum = 0;
        while (auto value = co_await in.async_receive()) sum += *value;
        co_return sum;
    }(to_third)),
              2999L * 3000 / 2);
}

TEST_F(scheduler, destroyed_in_any_order_while_threads_send) {
    for (int round = 0; round < 20; ++round) {
        gm::channel<live_value> values(2);
        std::vector<std::unique_ptr<gm::scheduler>> all;
        for (int s = 0; s < 3; ++s) {
            all.push_back(std::make_unique<gm::scheduler>(gm::scheduler_options{.threads = 1}));
            for (int i = 0; i < 4; ++i)
                all.back()->spawn([](gm::channel<live_value> from, gm::context ctx) -> gm::task<> {
                    while (co_await from.async_receive(ctx)) {
                    }
                }(values, all.back()->root_context()));
        }
        std::vector<std::jthread> senders;
        for (int t = 0; t < 2; ++t)
            senders.emplace_back([values] {
                for (int i = 0; values.send(live_value(i)); ++i) {
                }
            });
        all[static_cast<std::size_t>(round) % 3].reset();
        all[static_cast<std::size_t>(round + 2) % 3].reset();
        all.clear();
        values.close();
    }
}

// B22: one of them was always about to be refused, and the end waited until there was a moment without.
TEST_F(scheduler, shutdown_returns_while_threads_go_on_spawning) {
    gm::scheduler cpu({.threads = 1});
    std::atomic<bool> over = false;
    std::atomic<int> refused = 0;
    std::vector<std::jthread> spawners;
    for (int t = 0; t < 32; ++t)
        spawners.emplace_back([&] {
            while (!over)
                if (!cpu.spawn([]() -> gm::task<> { co_return; }())) ++refused;
        });
    static_cast<void>(cpu.shutdown(0ms));
    gm::test::wait_until([&] { return refused > 0; });
    over = true;
}

// B22: the callback waited before the task did, and waking it came first: it waited for the end of a scheduler that waited
// for it to let go of its task.
TEST_F(scheduler, callback_ends_the_scheduler_of_a_task_that_is_woken_with_it) {
    gm::channel<int> numbers(0);
    gm::wait_group begun;
    begun.add();
    gm::scheduler cpu({.threads = 1});
    bool ended = false;
    auto first = gm::start_receive(numbers, [&](auto) {
        static_cast<void>(cpu.shutdown(60s));
        ended = true;
    });
    cpu.spawn([](gm::channel<int> from, gm::wait_group& tell) -> gm::task<> {
        tell.done();
        static_cast<void>(co_await from.async_receive());
    }(numbers, begun));
    begun.wait();
    gm::test::until_receivers_wait(numbers, 2);
    numbers.close();
    EXPECT_TRUE(ended);
}

TEST_F(scheduler, coroutine_that_never_has_to_wait_lets_others_run) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([](gm::scheduler& on) -> gm::task<> {
        std::atomic<bool> ran{false};
        on.spawn([](std::atomic<bool>& tell) -> gm::task<> {
            tell = true;
            co_return;
        }(ran));
        gm::channel<int> own(1);
        int operations = 0;
        while (!ran) {
            co_await own.async_send(1);
            static_cast<void>(co_await own.async_receive());
            if (++operations > 1'000'000) break;
        }
        EXPECT_TRUE(ran);
    }(cpu));
}

TEST_F(scheduler, yield_alternates) {
    gm::scheduler cpu({.threads = 1});
    std::vector<int> order;
    gm::wait_group over;
    over.add(2);
    cpu.block_on([](gm::scheduler& on, std::vector<int>& seen, gm::wait_group& tell) -> gm::task<> {
        for (int who = 0; who < 2; ++who)
            on.spawn([](int me, std::vector<int>& to, gm::wait_group& end) -> gm::task<> {
                for (int turn = 0; turn < 3; ++turn) {
                    to.push_back(me);
                    co_await gm::yield();
                }
                end.done();
            }(who, seen, tell));
        co_await tell.async_wait();
    }(cpu, order, over));
    EXPECT_EQ(order, (std::vector<int>{0, 1, 0, 1, 0, 1}));
}

// The rule that a prototype broke: work was frozen behind a long job. The job waits for the others, so without a thread
// that takes them away there is no end.
TEST_F(scheduler, work_behind_a_long_job_is_taken_by_an_idle_thread) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 20; ++round) {
        std::latch others(50);
        cpu.block_on([](gm::scheduler& on, std::latch& wait_for) -> gm::task<> {
            for (int i = 0; i < 50; ++i) on.spawn(arrive(wait_for));  // queued on this very thread
            wait_for.wait();                                          // a long job
            co_return;
        }(cpu, others));
    }
}

#if defined(__linux__)
TEST_F(scheduler, idle_uses_no_cpu) {
    gm::scheduler cpu({.threads = 4});
    gm::wait_group begun;
    begun.add(100);
    for (int i = 0; i < 100; ++i) cpu.spawn(wait_for_ever(begun));
    begun.wait();
    auto used = [] {
        rusage all{};
        ::getrusage(RUSAGE_SELF, &all);
        auto of = [](const timeval& t) {
            return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
        };
        return std::chrono::duration_cast<std::chrono::microseconds>(of(all.ru_utime) + of(all.ru_stime));
    };
    std::this_thread::sleep_for(50ms);  // the span that is measured, and what comes before it: no synchronisation
    const auto before = used();
    std::this_thread::sleep_for(300ms);
    EXPECT_LT((used() - before).count(), 30'000);  // one thread that spins would use 300 ms
    static_cast<void>(cpu.shutdown(0ms));
}
#endif

TEST_F(scheduler_death, exception_that_leaves_a_spawned_task_stops_the_program) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.spawn(
                []() -> gm::task<> {
                    throw 1;
                    co_return;
                }(),
                "careless");
            std::this_thread::sleep_for(60s);  // it does not last that long
        },
        "an exception left the spawned task 'careless'");
}

TEST_F(scheduler_death, block_on_on_a_schedulers_thread_is_misuse) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            gm::scheduler other({.threads = 1});
            cpu.block_on([](gm::scheduler& on) -> gm::task<> {
                on.block_on([]() -> gm::task<> { co_return; }());
                co_return;
            }(other));
        },
        "misuse: block_on.* on a scheduler's thread.*scheduler_test.cpp");
}

TEST_F(scheduler_death, shutdown_from_its_own_thread_is_misuse) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([](gm::scheduler& self) -> gm::task<> {
                static_cast<void>(self.shutdown(0ms));
                co_return;
            }(cpu));
        },
        "misuse: a scheduler shut down from one of its own threads.*scheduler_test");
}

TEST_F(scheduler_death, block_on_after_shutdown_is_misuse) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            static_cast<void>(cpu.shutdown(0ms));
            cpu.block_on([]() -> gm::task<> { co_return; }());
        },
        "misuse: block_on.* after the scheduler was shut down.*scheduler_test.cpp");
}

#endif

}  // namespace
