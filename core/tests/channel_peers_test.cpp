// Bugs we saw in peers, each as a test of ours. Values go in numbered and are counted at the other side.
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;

#if defined(GRISTMILL_SLOW_BUILD)
constexpr int each = 2'000;
#else
constexpr int each = 20'000;
#endif

// `producers` threads send `each` numbers; `consumers` take them all. Each number arrives once.
void pass_all(std::size_t capacity, int producers, int consumers) {
    const channel<int> numbers(capacity);
    std::vector<std::atomic<int>> seen(static_cast<std::size_t>(producers * each));
    {
        std::vector<std::jthread> takers;
        for (int i = 0; i < consumers; ++i)
            takers.emplace_back([&] {
                for (int number : numbers) ++seen[static_cast<std::size_t>(number)];
            });
        std::vector<std::jthread> givers;
        for (int p = 0; p < producers; ++p)
            givers.emplace_back([&, p] {
                for (int i = 0; i < each; ++i) numbers.send(p * each + i);
            });
        givers.clear();
        numbers.close();
    }
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& times) { return times == 1; }));
}

// One hand-off slot, overwritten by the second sender: 5 % of the items were gone.
TEST(peers, rendezvous_loses_nothing) { pass_all(0, 3, 3); }

// The waiter was counted after the check of the slot: a wake-up went missing and both sides slept.
TEST(peers, capacity_one_does_not_hang) { pass_all(1, 3, 3); }

// One condition variable for both sides and notify_one: the signal woke the wrong side.
TEST(peers, uneven_sides_do_not_hang) {
    pass_all(1, 4, 1);
    pass_all(1, 1, 4);
    pass_all(2, 4, 1);
}

TEST(peers, close_keeps_buffered_items) {
    const channel<int> numbers(3);
    for (int i = 0; i < 3; ++i) numbers.send(i);
    numbers.close();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers.receive().value(), i);
    EXPECT_EQ(numbers.receive().error(), channel_status::closed);
}

// Values that senders had handed over counted as received only when the ring was looked at: here the ring is full, and
// a sender's value moves up when the first leaves.
TEST(peers, close_keeps_what_moved_up_from_a_waiting_sender) {
    const channel<int> numbers(1);
    numbers.send(1);
    std::jthread sender([&] { EXPECT_EQ(numbers.send(2).status(), channel_status::ok); });
    gm::test::until_senders_wait(numbers, 1);
    EXPECT_EQ(numbers.receive().value(), 1);
    numbers.close();
    EXPECT_EQ(numbers.receive().value(), 2);
}

// A queue with a sub-queue for each producer is not first in, first out across them: a pill overtook the data.
TEST(peers, pill_of_another_producer_does_not_overtake_data) {
    const auto numbers = channel<int>::unbounded();
    constexpr int pill = -1;
    for (int round = 0; round < 200; ++round) {
        const channel<int> hand(0);
        std::jthread data([&] {
            for (int i = 0; i < 10; ++i) numbers.send(i);
            hand.send(0);  // happens before the pill
        });
        std::jthread end([&] {
            (void)hand.receive();
            numbers.send(pill);
        });
        int count = 0;
        while (numbers.receive().value() != pill) ++count;
        ASSERT_EQ(count, 10);
    }
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> waits(channel<int> numbers, std::atomic<int>& begun, std::atomic<int>& sum) {
    ++begun;
    if (auto got = co_await numbers.async_receive()) sum += *got;
}

// Creating waiters was quadratic in their number: a million of them would not come to an end.
TEST(peers, million_waiters_are_made) {
#if defined(GRISTMILL_SLOW_BUILD)
    constexpr int waiters = 100'000;
#else
    constexpr int waiters = 1'000'000;
#endif
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    std::atomic<int> begun = 0, sum = 0;
    for (int i = 0; i < waiters; ++i) crew.spawn(waits(numbers, begun, sum));
    gm::test::wait_until([&] { return begun == waiters; });
    numbers.close();
    EXPECT_TRUE(crew.shutdown(1min));
    EXPECT_EQ(sum, 0);
}

gm::task<int> throws() {
    throw std::runtime_error("mine");
    co_return 0;
}
gm::task<int> survives(channel<int> numbers) {
    try {
        (void)co_await throws();
    } catch (const std::runtime_error&) {
    }
    co_return (co_await numbers.async_receive()).value();
}

TEST(peers, task_that_throws_does_not_end_the_process) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(1);
    numbers.send(7);
    EXPECT_THROW(crew.block_on(throws()), std::runtime_error);
    EXPECT_EQ(crew.block_on(survives(numbers)), 7);
}

gm::task<> receives_or_not(channel<int> numbers, gm::context ctx, std::atomic<int>& received) {
    if (co_await numbers.async_receive(ctx)) ++received;
}

// A cancelled receive swallowed a value: the sender had committed to a waiter that then gave up.
TEST(peers, cancelled_receive_swallows_nothing) {
    gm::scheduler crew({.threads = 2});
#if defined(GRISTMILL_SLOW_BUILD)
    constexpr int rounds = 500;
#else
    constexpr int rounds = 5'000;
#endif
    for (int round = 0; round < rounds; ++round) {
        const channel<int> numbers(0);
        std::atomic<int> received = 0;
        const gm::context_source source;
        crew.spawn(receives_or_not(numbers, source, received));
        gm::test::until_receivers_wait(numbers, 1);
        bool sent;
        {
            std::jthread canceller([&] { source.cancel(); });
            sent = numbers.try_send(1) == channel_status::ok;
        }
        gm::test::wait_until([&] { return crew.live_tasks() == 0; });
        ASSERT_EQ(received, sent ? 1 : 0);
    }
}

#endif

}  // namespace
