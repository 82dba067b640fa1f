#include <gristmill/timer.hpp>

#include <functional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>
#include <live_value.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;

class timer : public gm_test::live_values {};
using timer_death = timer;

void in_virtual_time(const std::function<void()>& body) {
    gm::virtual_time world({.horizon = 100h});
    const auto report = world.run(body);
    EXPECT_TRUE(report) << report.text();
}

TEST_F(timer, sleep_takes_its_time) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        gm::sleep(3s);
        EXPECT_EQ(gm::now() - start, 3s);
        gm::sleep_until(start + 5s);
        EXPECT_EQ(gm::now() - start, 5s);
        gm::sleep(0s);
        gm::sleep(-7s);
        gm::sleep_until(start);
        EXPECT_EQ(gm::now() - start, 5s);
    });
    const auto start = std::chrono::steady_clock::now();
    gm::sleep(2ms);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 2ms);
}

TEST_F(timer, sleep_with_a_context_is_cancelled) {
    gm::context_source ctx;
    std::jthread canceller([&] { ctx.cancel(); });
    EXPECT_EQ(gm::sleep(1000h, ctx), channel_status::cancelled);
    EXPECT_EQ(gm::sleep(0s, ctx), channel_status::cancelled);  // done already
    EXPECT_EQ(gm::sleep(std::chrono::hours::max(), ctx), channel_status::cancelled);
    EXPECT_EQ(gm::sleep(1ms, gm::context_source()), channel_status::ok);
    EXPECT_EQ(gm::sleep_until(gm::now() - 1s, gm::context()), channel_status::ok);
}

TEST_F(timer, sleep_and_cancel_race_to_one_outcome) {
    for (int round = 0; round < 300; ++round) {
        gm::context_source ctx;
        std::jthread canceller([&] { ctx.cancel(); });
        static_cast<void>(gm::sleep(std::chrono::microseconds(round % 60), ctx));
    }
}

TEST_F(timer, after_gives_one_value_once) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        const gm::receiver<gm::time_point> alarm = gm::after(90s);
        EXPECT_EQ(alarm.receive().value(), start + 90s);
        EXPECT_EQ(gm::now(), start + 90s);
        EXPECT_EQ(alarm.receive(1h).error(), channel_status::timed_out);
    });
}

TEST_F(timer, after_nothing_is_ready_at_once) {
    EXPECT_TRUE(gm::after(0s).try_receive());
    EXPECT_TRUE(gm::after(-1h).try_receive());
}

TEST_F(timer, after_that_nobody_waits_for_goes_with_its_handle) {
    for (int i = 0; i < 1000; ++i) static_cast<void>(gm::after(1000h));  // what is left is a leak
    for (int i = 0; i < 1000; ++i) {
        const auto alarm = gm::after(std::chrono::microseconds(i % 50));  // dropped about when it fires
        if (i % 3 == 0) static_cast<void>(alarm.receive());
    }
}

TEST_F(timer, after_is_a_case_of_a_select) {
    in_virtual_time([] {
        const auto alarm = gm::after(2s);
        gm::channel<int> silent(0);
        bool rang = false;
        EXPECT_EQ(gm::select(gm::on(silent, [](int) {}), gm::on(alarm, [&](gm::time_point) { rang = true; }),
                             gm::after(1h, [] {}))
                      .index,
                  1u);
        EXPECT_TRUE(rang);
    });
}

TEST_F(timer, tick_keeps_its_beat_and_drops_what_is_not_collected) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        gm::ticker every = gm::tick(10s);
        for (int i = 1; i <= 3; ++i) EXPECT_EQ(every.ticks().receive().value(), start + i * 10s);
        gm::sleep(35s);  // at 65: those of 40, 50 and 60 came, one was kept
        EXPECT_EQ(every.ticks().try_receive().value(), start + 40s);
        EXPECT_FALSE(every.ticks().try_receive());
        EXPECT_EQ(every.ticks().receive().value(), start + 70s);
    });
}

