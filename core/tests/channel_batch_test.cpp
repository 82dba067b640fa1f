// Many at once: send_all and receive_some, from threads and from coroutines.
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include <list>
#include <memory>
#include <new>
#include <ranges>
#include <stdexcept>
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
using gm::test::fragile;

std::vector<counted> numbered(int count) {
    std::vector<counted> values;
    for (int i = 0; i < count; ++i) values.emplace_back(i);
    return values;
}

TEST(channel_batch, send_all_sends_in_order_past_a_full_channel) {
    const census balance;
    const channel<counted> numbers(3);
    std::jthread sender([&] {
        auto values = numbered(500);
        EXPECT_EQ(numbers.send_all(values), 500u);
        for (const counted& each : values) EXPECT_FALSE(each.intact());
        numbers.close();
    });
    int next = 0;
    for (const counted& each : numbers) EXPECT_EQ(each.value(), next++);
    EXPECT_EQ(next, 500);
}

TEST(channel_batch, send_all_stops_at_the_limit_and_leaves_the_rest_intact) {
    const census balance;
    const channel<counted> numbers(3);
    auto values = numbered(10);
    EXPECT_EQ(numbers.send_all(values, -1s), 3u);
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i].intact(), i >= 3);
}

TEST(channel_batch, send_all_ended_by_close_says_how_many_went) {
    const census balance;
    const channel<counted> numbers(3);
    auto values = numbered(10);
    std::jthread closer([&] {
        gm::test::until_senders_wait(numbers, 1);
        numbers.close();
    });
    EXPECT_EQ(numbers.send_all(values), 3u);
    EXPECT_TRUE(values[3].intact());
    EXPECT_EQ(numbers.send_all(values), 0u);
    EXPECT_EQ(numbers.size(), 3u);
}

TEST(channel_batch, send_all_with_a_done_context_tries_nothing) {
    const channel<counted> numbers(3);
    const gm::context_source source;
    source.cancel();
    auto values = numbered(2);
    EXPECT_EQ(numbers.send_all(values, source), 0u);
    EXPECT_EQ(numbers.size(), 0u);
}

TEST(channel_batch, send_all_of_nothing_is_nothing) {
    const channel<int> numbers(0);
    std::vector<int> none;
    EXPECT_EQ(numbers.send_all(none), 0u);
}

TEST(channel_batch, send_all_takes_any_range) {
    const channel<int> numbers(100);
    std::list<int> linked{1, 2, 3};
    int array[] = {4, 5};
    std::vector<int> more{6, 7, 8, 9};
    EXPECT_EQ(numbers.send_all(linked), 3u);
    EXPECT_EQ(numbers.send_all(array), 2u);
    EXPECT_EQ(numbers.send_all(more | std::views::filter([](int each) { return each % 2 == 1; })), 2u);
    for (const int expected : {1, 2, 3, 4, 5, 7, 9}) EXPECT_EQ(numbers.receive().value(), expected);
}

TEST(channel_batch, send_all_wakes_all_whom_it_serves) {
    const channel<int> numbers(0);
    std::atomic<int> sum = 0;
    std::vector<std::jthread> receivers;
    for (int i = 0; i < 3; ++i) receivers.emplace_back([&] { sum += numbers.receive().value(); });
    gm::test::until_receivers_wait(numbers, 3);
    std::vector<int> values{1, 2, 4};
    EXPECT_EQ(numbers.send_all(values), 3u);
    receivers.clear();
    EXPECT_EQ(sum, 7);
}

// B6: the range was stepped through under the channel's lock. Here it is the channel itself.
TEST(channel_batch, send_all_of_what_a_channel_gives_locks_nothing_meanwhile) {
    const channel<int> numbers(4);
    numbers.send(1);
    numbers.send(2);
    numbers.close();
    const channel<int> to(4);
    EXPECT_EQ(to.send_all(numbers), 2u);
    EXPECT_EQ(to.receive().value(), 1);
    EXPECT_EQ(to.receive().value(), 2);

    const channel<int> same(4);
    same.send(1);
    std::vector<int> values{5, 6};
    auto looks = values | std::views::filter([&](int) { return same.size() > 0; });  // would lock itself out
    EXPECT_EQ(same.send_all(looks), 2u);
}

// B6: whoever was served before the range threw was never woken.
TEST(channel_batch, range_that_throws_leaves_nobody_asleep) {
    const channel<int> numbers(0);
    std::atomic<int> got = 0;
    std::jthread receiver([&] { got = numbers.receive().value(); });
    gm::test::until_receivers_wait(numbers, 1);
    std::vector<int> values{7, 8, 9};
    int looks = 0;
    auto throws = values | std::views::transform([&](int& each) -> int& {
                      if (++looks == 3) throw std::runtime_error("mine");
                      return each;
                  });
    EXPECT_THROW((void)numbers.send_all(throws, 10ms), std::runtime_error);
    if (got == 0 && gm::test::waiting_receivers(numbers) == 1) numbers.send(7);  // it threw before the first went
    receiver.join();
    EXPECT_EQ(got, 7);
}

