// The locks: exclusion, sleeping and waking, destruction right after a release; the lock of a channel that leans to a worker.
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/parker.hpp>

#include <memory>
#include <thread>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include <gtest/gtest.h>

#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;

#if defined(GRISTMILL_SLOW_BUILD)
constexpr int turns = 20'000;
#else
constexpr int turns = 200'000;
#endif

TEST(lock, excludes_and_orders) {
    gm::detail::lock guard;
    long plain = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&] {
                for (int turn = 0; turn < turns / 4; ++turn) {
                    gm::detail::lock_guard hold(guard);
                    plain = plain + 1;
                }
            });
    }
    EXPECT_EQ(plain, turns / 4 * 4);
}

TEST(lock, sleepers_are_woken_though_the_holder_keeps_it_long) {
    gm::detail::lock guard;
    for (int round = 0; round < 20; ++round) {
        guard.acquire();
        std::atomic<int> through = 0;
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([&] {
                gm::detail::lock_guard hold(guard);
                ++through;
            });
        const auto enough = gm::now() + 2ms;  // they have given up spinning by then
        gm::test::wait_until([&] { return gm::now() > enough; });
        EXPECT_EQ(through, 0);
        guard.release();
        threads.clear();
        EXPECT_EQ(through, 3);
    }
}

TEST(lock, may_be_destroyed_by_whoever_comes_next) {
    for (int round = 0; round < 2'000; ++round) {
        auto guard = std::make_unique<gm::detail::lock>();
        guard->acquire();
        std::jthread next([&] {
            guard->acquire();
            guard->release();
            guard.reset();  // the first holder may still be in release()
        });
        guard->release();
    }
}

TEST(biased_lock, owner_and_guests_exclude_each_other) {
    gm::detail::biased_lock guard;
    long plain = 0;
    {
        std::jthread owner([&] {
            for (int turn = 0; turn < turns; ++turn) {
                guard.owner_acquire();
                plain = plain + 1;
                guard.owner_release();
            }
        });
        std::vector<std::jthread> guests;
        for (int i = 0; i < 2; ++i)
            guests.emplace_back([&] {
                for (int turn = 0; turn < turns / 20; ++turn) {
                    guard.guest_acquire();
                    plain = plain + 1;
                    guard.guest_release();
                }
            });
    }
    EXPECT_EQ(plain, turns + turns / 20 * 2);
}

TEST(parker, unpark_before_park_is_not_lost) {
    gm::detail::parker bed;
    bed.unpark();
    EXPECT_TRUE(bed.notified_already());
    bed.park();
    EXPECT_FALSE(bed.notified_already());
}

TEST(parker, park_until_says_whether_the_deadline_came_first) {
    gm::detail::parker bed;
    const auto deadline = gm::now() + 3ms;
    EXPECT_FALSE(bed.park_until(deadline));
    EXPECT_GE(gm::now(), deadline);
    bed.unpark();
    EXPECT_TRUE(bed.park_until(gm::now() - 1s));
    EXPECT_FALSE(bed.park_until(gm::now() - 1s));
}

TEST(parker, two_threads_take_turns_and_see_each_others_writes) {
    gm::detail::parker here, there;
    int plain = 0;
    std::jthread other([&] {
        for (int i = 0; i < 2000; ++i) {
            there.park();
            plain = plain + 1;
            here.unpark();
        }
    });
    for (int i = 0; i < 2000; ++i) {
        there.unpark();
        here.park();
        EXPECT_EQ(plain, i + 1);
    }
}

TEST(parker, timed_out_parks_lose_no_unpark) {
    gm::detail::parker bed;
    std::atomic<int> given = 0;
    std::jthread waker([&] {
        for (int i = 0; i < 500; ++i) {
            bed.unpark();
            ++given;
            gm::test::wait_until([&] { return given == 0; });
        }
    });
    for (int got = 0; got < 500;) {
        if (!bed.park_until(gm::now() + 10us)) continue;
        gm::test::wait_until([&] { return given == 1; });
        ++got;
        given = 0;
    }
}

TEST(parker, may_be_destroyed_as_soon_as_its_owner_woke_up) {
    for (int round = 0; round < 2'000; ++round) {
        auto bed = std::make_unique<gm::detail::parker>();
        std::jthread waker([&, it = bed.get()] { it->unpark(); });
        bed->park();
        bed.reset();
    }
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> keeps_using(gm::channel<int> numbers, std::atomic<bool>& over, long& used) {
    while (!over) {
        co_await numbers.async_send(1);
        (void)co_await numbers.async_receive();
        ++used;
    }
}

// A worker that earned the bias by itself, and threads that come in between all the time.
TEST(channel_lock, bias_comes_and_goes_and_the_channel_stays_sound) {
    gm::scheduler crew({.threads = 1});
    const gm::channel<int> numbers(8);
    std::atomic<bool> over = false;
    long used = 0;
    crew.spawn(keeps_using(numbers, over, used));
    for (int round = 0; round < 200; ++round) {
        const auto pause = gm::now() + 100us;  // long enough for the worker to earn it again, at first
        gm::test::wait_until([&] { return gm::now() > pause; });
        if (numbers.try_send(2) == gm::channel_status::ok) {
            EXPECT_TRUE(numbers.receive());
        }
        EXPECT_LE(numbers.size(), 8u);
    }
    over = true;
    EXPECT_TRUE(crew.shutdown(10s));
    EXPECT_GT(used, 0);
    EXPECT_EQ(numbers.size(), 0u);
}

#endif

}  // namespace
