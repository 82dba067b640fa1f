// The channel from coroutines, alone and mixed with threads; cancelling many of them; what becomes of those that wait
// when their scheduler goes.
#ifndef GRISTMILL_NO_COROUTINE_TESTS

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include <atomic>
#include <chrono>
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

gm::task<> sends_numbers(channel<counted> out, int count) {
    for (int i = 0; i < count; ++i) co_await out.async_send(counted(i));
    out.close();
}
gm::task<int> counts_in_order(channel<counted> in) {
    int next = 0;
    while (auto got = co_await in.async_receive()) {
        EXPECT_EQ(got->value(), next);
        ++next;
    }
    co_return next;
}

void pass_between_coroutines(std::size_t capacity, unsigned threads) {
    const census balance;
    gm::scheduler crew({.threads = threads});
    const channel<counted> numbers(capacity);
    crew.spawn(sends_numbers(numbers, 3000));
    EXPECT_EQ(crew.block_on(counts_in_order(numbers)), 3000);
    EXPECT_TRUE(crew.shutdown(10s));
}

TEST(channel_async, coroutines_pass_values_in_order) {
    for (const std::size_t capacity : {0u, 1u, 100u})
        for (const unsigned threads : {1u, 2u}) pass_between_coroutines(capacity, threads);
}

TEST(channel_async, thread_sends_and_coroutine_receives) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(0);
    std::jthread sender([&] {
        for (int i = 0; i < 500; ++i) numbers.send(counted(i));
        numbers.close();
    });
    EXPECT_EQ(crew.block_on(counts_in_order(numbers)), 500);
}

TEST(channel_async, coroutine_sends_and_thread_receives) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(0);
    crew.spawn(sends_numbers(numbers, 500));
    int next = 0;
    for (const counted& got : numbers) EXPECT_EQ(got.value(), next++);
    EXPECT_EQ(next, 500);
}

gm::task<> receives_into(channel<int> in, std::vector<int>& log, int who) {
    if (co_await in.async_receive()) log.push_back(who);
}

TEST(channel_async, waiting_coroutines_are_served_first_come_first_served) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    std::vector<int> log;  // the scheduler's one thread writes it
    for (int i = 0; i < 10; ++i) {
        crew.spawn(receives_into(numbers, log, i));
        gm::test::until_receivers_wait(numbers, static_cast<std::size_t>(i + 1));
    }
    for (int i = 0; i < 10; ++i) numbers.send(i);
    EXPECT_TRUE(crew.shutdown(10s));
    EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

// ---- limits ----

gm::task<> tries_with_done_context(channel<counted> numbers, gm::context ctx) {
    counted mine(2);
    EXPECT_EQ((co_await numbers.async_send(std::move(mine), ctx)).status(), channel_status::cancelled);
    EXPECT_TRUE(mine.intact());
    EXPECT_EQ((co_await numbers.async_receive(ctx)).error(), channel_status::cancelled);
    EXPECT_EQ((co_await numbers.async_receive(gm::until(ctx, 1h))).error(), channel_status::cancelled);
}

TEST(channel_async, context_done_before_tries_nothing) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(2);
    numbers.send(counted(1));
    const gm::context_source source;
    source.cancel();
    crew.block_on(tries_with_done_context(numbers, source));
    EXPECT_EQ(numbers.size(), 1u);
}

gm::task<> tries_with_past_deadline(channel<int> numbers) {
    EXPECT_EQ((co_await numbers.async_receive(gm::until(-1s))).error(), channel_status::timed_out);
    EXPECT_EQ((co_await numbers.async_send(1, gm::until(gm::now() - 1s))).status(), channel_status::ok);
    EXPECT_EQ((co_await numbers.async_send(2, gm::until(0s))).status(), channel_status::timed_out);
    EXPECT_EQ((co_await numbers.async_receive(gm::until(-1s))).value(), 1);
}

TEST(channel_async, past_deadline_tries_exactly_once) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(1);
    crew.block_on(tries_with_past_deadline(numbers));
    EXPECT_EQ(gm::test::waiting_receivers(numbers) + gm::test::waiting_senders(numbers), 0u);
}

