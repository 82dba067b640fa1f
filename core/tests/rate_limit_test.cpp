#include <gristmill/rate_limit.hpp>

#include <chrono>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/scheduler.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;

void in_virtual_time(const std::function<void()>& body) {
    gm::virtual_time world({.horizon = 100h});
    const auto report = world.run(body);
    EXPECT_TRUE(report) << report.text();
}

TEST(rate_limit, burst_goes_at_once_then_evenly) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        gm::rate_limit api(10, 1s, 3);
        std::vector<std::chrono::nanoseconds> times;
        for (int i = 0; i < 6; ++i) {
            api.wait();
            times.push_back(gm::now() - start);
        }
        EXPECT_EQ(times, (std::vector<std::chrono::nanoseconds>{0ms, 0ms, 0ms, 100ms, 200ms, 300ms}));
        gm::sleep(10s);  // no more than the burst collects
        EXPECT_TRUE(api.try_take(3));
        EXPECT_FALSE(api.try_take());
    });
}

TEST(rate_limit, rate_that_divides_nothing_is_exact_in_the_long_run) {
    in_virtual_time([] {
        gm::rate_limit api(7, 3s);  // 428571428.57… ns each
        api.wait();
        const gm::time_point start = gm::now();
        for (int i = 0; i < 70'000; ++i) api.wait();
        EXPECT_EQ(gm::now() - start, 30'000s);
    });
}

TEST(rate_limit, late_caller_loses_no_tokens_within_the_burst) {
    in_virtual_time([] {
        gm::rate_limit api(10, 1s, 2);
        api.wait(2);
        const gm::time_point start = gm::now();
        for (int i = 0; i < 100; ++i) {
            api.wait();
            gm::sleep(40ms);
        }
        EXPECT_EQ(gm::now() - start, 10s + 40ms);
    });
}

TEST(rate_limit, requests_are_served_in_order) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        gm::rate_limit api(1, 1s, 5);
        EXPECT_TRUE(api.try_take(5));
        std::vector<std::pair<int, std::chrono::nanoseconds>> order;
        gm::wait_group crew;
        for (int who = 0; who < 3; ++who)
            crew.go([&, who] {
                gm::sleep(std::chrono::milliseconds(who + 1));
                api.wait(who == 0 ? 5 : 1);
                order.emplace_back(who, gm::now() - start);
            });
        gm::sleep(4500ms);
        EXPECT_FALSE(api.try_take());  // four have come, and they are spoken for
        crew.wait();
        EXPECT_EQ(order, (std::vector<std::pair<int, std::chrono::nanoseconds>>{{0, 5s}, {1, 6s}, {2, 7s}}));
    });
}

TEST(rate_limit, head_that_gives_up_lets_those_behind_it_pass) {
    in_virtual_time([] {
        const gm::time_point start = gm::now();
        gm::rate_limit api(1, 1s, 5);
        EXPECT_TRUE(api.try_take(5));
        gm::wait_group crew;
        crew.go([&] { EXPECT_EQ(api.wait(5, 2500ms), channel_status::timed_out); });
        crew.go([&] {
            gm::sleep(1ms);
            api.wait();
            EXPECT_EQ(gm::now() - start, 2500ms);
        });
        crew.wait();
    });
}

TEST(rate_limit, limits_of_a_wait_change_nothing) {
    gm::rate_limit api(1, 1h);
    EXPECT_EQ(api.wait(1, 0s), channel_status::ok);
    EXPECT_EQ(api.wait(1, 0s), channel_status::timed_out);
    EXPECT_EQ(api.wait(1, -1s), channel_status::timed_out);
    EXPECT_EQ(api.wait(1, 1ms), channel_status::timed_out);
    gm::context_source ctx;
    ctx.cancel();
    EXPECT_EQ(api.wait(1, ctx), channel_status::cancelled);
    api.wait(0);
    EXPECT_TRUE(api.try_take(0));
}

TEST(rate_limit, real_clock_serves_threads) {
    gm::rate_limit api(20'000, 1s);
    gm::wait_group crew;
    const auto start = std::chrono::steady_clock::now();
    for (int t = 0; t < 4; ++t)
        crew.go([&] {
            for (int i = 0; i < 50; ++i) api.wait();
        });
    crew.wait();
    EXPECT_GE(std::chrono::steady_clock::now() - start, 199 * 50us);  // never faster than the rate
}

TEST(rate_limit_death, nonsense_stops_with_the_place) {
    EXPECT_DEATH(gm::rate_limit(0, 1s), "misuse: a rate_limit of no events.*rate_limit_test.cpp");
    EXPECT_DEATH(gm::rate_limit(-1, 1s), "no events");
    EXPECT_DEATH(gm::rate_limit(1, 0s), "duration above zero");
    EXPECT_DEATH(gm::rate_limit(1, -1s), "duration above zero");
    EXPECT_DEATH(gm::rate_limit(1, 1s, 0), "burst is at least one");
    EXPECT_DEATH(gm::rate_limit(1, 1h, std::numeric_limits<std::int64_t>::max()), "out of range");
    gm::rate_limit api(1, 1s, 2);
    EXPECT_DEATH(api.wait(3), "more than its burst.*rate_limit_test.cpp");
    EXPECT_DEATH(api.wait(-1), "negative number of tokens");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST(rate_limit, coroutines_share_the_rate) {
    gm::virtual_time world({.horizon = 100h});
    const auto report = world.run([]() -> gm::task<> {
        gm::rate_limit api(100, 1s, 10);
        gm::wait_group over;
        gm::scheduler cpu;
        const gm::time_point start = gm::now();
        over.add(100);
        for (int i = 0; i < 100; ++i)
            cpu.spawn([](gm::rate_limit& limit, gm::wait_group& tell) -> gm::task<> {
                for (int turn = 0; turn < 10; ++turn) co_await limit.async_wait();
                tell.done();
            }(api, over));
        co_await over.async_wait();
        EXPECT_EQ(gm::now() - start, 9900ms);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(rate_limit, real_clock_serves_coroutines_and_cancels) {
    gm::scheduler cpu({.threads = 2});
    gm::rate_limit api(10'000, 1s);
    gm::wait_group over;
    gm::context_source ctx;
    over.add(60);
    for (int i = 0; i < 60; ++i)
        cpu.spawn([](gm::rate_limit& limit, gm::context with, gm::wait_group& tell) -> gm::task<> {
            static_cast<void>(co_await limit.async_wait(1, with));
            tell.done();
        }(api, i % 2 ? gm::context(ctx) : gm::context(), over));
    ctx.cancel();
    over.wait();
}

TEST(rate_limit, destroyed_while_its_alarm_is_set) {
    for (int round = 0; round < 200; ++round) {
        gm::rate_limit api(100'000, 1s);
        api.wait();
        static_cast<void>(api.wait(1, std::chrono::microseconds(round % 20)));
    }
}

#endif

}  // namespace