TEST_F(timer, tick_that_stops_closes_its_channel) {
    gm::receiver<gm::time_point> kept;
    {
        gm::ticker every = gm::tick(1h);
        kept = every.ticks();
        gm::ticker moved = std::move(every);
        EXPECT_FALSE(kept.closed());
    }
    EXPECT_EQ(kept.receive().error(), channel_status::closed);
    gm::ticker fast = gm::tick(20us);
    int seen = 0;
    for (gm::time_point at : fast.ticks()) {
        EXPECT_LE(at, gm::now());
        if (++seen == 5) fast.stop();
    }
    EXPECT_GE(seen, 5);
}

TEST_F(timer_death, tick_without_a_period_stops_with_the_place) {
    EXPECT_DEATH(static_cast<void>(gm::tick(0s)), "misuse: a ticker's period is above zero.*timer_test.cpp");
    EXPECT_DEATH(static_cast<void>(gm::tick(-1s)), "period is above zero");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST_F(timer, async_sleep_takes_its_time_without_a_thread) {
    gm::virtual_time world({.horizon = 100h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::time_point start = gm::now();
        gm::scheduler cpu;
        gm::wait_group over;
        over.add(1000);
        for (int i = 0; i < 1000; ++i)
            cpu.spawn([](int seconds, gm::wait_group& tell) -> gm::task<> {
                const gm::time_point begun = gm::now();
                co_await gm::async_sleep(std::chrono::seconds(seconds));
                EXPECT_EQ(gm::now() - begun, std::chrono::seconds(seconds));
                EXPECT_EQ(co_await gm::async_sleep(1s, gm::context()), channel_status::ok);
                tell.done();
            }(i, over));
        co_await over.async_wait();
        EXPECT_EQ(gm::now() - start, 1000s);
        co_await gm::async_sleep(-1s);
        co_await gm::async_sleep_until(start);
        EXPECT_EQ(gm::now() - start, 1000s);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST_F(timer, async_sleep_with_a_context_is_cancelled) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group over;
    gm::context_source ctx;
    over.add(200);
    for (int i = 0; i < 200; ++i)
        cpu.spawn([](int which, gm::context with, gm::wait_group& tell) -> gm::task<> {
            if (which % 2)
                EXPECT_EQ(co_await gm::async_sleep(1000h, with), channel_status::cancelled);
            else
                static_cast<void>(co_await gm::async_sleep(std::chrono::microseconds(which), with));
            EXPECT_EQ(co_await gm::async_sleep_until(gm::now(), gm::context()), channel_status::ok);
            tell.done();
        }(i, ctx, over));
    ctx.cancel();
    over.wait();
}

TEST_F(timer, async_sleep_on_the_real_clock_wakes) {
    gm::scheduler cpu({.threads = 2});
    gm::wait_group over;
    over.add(500);
    for (int i = 0; i < 500; ++i)
        cpu.spawn([](int which, gm::wait_group& tell) -> gm::task<> {
            for (int turn = 0; turn < 3; ++turn) {
                const gm::time_point due = gm::now() + std::chrono::microseconds(which % 70);
                co_await gm::async_sleep_until(due);
                EXPECT_GE(gm::now(), due);
            }
            tell.done();
        }(i, over));
    over.wait();
}

TEST_F(timer, destroyed_sleepers_withdraw) {
    gm::wait_group begun;
    gm::context_source ctx;
    gm::scheduler cpu({.threads = 2});
    begun.add(40);
    for (int i = 0; i < 40; ++i)
        cpu.spawn([](int which, gm::context with, gm::wait_group& tell) -> gm::task<> {
            const gm_test::live_value mine;
            tell.done();
            if (which % 2)
                co_await gm::async_sleep(1000h);
            else
                static_cast<void>(co_await gm::async_sleep(1000h, with));
        }(i, ctx, begun));
    begun.wait();
    EXPECT_EQ(cpu.shutdown(0ms).unfinished, 40u);
    ctx.cancel();
}

TEST_F(timer_death, blocking_sleep_on_a_scheduler_thread_is_misuse) {
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([]() -> gm::task<> {
                gm::sleep(1s);
                co_return;
            }());
        },
        "misuse: a blocking sleep on a thread of a scheduler.*timer_test.cpp");
}

#endif

}  // namespace
