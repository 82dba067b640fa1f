// start_wait, start_acquire and start_take: groups, jobs, permits and tokens that tell a callback.
#include <gristmill/start.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/rate_limit.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>
#include <live_value.hpp>

using namespace std::chrono_literals;
using gm::channel_status;

// ---- wait_group ----

TEST(start_wait, group_is_told_when_it_comes_to_zero_and_may_go_in_the_callback) {
    auto group = std::make_unique<gm::wait_group>();
    group->add(2);
    std::vector<channel_status> ends;
    const gm::started pending = gm::start_wait(*group, [&](channel_status end) {
        ends.push_back(end);
        group.reset();
    });
    gm::wait_group* const mine = group.get();
    mine->done();
    EXPECT_TRUE(ends.empty());
    mine->done();
    EXPECT_EQ(ends, std::vector{channel_status::ok});
    EXPECT_FALSE(group);
    EXPECT_FALSE(pending.cancel());
}

TEST(start_wait, empty_group_is_told_at_once_and_limits_and_cancel_end_it) {
    gm::virtual_time day;
    std::vector<channel_status> ends;
    const auto note = [&](channel_status end) { ends.push_back(end); };
    const auto report = day.run([&] {
        gm::wait_group group;
        const gm::started at_once = gm::start_wait(group, note);
        EXPECT_EQ(ends, std::vector{channel_status::ok});
        group.add();
        const gm::context_source stop;
        const gm::started brief = gm::start_wait(group, 1s, note);
        const gm::started stopped = gm::start_wait(group, stop, note);
        const gm::started cancelled = gm::start_wait(group, note);
        gm::started dropped = gm::start_wait(group, note);
        gm::sleep(2s);
        stop.cancel();
        EXPECT_TRUE(cancelled.cancel());
        dropped = {};
        group.done();
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(ends, (std::vector{channel_status::ok, channel_status::timed_out, channel_status::cancelled,
                                 channel_status::cancelled}));
}

// ---- semaphore ----

TEST(start_acquire, waits_its_turn_and_holds_the_permits) {
    gm::semaphore permits(3);
    permits.acquire(2);
    std::vector<int> order;
    const gm::started big = gm::start_acquire(permits, 2, [&](channel_status end) {
        EXPECT_EQ(end, channel_status::ok);
        order.push_back(2);
    });
    const gm::started behind = gm::start_acquire(permits, 1, [&](channel_status) { order.push_back(1); });
    EXPECT_TRUE(order.empty());
    permits.release();
    EXPECT_EQ(order, std::vector{2});
    permits.release();
    EXPECT_EQ(order, (std::vector{2, 1}));
    EXPECT_EQ(permits.available(), 0u);
    permits.release(3);
    EXPECT_EQ(permits.available(), 3u);
}

TEST(start_acquire, one_that_gives_up_lets_those_behind_it_pass) {
    gm::semaphore permits(3);
    permits.acquire(2);
    std::vector<channel_status> ends;
    const auto note = [&](channel_status end) { ends.push_back(end); };
    gm::started big = gm::start_acquire(permits, 3, note);
    const gm::started behind = gm::start_acquire(permits, 1, note);
    EXPECT_TRUE(ends.empty());
    big = {};
    EXPECT_EQ(ends, std::vector{channel_status::ok});
    const gm::started next = gm::start_acquire(permits, 2, note);
    EXPECT_TRUE(next.cancel());
    EXPECT_EQ(ends, (std::vector{channel_status::ok, channel_status::cancelled}));
    permits.release(3);
}

TEST(start_acquire, permits_that_came_unseen_are_given_back_with_the_handle) {
    gm::semaphore permits(2);
    permits.acquire(1);
    gm::started second, third;
    // While the first is being told, the permits that come to the others wait to be told: their handles go before.
    const gm::started first = gm::start_acquire(permits, 1, [&](channel_status) {
        EXPECT_EQ(permits.available(), 0u);
        second = gm::start_acquire(permits, 2, [](channel_status) { ADD_FAILURE() << "withdrawn"; });
        permits.release(2);
        EXPECT_EQ(permits.available(), 0u);  // the second has them
        second = {};
        EXPECT_EQ(permits.available(), 2u);
        third = gm::start_acquire(permits, 2, [](channel_status) { ADD_FAILURE() << "withdrawn"; });
        EXPECT_EQ(permits.available(), 0u);  // had at once
        third = {};
    });
    EXPECT_EQ(permits.available(), 2u);
}

TEST(start_acquire_death, nonsense_stops_with_the_place) {
    gm::semaphore permits(2);
    EXPECT_DEATH(gm::start_acquire(permits, 3, [](channel_status) {}).detach(),
                 "more permits than.*start_wait_test.cpp");
}

// One thread cancels; the other releases, drops the handle, in this order or the other, and lets the semaphore go at once.
TEST(start_acquire, racing_ends_lose_no_permit_and_leave_the_semaphore_alone) {
    for (int round = 0; round != 2000; ++round) {
        auto permits = std::make_unique<gm::semaphore>(1);
        permits->acquire();
        const gm::context_source stop;
        std::atomic<std::size_t> served{0};
        gm::started pending = gm::start_acquire(*permits, 1, stop, [&](channel_status end) {
            if (end == channel_status::ok) ++served;
        });
        std::atomic<int> ready{0};
        const auto together = [&ready] {
            for (++ready; ready.load() != 2;) std::this_thread::yield();
        };
        const std::jthread canceller([&] {
            together();
            stop.cancel();
        });
        together();
        if (round % 2) permits->release();
        pending = {};
        if (round % 2 == 0) permits->release();
        EXPECT_EQ(permits->available() + served, 1u);
        permits.reset();
    }
}

TEST(start_acquire, release_that_races_with_the_handle_loses_no_permit) {
    for (int round = 0; round != 2000; ++round) {
        gm::semaphore permits(1);
        permits.acquire();
        std::atomic<std::size_t> served{0};
        gm::started pending = gm::start_acquire(permits, 1, [&](channel_status) { ++served; });
        std::atomic<int> ready{0};
        const auto together = [&ready] {
            for (++ready; ready.load() != 2;) std::this_thread::yield();
        };
        std::jthread releaser([&] {
            together();
            permits.release();
        });
        together();
        pending = {};
        releaser.join();
        EXPECT_EQ(permits.available() + served, 1u);
    }
}

// ---- rate_limit ----

TEST(start_take, is_told_when_its_tokens_have_come) {
    std::vector<std::pair<channel_status, std::chrono::nanoseconds>> ends;
    const auto report = gm::virtual_time().run([&] {
        const gm::time_point begun = gm::now();
        const auto note = [&](channel_status end) { ends.emplace_back(end, gm::now() - begun); };
        gm::rate_limit api(1, 1s, 2);
        const gm::started at_once = gm::start_take(api, 2, note);
        const gm::started after_a_second = gm::start_take(api, 1, note);
        const gm::started too_late = gm::start_take(api, 2, gm::until(2s), note);
        const gm::started withdrawn = gm::start_take(api, 1, note);
        EXPECT_TRUE(withdrawn.cancel());
        gm::sleep(10s);
    });
    EXPECT_TRUE(report) << report.text();
    const std::vector<std::pair<channel_status, std::chrono::nanoseconds>> expected{{channel_status::ok, 0s},
                                                                                    {channel_status::cancelled, 0s},
                                                                                    {channel_status::ok, 1s},
                                                                                    {channel_status::timed_out, 2s}};
    EXPECT_EQ(ends, expected);
}

// ---- a pool's jobs ----

TEST(start_wait, future_comes_back_ready) {
    gm::channel<int> gate(0), over(1);
    gm::pool crew({.workers = 1});
    const gm::started pending =
        gm::start_wait(crew.submit([&] { return gate.receive().value() * 2; }), [&](gm::future<int> job) {
            EXPECT_TRUE(job.ready());
            over.send(job.get().value());
        });
    gate.send(21);
    EXPECT_EQ(over.receive().value(), 42);
    gm::future<int> done = crew.submit([] { return 1; });
    EXPECT_TRUE(done.wait({}));
    int got = 0;
    const gm::started at_once = gm::start_wait(std::move(done), [&](gm::future<int> job) { got = job.get().value(); });
    EXPECT_EQ(got, 1);
    EXPECT_FALSE(at_once.cancel());
}

TEST(start_wait, future_whose_limit_came_first_comes_back_unready) {
    gm_test::live_value::alive = 0;
    {
        gm::channel<int> gate(0);
        gm::pool crew({.workers = 1});
        const auto body = [&] {
            static_cast<void>(gate.receive());
            return std::make_unique<gm_test::live_value>(5);
        };
        using answer = gm::future<std::unique_ptr<gm_test::live_value>>;
        answer back;
        const gm::started pending = gm::start_wait(crew.submit(body), [&](answer job) { back = std::move(job); });
        EXPECT_TRUE(pending.cancel());
        ASSERT_TRUE(back.valid());
        EXPECT_FALSE(back.ready());
        gm::started dropped = gm::start_wait(crew.submit(body), [](auto) { ADD_FAILURE() << "withdrawn"; });
        dropped = {};
        gate.send(1);
        gate.send(1);
        EXPECT_EQ(back.get().value()->number, 5);
    }
    EXPECT_EQ(gm_test::live_value::alive, 0);
}

TEST(start_wait_death, future_without_a_job_stops_with_the_place) {
    EXPECT_DEATH(gm::start_wait(gm::future<int>(), [](gm::future<int>) {}).detach(),
                 "without a job.*start_wait_test.cpp");
#ifndef GRISTMILL_NO_COROUTINE_TESTS
    EXPECT_DEATH(
        {
            gm::scheduler cpu({.threads = 1});
            cpu.block_on([]() -> gm::task<> { static_cast<void>(co_await gm::future<int>()); }());
        },
        "without a job.*start_wait_test.cpp");
#endif
}