gm::task<> waits_for_its_limits(channel<counted> numbers) {
    counted mine(1);
    EXPECT_EQ((co_await numbers.async_send(std::move(mine), gm::until(5ms))).status(), channel_status::timed_out);
    EXPECT_TRUE(mine.intact());
    const gm::context_source never;
    EXPECT_EQ((co_await numbers.async_receive(gm::until(never.get(), 5ms))).error(), channel_status::timed_out);
    const gm::context_source soon({}, 5ms);
    EXPECT_EQ((co_await numbers.async_send(std::move(mine), soon.get())).status(), channel_status::cancelled);
    EXPECT_TRUE(mine.intact());
    const counted constant(3);
    EXPECT_EQ((co_await numbers.async_send(constant, soon.get())).status(), channel_status::cancelled);
}

TEST(channel_async, deadline_and_cancel_end_a_wait_and_leave_the_argument_intact) {
    const census balance;
    gm::scheduler crew({.threads = 2});
    const channel<counted> numbers(0);
    crew.block_on(waits_for_its_limits(numbers));
    EXPECT_EQ(gm::test::waiting_receivers(numbers) + gm::test::waiting_senders(numbers), 0u);
}

gm::task<> receives_with(channel<int> numbers, gm::context ctx, std::atomic<int>& got) {
    auto received = co_await numbers.async_receive(ctx);
    got = received ? *received : -1;
}

TEST(channel_async, commit_before_cancel_wins) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    const gm::context_source source;
    std::atomic<int> got = 0;
    crew.spawn(receives_with(numbers, source, got));
    gm::test::until_receivers_wait(numbers, 1);
    EXPECT_EQ(numbers.try_send(7), channel_status::ok);
    source.cancel();
    EXPECT_TRUE(crew.shutdown(10s));
    EXPECT_EQ(got, 7);
}

gm::task<> close_gives_it_back(channel<counted> numbers) {
    counted mine(5);
    EXPECT_EQ((co_await numbers.async_send(std::move(mine))).status(), channel_status::closed);
    EXPECT_EQ(mine.value(), 5);
}

TEST(channel_async, close_returns_a_waiting_sender_with_its_argument_intact) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(0);
    crew.spawn(close_gives_it_back(numbers));
    gm::test::until_senders_wait(numbers, 1);
    numbers.close();
    EXPECT_TRUE(crew.shutdown(10s));
}

gm::task<> alternates(channel<int> numbers, gm::context one, gm::context two) {
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ((co_await numbers.async_receive(i % 2 == 0 ? one : two)).value(), i);
        EXPECT_EQ((co_await numbers.async_receive()).value(), i);
    }
}

TEST(channel_async, one_task_may_wait_with_several_contexts_in_turn) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    const gm::context_source one, two;
    std::jthread sender([&] {
        for (int i = 0; i < 200; ++i) numbers.send(i / 2);
    });
    crew.block_on(alternates(numbers, one, two));
}

// ---- many waiters ----

// So many that a cost quadratic in their number would not come to its end: the time limit of the test would.
TEST(channel_async, cancelling_a_million_waiters_leaves_nobody) {
#if defined(GRISTMILL_SLOW_BUILD)
    constexpr int waiters = 100'000;
#else
    constexpr int waiters = 1'000'000;
#endif
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    const gm::context_source source;
    std::atomic<int> cancelled = 0;
    auto waits = [](channel<int> in, gm::context ctx, std::atomic<int>& ended) -> gm::task<> {
        if ((co_await in.async_receive(ctx)).error() == channel_status::cancelled) ++ended;
    };
    for (int i = 0; i < waiters; ++i) crew.spawn(waits(numbers, source, cancelled));
    gm::test::wait_until([&] {
        if (gm::test::waiting_receivers(numbers) == static_cast<std::size_t>(waiters)) return true;
        std::this_thread::sleep_for(10ms);  // a look is linear: not too many of them
        return false;
    });
    source.cancel();
    EXPECT_TRUE(crew.shutdown(1min));
    EXPECT_EQ(cancelled, waiters);
    EXPECT_EQ(gm::test::waiting_receivers(numbers), 0u);
}

