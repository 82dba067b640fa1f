// The channel from threads: order, capacity, waiting, deadlines, contexts, closing, ends, values that only move.
#include <gristmill/channel.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <string>
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

TEST(channel, bounded_holds_capacity_and_refuses_one_more) {
    const channel<int> numbers(3);
    EXPECT_EQ(numbers.capacity(), 3u);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers.try_send(i), channel_status::ok);
    EXPECT_EQ(numbers.size(), 3u);
    EXPECT_EQ(numbers.try_send(3), channel_status::would_block);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers.try_receive().value(), i);
    EXPECT_EQ(numbers.try_receive().error(), channel_status::would_block);
}

TEST(channel, ring_wraps_many_times_in_order) {
    const channel<int> numbers(3);
    int next = 0;
    for (int i = 0; i < 1000; ++i) {
        ASSERT_EQ(numbers.try_send(i), channel_status::ok);
        if (i % 3 != 2) continue;
        while (auto got = numbers.try_receive()) EXPECT_EQ(*got, next++);
    }
}

TEST(channel, unbounded_grows_and_keeps_order) {
    const census balance;
    const auto numbers = channel<counted>::unbounded();
    for (int i = 0; i < 7; ++i) numbers.send(counted(-1));
    for (int i = 0; i < 7; ++i) EXPECT_TRUE(numbers.receive());  // the ring's head is in the middle when it grows
    for (int i = 0; i < 1000; ++i) numbers.send(counted(i));
    EXPECT_EQ(numbers.size(), 1000u);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(numbers.receive()->value(), i);
}

TEST(channel, rendezvous_passes_from_hand_to_hand) {
    const census balance;
    const channel<counted> hands(0);
    EXPECT_EQ(hands.try_send(counted(1)), channel_status::would_block);
    std::jthread sender([&] { hands.send(counted(7)); });
    EXPECT_EQ(hands.receive()->value(), 7);
    EXPECT_EQ(hands.size(), 0u);
}

TEST(channel, rendezvous_send_returns_only_after_the_value_was_taken) {
    const channel<int> hands(0);
    std::atomic<bool> returned = false;
    std::jthread sender([&] {
        hands.send(1);
        returned = true;
    });
    gm::test::until_senders_wait(hands, 1);
    EXPECT_FALSE(returned);
    EXPECT_EQ(hands.try_receive().value(), 1);
}

TEST(channel, values_of_one_producer_stay_in_order_past_waiting_senders) {
    const channel<int> numbers(2);
    std::jthread sender([&] {
        for (int i = 0; i < 1000; ++i) numbers.send(i);
    });
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(numbers.receive().value(), i);
}

TEST(channel, waiting_receivers_are_served_first_come_first_served) {
    const channel<int> numbers(0);
    std::array<int, 4> got{};
    std::vector<std::jthread> receivers;
    for (std::size_t i = 0; i < got.size(); ++i) {
        receivers.emplace_back([&, i] { got[i] = numbers.receive().value(); });
        gm::test::until_receivers_wait(numbers, i + 1);
    }
    for (int i = 0; i < 4; ++i) numbers.send(i);
    receivers.clear();
    EXPECT_EQ(got, (std::array<int, 4>{0, 1, 2, 3}));
}

