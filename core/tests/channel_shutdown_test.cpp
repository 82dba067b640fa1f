// The moment of completion against the moment of destruction: a scheduler goes while plain threads send, cancel, close
// and spawn. What these tests find, they find under the sanitizers; the values are accounted for in any build.
#ifndef GRISTMILL_NO_COROUTINE_TESTS

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;
using gm::test::census;
using gm::test::counted;

#if defined(GRISTMILL_SLOW_BUILD)
constexpr int rounds = 150;
#else
constexpr int rounds = 600;
#endif

gm::task<> receives(channel<counted> in, std::atomic<int>& received) {
    while (co_await in.async_receive()) ++received;
}
gm::task<> receives_with_context(channel<counted> in, gm::context ctx, std::atomic<int>& received) {
    while (co_await in.async_receive(ctx)) ++received;
}
gm::task<> receives_with_both(channel<counted> in, gm::context ctx, std::atomic<int>& received) {
    while (co_await in.async_receive(gm::until(ctx, 1h))) ++received;
}
gm::task<> receives_soon(channel<counted> in, std::atomic<int>& received) {
    while (true) {
        auto got = co_await in.async_receive(gm::until(50us));
        if (got)
            ++received;
        else if (got.error() == channel_status::closed)
            break;
    }
}
gm::task<> selects(channel<counted> in, channel<counted> other, std::atomic<int>& received) {
    bool open = true;
    while (open)
        static_cast<void>(co_await gm::async_select(
            gm::on(in, [&](std::optional<counted> got) { got ? void(++received) : void(open = false); }),
            gm::on(other, [&](std::optional<counted> got) { got ? void(++received) : void(open = false); })));
}

// Sent ok = received + destroyed unseen, as the report says.
TEST(channel_shutdown, sends_that_race_with_the_end_are_accounted_for) {
    const census balance;
    for (int round = 0; round < rounds / 10; ++round) {  // spinning senders make a round slow
        const channel<counted> numbers(0), other(0);
        const gm::context_source source;
        std::atomic<int> received = 0, sent = 0;
        std::atomic<bool> over = false;
        gm::scheduler crew({.threads = 2});
        crew.spawn(receives(numbers, received));
        crew.spawn(receives_with_context(numbers, source, received));
        crew.spawn(receives_with_both(numbers, source, received));
        crew.spawn(receives_soon(numbers, received));
        crew.spawn(selects(numbers, other, received));
        std::vector<std::jthread> senders;
        for (int i = 0; i < 2; ++i)
            senders.emplace_back([&, i] {
                while (!over)
                    if ((i == 0 ? numbers : other).try_send(counted(1)) == channel_status::ok) ++sent;
            });
        gm::test::wait_until([&] { return received > round % 7; });
        const gm::shutdown_report report = crew.shutdown(0ms);
        over = true;
        senders.clear();
        EXPECT_EQ(report.unfinished, 5u);
        ASSERT_EQ(sent, received + static_cast<int>(report.values_destroyed)) << "round " << round;
        ASSERT_EQ(gm::test::waiting_receivers(numbers) + gm::test::waiting_receivers(other), 0u);
    }
}

// B1: a cancel that came after the look for pins woke a frame that was being freed.
TEST(channel_shutdown, cancel_that_races_with_the_end_touches_no_freed_frame) {
    const census balance;
    for (int round = 0; round < rounds; ++round) {
        const channel<counted> numbers(0);
        const gm::context_source source;
        std::atomic<int> received = 0;
        gm::scheduler crew({.threads = 1});
        for (int i = 0; i < 20; ++i) {
            crew.spawn(receives_with_context(numbers, source, received));
            crew.spawn(receives_with_both(numbers, source, received));
        }
        gm::test::until_receivers_wait(numbers, 40);
        std::atomic<bool> go = false;
        std::jthread canceller([&] {
            while (!go) {
            }
            for (volatile int i = 0; i < round * 20; i = i + 1) {
            }
            source.cancel();
        });
        go = true;
        (void)crew.shutdown(0ms);
        canceller.join();
        ASSERT_EQ(gm::test::waiting_receivers(numbers), 0u);
    }
}

