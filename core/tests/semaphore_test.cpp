#include <gristmill/semaphore.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/scheduler.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>
#include <live_value.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;

class semaphore : public gm_test::live_values {};
using semaphore_death = semaphore;

TEST_F(semaphore, permits_are_counted) {
    gm::semaphore permits(3);
    EXPECT_TRUE(permits.try_acquire(2));
    EXPECT_FALSE(permits.try_acquire(2));
    EXPECT_EQ(permits.acquire(2, 0s), channel_status::timed_out);
    EXPECT_EQ(permits.acquire(2, -1h), channel_status::timed_out);
    EXPECT_EQ(permits.available(), 1u);
    permits.release(2);
    permits.acquire(3);
    EXPECT_TRUE(permits.try_acquire(0));
    permits.release(3);
    EXPECT_EQ(permits.available(), permits.total());
}

TEST_F(semaphore, permit_is_given_back_at_the_end_of_its_scope) {
    gm::semaphore permits(2);
    {
        gm::permit one = permits.hold();
        gm::permit moved = std::move(one);
        EXPECT_FALSE(one);
        EXPECT_TRUE(moved);
        EXPECT_EQ(permits.available(), 1u);
        gm::permit two = permits.try_hold(2);
        EXPECT_FALSE(two);
        gm::permit late = permits.hold(2, 0s);
        EXPECT_FALSE(late);
        moved = permits.hold();
        EXPECT_EQ(permits.available(), 1u);
    }
    EXPECT_EQ(permits.available(), 2u);
    permits.hold(2).detach();
    EXPECT_EQ(permits.available(), 0u);
    permits.release(2);
}