TEST(channel, waiting_senders_are_served_first_come_first_served) {
    const channel<int> numbers(1);
    numbers.send(0);
    std::vector<std::jthread> senders;
    for (int i = 1; i < 5; ++i) {
        senders.emplace_back([&, i] { numbers.send(i); });
        gm::test::until_senders_wait(numbers, static_cast<std::size_t>(i));
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(numbers.receive().value(), i);
}

TEST(channel, full_channel_releases_one_sender_for_each_value_taken) {
    const channel<int> numbers(1);
    numbers.send(0);
    std::jthread first([&] { numbers.send(1); }), second([&] { numbers.send(2); });
    gm::test::until_senders_wait(numbers, 2);
    EXPECT_EQ(numbers.receive().value(), 0);
    EXPECT_EQ(gm::test::waiting_senders(numbers), 1u);
    EXPECT_EQ(numbers.size(), 1u);
    EXPECT_TRUE(numbers.receive());
    EXPECT_TRUE(numbers.receive());
}

// ---- closing ----

TEST(channel, close_says_who_closed_and_again_is_harmless) {
    const channel<int> numbers(1);
    EXPECT_FALSE(numbers.closed());
    EXPECT_TRUE(numbers.close());
    EXPECT_FALSE(numbers.close());
    EXPECT_TRUE(numbers.closed());
}

TEST(channel, close_by_many_threads_has_one_winner) {
    for (int round = 0; round < 50; ++round) {
        const channel<int> numbers(0);
        std::atomic<int> winners = 0;
        std::vector<std::jthread> closers;
        for (int i = 0; i < 4; ++i) closers.emplace_back([&] { winners += numbers.close() ? 1 : 0; });
        closers.clear();
        EXPECT_EQ(winners, 1);
    }
}

TEST(channel, close_wakes_every_waiting_receiver) {
    const channel<int> numbers(0);
    std::vector<std::jthread> receivers;
    for (int i = 0; i < 3; ++i)
        receivers.emplace_back([&] { EXPECT_EQ(numbers.receive().error(), channel_status::closed); });
    gm::test::until_receivers_wait(numbers, 3);
    EXPECT_TRUE(numbers.close());
}

TEST(channel, close_returns_waiting_senders_with_their_argument_intact) {
    const census balance;
    const channel<counted> numbers(0);
    std::vector<std::jthread> senders;
    for (int i = 0; i < 3; ++i)
        senders.emplace_back([&, i] {
            counted mine(i);
            EXPECT_EQ(numbers.send(std::move(mine)).status(), channel_status::closed);
            EXPECT_EQ(mine.value(), i);
        });
    gm::test::until_senders_wait(numbers, 3);
    EXPECT_TRUE(numbers.close());
}

TEST(channel, send_after_close_leaves_the_argument_intact) {
    const channel<std::unique_ptr<int>> pointers(1);
    pointers.close();
    auto mine = std::make_unique<int>(7);
    EXPECT_EQ(pointers.send(std::move(mine)).status(), channel_status::closed);
    ASSERT_TRUE(mine);
    EXPECT_EQ(pointers.try_send(std::move(mine)), channel_status::closed);
    EXPECT_EQ(*mine, 7);
}

TEST(channel, dropping_the_last_sender_does_not_close) {
    const channel<int> numbers(1);
    gm::receiver<int> out(numbers);
    {
        const gm::sender<int> in(numbers);
        in.send(1);
    }
    EXPECT_EQ(out.receive().value(), 1);
    EXPECT_EQ(out.try_receive().error(), channel_status::would_block);
    EXPECT_FALSE(out.closed());
}

TEST(channel, values_left_inside_are_destroyed_with_the_last_handle) {
    const census balance;
    channel<counted> numbers(4);
    for (int i = 0; i < 3; ++i) numbers.send(counted(i));
    const gm::receiver<counted> last(numbers);
    numbers = channel<counted>();
    EXPECT_EQ(last.size(), 3u);
}

TEST(channel, range_for_ends_when_closed_and_empty) {
    const channel<int> numbers(8);
    for (int i = 0; i < 5; ++i) numbers.send(i);
    numbers.close();
    int expected = 0;
    for (int number : numbers) EXPECT_EQ(number, expected++);
    EXPECT_EQ(expected, 5);
}

struct only_constructed {  // movable, but never assigned
    const int value;
    only_constructed(only_constructed&&) noexcept = default;
    explicit only_constructed(int number) noexcept : value(number) {}
};

// B7: the iterator assigned to an optional, which asked for more than a channel does.
TEST(channel, range_for_needs_no_assignment) {
    const channel<only_constructed> numbers(2);
    numbers.send(only_constructed(1));
    numbers.send(only_constructed(2));
    numbers.close();
    int sum = 0;
    for (const auto& each : numbers) sum += each.value;
    EXPECT_EQ(sum, 3);
}

TEST(channel, range_for_works_on_a_receiver_and_moves_values_out) {
    const channel<std::unique_ptr<int>> pointers(2);
    pointers.send(std::make_unique<int>(1));
    pointers.send(std::make_unique<int>(2));
    pointers.close();
    std::vector<std::unique_ptr<int>> kept;
    const gm::receiver<std::unique_ptr<int>> out(pointers);
    for (auto& each : out) kept.push_back(std::move(each));
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(*kept[1], 2);
}

// ---- arguments ----

TEST(channel, const_argument_is_copied_and_stays) {
    const channel<std::string> words(2);
    const std::string word = "a word that is too long to be stored inline";
    words.send(word);
    EXPECT_EQ(words.try_send(word), channel_status::ok);
    EXPECT_EQ(word.size(), 43u);
    EXPECT_EQ(words.receive().value(), word);
}

TEST(channel, rvalue_argument_is_moved_once_only_when_sent) {
    const census balance;
    const channel<counted> numbers(1);
    counted mine(1), second(2);
    EXPECT_EQ(numbers.try_send(std::move(mine)), channel_status::ok);
    EXPECT_FALSE(mine.intact());
    EXPECT_EQ(numbers.try_send(std::move(second)), channel_status::would_block);
    EXPECT_TRUE(second.intact());
}

TEST(channel, moves_cost_two_through_the_ring_and_two_from_hand_to_hand) {
    struct traveller {
        int moves = 0;
        traveller() = default;
        traveller(traveller&& other) noexcept : moves(other.moves + 1) {}
    };
    const channel<traveller> road(1);
    road.send(traveller());
    EXPECT_LE(road.receive()->moves, 3);  // in, out, into the result
}

// ---- limits ----

TEST(channel, past_deadline_tries_exactly_once) {
    const channel<int> numbers(1);
    EXPECT_EQ(numbers.receive(gm::now() - 1s).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.send(1, gm::now() - 1s).status(), channel_status::ok);
    EXPECT_EQ(numbers.send(2, gm::now() - 1s).status(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(gm::now() - 1s).value(), 1);
}

TEST(channel, negative_and_zero_timeouts_try_exactly_once) {
    const channel<int> numbers(1);
    EXPECT_EQ(numbers.receive(-5ms).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.send(1, 0s).status(), channel_status::ok);
    EXPECT_EQ(numbers.send(2, -1h).status(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(0ns).value(), 1);
    EXPECT_EQ(gm::test::waiting_receivers(numbers) + gm::test::waiting_senders(numbers), 0u);
}

// B14: the smallest values of wide units overflowed on their way to nanoseconds.
TEST(channel, timeouts_at_the_ends_of_their_types_are_no_overflow) {
    const channel<int> numbers(1);
    EXPECT_EQ(numbers.receive(std::chrono::hours::min()).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(std::chrono::milliseconds::min()).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(std::chrono::duration<double>(-1e300)).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(gm::time_point::min()).error(), channel_status::timed_out);
    numbers.send(1, std::chrono::hours::max());
    EXPECT_TRUE(numbers.receive(std::chrono::duration<double>(1e300)));
    numbers.send(2, gm::time_point::max());
    EXPECT_TRUE(numbers.receive(std::chrono::nanoseconds::max()));
}

TEST(channel, timeout_ends_a_wait_and_nobody_is_left_in_the_queue) {
    const census balance;
    const channel<counted> numbers(0);
    counted mine(1);
    const auto start = gm::now();
    EXPECT_EQ(numbers.send(std::move(mine), 10ms).status(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive(10ms).error(), channel_status::timed_out);
    EXPECT_GE(gm::now() - start, 20ms);
    EXPECT_EQ(mine.value(), 1);
    EXPECT_EQ(gm::test::waiting_receivers(numbers) + gm::test::waiting_senders(numbers), 0u);
}

TEST(channel, deadline_that_does_not_come_changes_nothing) {
    const channel<int> numbers(0);
    std::jthread sender([&] { numbers.send(1, 1h); });
    EXPECT_EQ(numbers.receive(1h).value(), 1);
}

TEST(channel, context_done_before_tries_nothing) {
    const census balance;
    const channel<counted> numbers(2);
    numbers.send(counted(1));
    const gm::context_source source;
    source.cancel();
    counted mine(2);
    EXPECT_EQ(numbers.send(std::move(mine), source).status(), channel_status::cancelled);
    EXPECT_TRUE(mine.intact());
    EXPECT_EQ(numbers.receive(source).error(), channel_status::cancelled);
    EXPECT_EQ(numbers.size(), 1u);
}

TEST(channel, cancel_ends_a_wait_and_leaves_the_argument_intact) {
    const census balance;
    const channel<counted> numbers(0);
    const gm::context_source source;
    std::jthread sender([&] {
        counted mine(1);
        EXPECT_EQ(numbers.send(std::move(mine), source).status(), channel_status::cancelled);
        EXPECT_TRUE(mine.intact());
    });
    gm::test::until_senders_wait(numbers, 1);
    source.cancel();
    sender.join();
    std::jthread receiver([&] { EXPECT_EQ(numbers.receive(source.get()).error(), channel_status::cancelled); });
    receiver.join();
    EXPECT_EQ(gm::test::waiting_senders(numbers), 0u);
}

TEST(channel, commit_before_cancel_wins) {
    const channel<int> numbers(0);
    const gm::context_source source;
    std::atomic<int> got = 0;
    std::jthread receiver([&] { got = numbers.receive(source).value(); });
    gm::test::until_receivers_wait(numbers, 1);
    EXPECT_EQ(numbers.try_send(7), channel_status::ok);  // committed now, whenever the other thread wakes up
    source.cancel();
    receiver.join();
    EXPECT_EQ(got, 7);
}

TEST(channel, commit_before_close_wins) {
    const channel<int> numbers(0);
    std::atomic<int> got = 0;
    std::jthread receiver([&] { got = numbers.receive().value(); });
    gm::test::until_receivers_wait(numbers, 1);
    EXPECT_EQ(numbers.try_send(7), channel_status::ok);
    numbers.close();
    receiver.join();
    EXPECT_EQ(got, 7);
}

TEST(channel, context_and_deadline_the_first_wins) {
    const channel<int> numbers(0);
    const gm::context_source source;
    EXPECT_EQ(numbers.receive({source.get(), 5ms}).error(), channel_status::timed_out);
    EXPECT_EQ(numbers.receive({source.get(), gm::now() - 1s}).error(), channel_status::timed_out);
    std::jthread receiver([&] { EXPECT_EQ(numbers.receive({source.get(), 1h}).error(), channel_status::cancelled); });
    gm::test::until_receivers_wait(numbers, 1);
    source.cancel();
}

TEST(channel, waiters_that_gave_up_do_not_take_values) {
    const channel<int> numbers(0);
    const gm::context_source source;
    std::jthread gives_up([&] { EXPECT_EQ(numbers.receive(source).error(), channel_status::cancelled); });
    gm::test::until_receivers_wait(numbers, 1);
    std::jthread stays([&] { EXPECT_EQ(numbers.receive().value(), 1); });
    gm::test::until_receivers_wait(numbers, 2);
    source.cancel();
    numbers.send(1);
}

// ---- handles ----

TEST(channel, ends_are_made_from_a_channel_and_share_it) {
    const channel<int> numbers(1);
    const gm::sender<int> in = numbers;
    const gm::receiver<int> out = numbers;
    EXPECT_TRUE(in.shared() == out.shared());
    in.send(1);
    EXPECT_EQ(out.receive().value(), 1);
    EXPECT_TRUE(in.close());
    EXPECT_TRUE(out.closed());
}

TEST(channel, handles_copy_move_and_compare_like_pointers) {
    channel<int> one(1), two(1);
    channel<int> same = one;
    EXPECT_TRUE(one == same);
    EXPECT_FALSE(one == two);
    channel<int> moved = std::move(same);
    EXPECT_TRUE(moved == one);
    EXPECT_FALSE(same);  // NOLINT: a handle that was moved away is nil
    const channel<int>& itself = moved;
    moved = itself;  // harmless
    EXPECT_TRUE(moved == one);
}

TEST(channel, channel_of_channels_answers_a_request) {
    const channel<channel<int>> requests(0);
    std::jthread server([&] {
        for (auto& reply : requests) reply.send(42);
    });
    const channel<int> reply(1);
    requests.send(reply);
    EXPECT_EQ(reply.receive().value(), 42);
    requests.close();
}

TEST(channel, largest_capacity_is_documented_and_refused_beyond) {
    EXPECT_EQ(gm::detail::channel_base::unbounded - 1, 4294967294u);
}

TEST(channel, status_has_a_name) {
    EXPECT_STREQ(gm::to_string(channel_status::ok), "ok");
    EXPECT_STREQ(gm::to_string(channel_status::closed), "closed");
    EXPECT_STREQ(gm::to_string(channel_status::would_block), "would block");
    EXPECT_STREQ(gm::to_string(channel_status::timed_out), "timed out");
    EXPECT_STREQ(gm::to_string(channel_status::cancelled), "cancelled");
}

}  // namespace