TEST(channel_batch, receive_some_takes_what_is_there_and_never_waits_for_more) {
    const census balance;
    const channel<counted> numbers(8);
    for (int i = 0; i < 5; ++i) numbers.send(counted(i));
    std::vector<counted> got;
    EXPECT_EQ(numbers.receive_some(got, 3), 3u);
    EXPECT_EQ(numbers.receive_some(got, 100), 2u);
    ASSERT_EQ(got.size(), 5u);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)].value(), i);
}

TEST(channel_batch, receive_some_waits_for_the_first) {
    const channel<int> numbers(4);
    std::vector<int> got;
    std::jthread sender([&] {
        gm::test::until_receivers_wait(numbers, 1);
        numbers.send(1);
    });
    EXPECT_EQ(numbers.receive_some(got, 10), 1u);
    EXPECT_EQ(got, std::vector<int>{1});
}

TEST(channel_batch, receive_some_ends_with_limit_close_and_zero) {
    const channel<int> numbers(4);
    std::vector<int> got;
    EXPECT_EQ(numbers.receive_some(got, 0), 0u);
    EXPECT_EQ(numbers.receive_some(got, 3, -1s), 0u);
    numbers.send(1);
    numbers.close();
    EXPECT_EQ(numbers.receive_some(got, 3), 1u);
    EXPECT_EQ(numbers.receive_some(got, 3), 0u);
}

// B13: at a rendezvous it took one more than the vector happened to have room for.
TEST(channel_batch, receive_some_takes_from_all_senders_that_wait) {
    const channel<int> numbers(0);
    std::vector<std::jthread> senders;
    for (int i = 0; i < 5; ++i) senders.emplace_back([&, i] { numbers.send(i); });
    gm::test::until_senders_wait(numbers, 5);
    std::vector<int> got;
    EXPECT_EQ(numbers.receive_some(got, 100), 5u);
}

// B13: each call grew the vector by as many as it got.
TEST(channel_batch, receive_some_fills_a_vector_in_amortised_constant_time) {
    const channel<int> numbers(1);
    std::vector<int> got;
    int moves = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::size_t before = got.capacity();
        numbers.send(i);
        numbers.receive_some(got, 1);
        moves += got.capacity() != before ? 1 : 0;
    }
    EXPECT_LT(moves, 40);
}

TEST(channel_batch, values_that_may_throw_travel_in_batches_too) {
    const census balance;
    const channel<fragile> numbers(8);
    std::vector<fragile> values, got;
    for (int i = 0; i < 5; ++i) values.emplace_back(i);
    EXPECT_EQ(numbers.send_all(values), 5u);
    EXPECT_EQ(numbers.receive_some(got, 100), 5u);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)].value(), i);
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> sends_batch(channel<counted> out) {
    auto values = numbered(500);
    EXPECT_EQ(co_await out.async_send_all(values), 500u);
    out.close();
}
gm::task<int> receives_batches(channel<counted> in) {
    std::vector<counted> got;
    while (co_await in.async_receive_some(got, 7) != 0) {
    }
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].value(), static_cast<int>(i));
    co_return static_cast<int>(got.size());
}

TEST(channel_batch, coroutines_send_and_receive_batches) {
    const census balance;
    for (const std::size_t capacity : {0u, 3u}) {
        gm::scheduler crew({.threads = 2});
        const channel<counted> numbers(capacity);
        crew.spawn(sends_batch(numbers));
        EXPECT_EQ(crew.block_on(receives_batches(numbers)), 500);
    }
}

gm::task<> cancels(const gm::context_source& source) {
    source.cancel();
    co_return;
}

// On one thread, the other task runs when this one waits.
gm::task<> is_cancelled(gm::scheduler& crew, channel<counted> numbers, const gm::context_source& source) {
    const gm::context ctx = source.get();
    auto values = numbered(10);
    crew.spawn(cancels(source));
    EXPECT_EQ(co_await numbers.async_send_all(values, ctx), 3u);
    EXPECT_TRUE(values[3].intact());
    std::vector<counted> got;
    EXPECT_EQ(co_await numbers.async_receive_some(got, 10, ctx), 0u);
}

TEST(channel_batch, cancel_ends_an_awaited_batch_with_the_rest_intact) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(3);
    const gm::context_source source;
    crew.block_on(is_cancelled(crew, numbers, source));
}

#endif

}  // namespace