TEST(channel_async, cancel_again_and_after_all_have_left_is_harmless) {
    gm::scheduler crew({.threads = 1});
    const channel<int> numbers(0);
    std::atomic<int> got = 0;
    const gm::context_source source;
    crew.spawn(receives_with(numbers, source, got));
    gm::test::until_receivers_wait(numbers, 1);
    EXPECT_TRUE(source.cancel());
    EXPECT_FALSE(source.cancel());
    EXPECT_TRUE(crew.shutdown(10s));
    EXPECT_EQ(got, -1);
}

// ---- the frame goes while it waits ----

gm::task<> receives_for_ever(channel<counted> in) {
    while (co_await in.async_receive()) {
    }
}
gm::task<> sends_for_ever(channel<counted> out) {
    for (int i = 0;; ++i) co_await out.async_send(counted(i));
}

TEST(channel_async, destroyed_waiter_withdraws_and_the_report_names_it) {
    const census balance;
    const channel<counted> in(0), out(0);
    gm::scheduler crew({.threads = 1});
    crew.spawn(receives_for_ever(in), "a receiver");
    crew.spawn(sends_for_ever(out), "a sender");
    gm::test::until_receivers_wait(in, 1);
    gm::test::until_senders_wait(out, 1);
    const gm::shutdown_report report = crew.shutdown(0ms);
    EXPECT_EQ(report.unfinished, 2u);
    EXPECT_EQ(report.names.size(), 2u);
    EXPECT_EQ(gm::test::waiting_receivers(in), 0u);
    EXPECT_EQ(gm::test::waiting_senders(out), 0u);
    EXPECT_EQ(in.try_send(counted(1)), channel_status::would_block);
    EXPECT_EQ(out.try_receive().error(), channel_status::would_block);
}

TEST(channel_async, destroyed_waiter_with_each_kind_of_limit_withdraws) {
    const census balance;
    const channel<counted> in(0);
    const gm::context_source source;
    gm::scheduler crew({.threads = 1});
    auto with = [](channel<counted> from, gm::until limit) -> gm::task<> { (void)co_await from.async_receive(limit); };
    auto with_context = [](channel<counted> from, gm::context ctx) -> gm::task<> {
        (void)co_await from.async_receive(ctx);
    };
    crew.spawn(with(in, gm::until(1h)));
    crew.spawn(with(in, gm::until(source.get(), 1h)));
    crew.spawn(with_context(in, source));
    gm::test::until_receivers_wait(in, 3);
    EXPECT_EQ(crew.shutdown(0ms).unfinished, 3u);
    EXPECT_EQ(gm::test::waiting_receivers(in), 0u);
    source.cancel();  // finds nobody
}

// B5: a receive that was done at once, in a coroutine that then had to let others run, and was destroyed before it
// looked. The value in its place was neither destroyed nor counted.
TEST(channel_async, value_of_a_coroutine_that_gave_way_and_was_destroyed_is_destroyed_and_counted) {
    const census balance;
    std::size_t destroyed = 0;
    for (int round = 0; round < 200 && destroyed == 0; ++round) {
        const auto numbers = channel<counted>::unbounded();
        for (int i = 0; i < 100'000; ++i) numbers.send(counted(i));
        gm::scheduler crew({.threads = 1});
        for (int i = 0; i < 8; ++i) crew.spawn(receives_for_ever(numbers));
        gm::test::wait_until([&] { return numbers.size() < 100'000; });
        destroyed += crew.shutdown(0ms).values_destroyed;
    }
    EXPECT_GT(destroyed, 0u);
}

// B12: the thread in block_on() waited for ever.
TEST(channel_async, block_on_throws_cancelled_when_the_scheduler_is_shut_down) {
    const channel<counted> never(0);
    gm::scheduler crew({.threads = 1});
    std::jthread waiter([&] { EXPECT_THROW(crew.block_on(receives_for_ever(never)), gm::cancelled); });
    gm::test::until_receivers_wait(never, 1);
    EXPECT_EQ(crew.shutdown(0ms).unfinished, 1u);
}

// B14
TEST(channel_async, shutdown_with_the_longest_grace_is_no_overflow) {
    gm::scheduler crew({.threads = 1});
    EXPECT_TRUE(crew.shutdown(std::chrono::milliseconds::max()));
}

}  // namespace

#endif