// B8: a context fired the waiter between the arming of its word and the start of its timer.
TEST(channel_shutdown, cancel_that_races_with_the_start_of_a_timer_is_in_order) {
    const census balance;
    gm::scheduler crew({.threads = 2});
    for (int round = 0; round < rounds * 5; ++round) {
        const channel<counted> numbers(0);
        const gm::context_source source;
        std::atomic<int> received = 0;
        crew.spawn(receives_with_both(numbers, source, received));
        std::jthread canceller([&] { source.cancel(); });
        gm::test::wait_until([&] { return crew.live_tasks() == 0; });
    }
}

// B2: who had woken a task found the scheduler freed when it came to unpin.
TEST(channel_shutdown, scheduler_that_ends_right_after_a_wake_up_waits_for_the_waker) {
    const census balance;
    for (int round = 0; round < rounds; ++round) {
        const channel<counted> numbers(0);
        std::atomic<int> received = 0;
        auto crew = std::make_unique<gm::scheduler>(gm::scheduler_options{.threads = 1});
        auto once = [](channel<counted> in, std::atomic<int>& count) -> gm::task<> {
            if (co_await in.async_receive()) ++count;
        };
        crew->spawn(once(numbers, received));
        gm::test::until_receivers_wait(numbers, 1);
        std::jthread sender([&] { EXPECT_EQ(numbers.try_send(counted(1)), channel_status::ok); });
        gm::test::wait_until([&] { return received == 1; });
        crew.reset();
    }
}

// B3: a root was destroyed by the shutdown before its spawn had queued it.
TEST(channel_shutdown, spawn_that_races_with_the_end_runs_or_is_refused) {
    const census balance;
    for (int round = 0; round < rounds / 10; ++round) {
        const channel<counted> never(0);
        std::atomic<int> received = 0;
        std::atomic<int> accepted = 0;
        gm::scheduler crew({.threads = 1});
        std::vector<std::jthread> spawners;
        for (int i = 0; i < 2; ++i)
            spawners.emplace_back([&] {
                while (crew.spawn(receives(never, received))) ++accepted;
            });
        gm::test::wait_until([&] { return accepted > 3; });
        const gm::shutdown_report report = crew.shutdown(0ms);
        spawners.clear();
        ASSERT_EQ(report.unfinished, static_cast<std::size_t>(accepted));
    }
}

TEST(channel_shutdown, close_that_races_with_the_end_touches_no_freed_frame) {
    const census balance;
    for (int round = 0; round < rounds; ++round) {
        const channel<counted> numbers(0), other(0);
        std::atomic<int> received = 0;
        gm::scheduler crew({.threads = 1});
        for (int i = 0; i < 10; ++i) {
            crew.spawn(receives(numbers, received));
            crew.spawn(selects(numbers, other, received));
        }
        gm::test::until_receivers_wait(numbers, 20);
        std::jthread closer([&] { numbers.close(); });
        (void)crew.shutdown(0ms);
    }
}

// Schedulers made and destroyed around a channel that stays, in any order.
TEST(channel_shutdown, channel_outlives_schedulers_and_schedulers_outlive_channels) {
    const census balance;
    const channel<counted> lasting(1);
    std::atomic<int> received = 0;
    for (int round = 0; round < 50; ++round) {
        gm::scheduler first({.threads = 1}), second({.threads = 1});
        first.spawn(receives(lasting, received));
        second.spawn(receives(lasting, received));
        {
            const channel<counted> brief(0);
            first.spawn(receives(brief, received));
        }
        gm::test::wait_until([&] { return gm::test::waiting_receivers(lasting) == 2; });
        lasting.send(counted(1));
        (void)second.shutdown(0ms);
        (void)first.shutdown(0ms);
    }
    EXPECT_LE(received, 50);
}

}  // namespace

#endif