// On virtual time the order of arrival is certain: each comes a second after the other.
TEST_F(semaphore, big_request_at_the_head_is_not_overtaken) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([] {
        gm::semaphore permits(4);
        permits.acquire(3);
        std::vector<int> order;
        gm::wait_group crew;
        for (int who = 0; who < 4; ++who)
            crew.go([&, who] {
                static_cast<void>(gm::channel<int>(0).receive(std::chrono::seconds(who + 1)));
                const std::ptrdiff_t n = who == 1 ? 4 : 1;
                permits.acquire(n);
                order.push_back(who);
                permits.release(n);
            });
        static_cast<void>(gm::channel<int>(0).receive(10s));
        EXPECT_EQ(order, std::vector<int>{0});  // one was free; the second wants all four and holds up the others
        EXPECT_FALSE(permits.try_acquire());
        permits.release(3);
        crew.wait();
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
        EXPECT_EQ(permits.available(), 4u);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST_F(semaphore, head_that_gives_up_lets_those_behind_it_pass) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([] {
        gm::semaphore permits(4);
        permits.acquire(3);
        gm::wait_group crew;
        crew.go([&] { EXPECT_EQ(permits.acquire(4, 5s), channel_status::timed_out); });
        crew.go([&] {
            static_cast<void>(gm::channel<int>(0).receive(1s));
            EXPECT_EQ(permits.acquire(1, 1h), channel_status::ok);
        });
        crew.wait();
        permits.release(4);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST_F(semaphore, never_more_than_its_permits_on_threads) {
    gm::semaphore permits(3);
    std::atomic<int> inside{0}, most{0};
    {
        gm::wait_group crew;
        for (int t = 0; t < 6; ++t)
            crew.go([&] {
                for (int i = 0; i < 500; ++i) {
                    const gm::permit one = permits.hold();
                    const int now = ++inside;
                    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
                    }
                    --inside;
                }
            });
    }
    EXPECT_LE(most, 3);
    EXPECT_EQ(permits.available(), 3u);
}

TEST_F(semaphore, done_context_is_cancelled_even_if_permits_are_free) {
    gm::semaphore permits(1);
    gm::context_source ctx;
    ctx.cancel();
    EXPECT_EQ(permits.acquire(1, ctx), channel_status::cancelled);
    EXPECT_EQ(permits.available(), 1u);
}

TEST_F(semaphore_death, nonsense_stops_with_the_place) {
    EXPECT_DEATH(gm::semaphore(0), "misuse: a semaphore needs at least one permit.*semaphore_test.cpp");
    EXPECT_DEATH(gm::semaphore(-2), "at least one permit");
    gm::semaphore permits(2);
    EXPECT_DEATH(permits.acquire(3), "more permits than it has.*semaphore_test.cpp");
    EXPECT_DEATH(permits.acquire(-1), "negative number of permits");
    EXPECT_DEATH(static_cast<void>(permits.try_acquire(3)), "more permits than it has");
    EXPECT_DEATH(permits.release(1), "more permits were released.*semaphore_test.cpp");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST_F(semaphore, threads_and_coroutines_share_the_permits) {
    gm::scheduler cpu({.threads = 2});
    gm::semaphore permits(4);
    gm::wait_group over;
    std::atomic<int> inside{0};
    std::atomic<bool> exceeded{false};
    auto enter = [&](int n) {
        if ((inside += n) > 4) exceeded = true;
        inside -= n;
    };
    over.add(30);
    for (int i = 0; i < 30; ++i)
        cpu.spawn([](gm::semaphore& from, int n, auto& work, gm::wait_group& tell) -> gm::task<> {
            for (int turn = 0; turn < 100; ++turn) {
                co_await from.async_acquire(n);
                work(n);
                from.release(n);
                const gm::permit one = co_await from.async_hold(1);
                work(1);
            }
            tell.done();
        }(permits, 1 + i % 4, enter, over));
    for (int t = 0; t < 2; ++t)
        over.go([&, t] {
            for (int i = 0; i < 300; ++i) {
                permits.acquire(2 + t);
                enter(2 + t);
                permits.release(2 + t);
            }
        });
    over.wait();
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(permits.available(), 4u);
}

TEST_F(semaphore, cancels_and_releases_race_without_a_lost_permit) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 200; ++round) {
        gm::semaphore permits(2);
        permits.acquire(2);
        gm::wait_group over;
        over.add(6);
        gm::context_source ctx;
        for (int i = 0; i < 6; ++i)
            cpu.spawn([](gm::semaphore& from, gm::context with, std::ptrdiff_t n, gm::wait_group& tell) -> gm::task<> {
                if (co_await from.async_acquire(n, with) == channel_status::ok) from.release(n);
                tell.done();
            }(permits, i % 2 == 0 ? gm::context(ctx) : gm::context(), 1 + i % 2, over));
        std::jthread canceller([&] { ctx.cancel(); });
        permits.release(1);
        permits.release(1);
        over.wait();
        EXPECT_EQ(permits.available(), 2u);
    }
}

TEST_F(semaphore, destroyed_coroutines_give_back_what_they_got) {
    gm::semaphore permits(3);
    {
        gm::scheduler cpu({.threads = 2});
        gm::wait_group begun;
        begun.add(9);
        for (int i = 0; i < 9; ++i)
            cpu.spawn([](gm::semaphore& from, gm::wait_group& tell) -> gm::task<> {
                const gm_test::live_value mine;
                tell.done();
                const gm::permit one = co_await from.async_hold();
                static_cast<void>(co_await gm::channel<int>(0).async_receive());
            }(permits, begun));
        begun.wait();
        EXPECT_EQ(cpu.shutdown(0ms).unfinished, 9u);
    }
    EXPECT_EQ(permits.available(), 3u);
}

TEST_F(semaphore, last_owner_may_destroy_it) {
    gm::scheduler cpu({.threads = 2});
    cpu.block_on([](gm::scheduler& on) -> gm::task<> {
        for (int round = 0; round < 1000; ++round) {
            auto permits = std::make_unique<gm::semaphore>(1);
            permits->acquire();
            on.spawn([](gm::semaphore* which) -> gm::task<> {
                which->release();
                co_return;
            }(permits.get()));
            co_await permits->async_acquire();
        }
    }(cpu));
}

#endif

}  // namespace
