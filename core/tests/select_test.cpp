// select: what fires, what retires, what is withdrawn; from threads and from coroutines.
#include <gristmill/select.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gristmill/scheduler.hpp>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;
using gm::on;
using gm::select;
using gm::test::census;
using gm::test::counted;

TEST(select, takes_the_case_that_is_ready) {
    const channel<int> one(1), two(1);
    two.send(7);
    int got = 0;
    const auto chosen = select(on(one, [&](int) { got = -1; }), on(two, [&](int value) { got = value; }));
    EXPECT_TRUE(chosen);
    EXPECT_EQ(chosen.index, 1u);
    EXPECT_EQ(got, 7);
}

TEST(select, is_random_among_the_ready) {
    const channel<int> one(2000), two(2000);
    for (int i = 0; i < 2000; ++i) {
        one.send(i);
        two.send(i);
    }
    std::array<int, 2> hits{};
    for (int i = 0; i < 2000; ++i) ++hits[select(on(one, [] {}), on(two, [] {})).index];
    EXPECT_GT(hits[0], 800);
    EXPECT_GT(hits[1], 800);
}

TEST(select, prefer_looks_in_order) {
    const channel<int> one(100), two(100);
    for (int i = 0; i < 100; ++i) {
        one.send(i);
        two.send(i);
    }
    for (int i = 0; i < 100; ++i) EXPECT_EQ(gm::prefer(on(one, [] {}), on(two, [] {})).index, 0u);
    EXPECT_EQ(gm::prefer(on(one, [](int) {}), on(two, [] {})).index, 1u);
}

TEST(select, waits_for_the_first_and_withdraws_the_others) {
    const channel<int> one(0), two(0), three(0);
    std::jthread sender([&] {
        gm::test::until_receivers_wait(three, 1);
        two.send(7);
    });
    int got = 0;
    EXPECT_EQ(select(on(one, [](int) {}), on(two, [&](int value) { got = value; }), on(three, [](int) {})).index, 1u);
    EXPECT_EQ(got, 7);
    for (const auto& each : {one, two, three}) EXPECT_EQ(gm::test::waiting_receivers(each), 0u);
}

TEST(select, send_case_moves_its_value_only_if_chosen) {
    const census balance;
    const channel<counted> full(0), ready(1);
    counted stays(1), goes(2);
    channel_status sent = channel_status::would_block;
    EXPECT_EQ(select(on(full, gm::send(std::move(stays)), [] {}),
                     on(ready, gm::send(std::move(goes)), [&](channel_status status) { sent = status; }))
                  .index,
              1u);
    EXPECT_EQ(sent, channel_status::ok);
    EXPECT_TRUE(stays.intact());
    EXPECT_FALSE(goes.intact());
    EXPECT_EQ(ready.receive()->value(), 2);
}

TEST(select, lvalue_of_a_send_case_is_copied) {
    const channel<int> numbers(1);
    const int seven = 7;
    EXPECT_TRUE(select(on(numbers, gm::send(seven), [] {})));
    EXPECT_EQ(numbers.receive().value(), 7);
}

TEST(select, otherwise_fires_when_nothing_is_ready) {
    const channel<int> empty(1);
    bool nothing = false;
    EXPECT_EQ(select(on(empty, [](int) {}), gm::otherwise([&] { nothing = true; })).index, 1u);
    EXPECT_TRUE(nothing);
    empty.send(1);
    EXPECT_EQ(select(on(empty, [](int) {}), gm::otherwise([] {})).index, 0u);
}

TEST(select, after_ends_the_wait_and_leaves_nobody) {
    const census balance;
    const channel<counted> empty(0), full(0);
    counted mine(1);
    const auto start = gm::now();
    EXPECT_EQ(
        select(on(empty, [](counted) {}), on(full, gm::send(std::move(mine)), [] {}), gm::after(5ms, [] {})).index, 2u);
    EXPECT_GE(gm::now() - start, 5ms);
    EXPECT_TRUE(mine.intact());
    EXPECT_EQ(gm::test::waiting_receivers(empty) + gm::test::waiting_senders(full), 0u);
}

TEST(select, past_deadline_tries_exactly_once) {
    const channel<int> numbers(1);
    EXPECT_EQ(select(on(numbers, [](int) {}), gm::after(-1s, [] {})).index, 1u);
    numbers.send(1);
    EXPECT_EQ(select(on(numbers, [](int) {}), gm::at(gm::now() - 1h, [] {})).index, 0u);
}

TEST(select, earliest_of_several_deadlines_counts) {
    const channel<int> empty(0);
    EXPECT_EQ(select(gm::after(1h, [] {}), on(empty, [](int) {}), gm::after(1ms, [] {})).index, 2u);
}

TEST(select, nil_cases_never_fire) {
    const channel<int> nil, ready(1);
    ready.send(7);
    EXPECT_EQ(select(on(nil, [](int) {}), on(nil, gm::send(1), [] {}), on(ready, [](int) {})).index, 2u);
    EXPECT_EQ(select(on(nil, [](int) {}), gm::after(1ms, [] {})).index, 1u);
}

TEST(select, all_nil_without_a_deadline_stops_with_the_place) {
    const channel<int> nil;
    EXPECT_DEATH(static_cast<void>(select(on(nil, [](int) {}))), "all nil, without a deadline.*select_test.cpp");
}

// ---- closed channels ----

TEST(select, optional_handler_hears_of_a_close) {
    const channel<int> numbers(1);
    numbers.close();
    bool empty = false;
    EXPECT_TRUE(select(on(numbers, [&](std::optional<int> got) { empty = !got; })));
    EXPECT_TRUE(empty);
}

TEST(select, value_handler_retires_and_the_select_is_closed_when_all_have) {
    const channel<int> one(1), two(1);
    one.close();
    two.send(7);
    EXPECT_EQ(select(on(one, [](int) {}), on(two, [](int) {})).index, 1u);
    two.close();
    const auto closed = select(on(one, [](int) {}), on(two, [](int) {}));
    EXPECT_FALSE(closed);
    EXPECT_EQ(closed.status, channel_status::closed);
}

TEST(select, value_handlers_retire_while_they_wait) {
    const channel<int> one(0), two(0);
    std::jthread closer([&] {
        gm::test::until_receivers_wait(two, 1);
        one.close();
        two.close();
    });
    EXPECT_EQ(select(on(one, [](int) {}), on(two, [](int) {})).status, channel_status::closed);
}

TEST(select, retired_case_leaves_the_others_waiting) {
    const channel<int> one(0), two(0);
    std::jthread closer([&] {
        gm::test::until_receivers_wait(two, 1);
        one.close();
        two.send(7);
    });
    EXPECT_EQ(select(on(one, [](int) {}), on(two, [](int) {})).index, 1u);
}

TEST(select, send_to_a_closed_channel_says_so_and_keeps_the_value) {
    const census balance;
    const channel<counted> closed(1);
    closed.close();
    counted mine(1);
    channel_status status = channel_status::ok;
    EXPECT_TRUE(select(on(closed, gm::send(std::move(mine)), [&](channel_status got) { status = got; })));
    EXPECT_EQ(status, channel_status::closed);
    EXPECT_TRUE(mine.intact());
    EXPECT_EQ(select(on(closed, gm::send(std::move(mine)), [] {})).status, channel_status::closed);
    EXPECT_TRUE(mine.intact());
}

TEST(select, close_wakes_one_that_waits_to_send) {
    const census balance;
    const channel<counted> full(0);
    std::jthread closer([&] {
        gm::test::until_senders_wait(full, 1);
        full.close();
    });
    counted mine(1);
    channel_status status = channel_status::ok;
    EXPECT_TRUE(select(on(full, gm::send(std::move(mine)), [&](channel_status got) { status = got; })));
    EXPECT_EQ(status, channel_status::closed);
    EXPECT_TRUE(mine.intact());
}

// ---- meeting ----

// In a peer, two selects on one rendezvous waited for each other for ever.
TEST(select, two_selects_meet_on_a_rendezvous) {
    const census balance;
    for (int round = 0; round < 300; ++round) {
        const channel<counted> one(0), two(0);
        std::atomic<int> got = 0;
        auto meet = [&](const channel<counted>& to, const channel<counted>& from) {
            static_cast<void>(
                select(on(to, gm::send(counted(1)), [] {}), on(from, [&](counted value) { got += value.value(); })));
        };
        std::jthread other([&] { meet(one, two); });
        meet(two, one);
        other.join();
        ASSERT_EQ(got, 1);
    }
}

TEST(select, same_channel_twice_is_one_channel) {
    const channel<int> numbers(0);
    std::jthread sender([&] { numbers.send(7); });
    int got = 0;
    EXPECT_TRUE(select(on(numbers, [&](int value) { got = value; }), on(numbers, [&](int value) { got = value; })));
    EXPECT_EQ(got, 7);
}

TEST(select, never_meets_itself) {
    const channel<int> numbers(0);
    bool met = false;
    EXPECT_EQ(select(on(numbers, gm::send(1), [&] { met = true; }), on(numbers, [&](int) { met = true; }),
                     gm::after(5ms, [] {}))
                  .index,
              2u);
    EXPECT_FALSE(met);
}

TEST(select, context_is_a_case) {
    const channel<int> empty(0);
    const gm::context_source source({}, 2ms);
    bool done = false;
    EXPECT_EQ(select(on(empty, [](int) {}), on(source.get().done(), [&] { done = true; })).index, 1u);
    EXPECT_TRUE(done);
}

TEST(select, what_a_handler_throws_leaves_the_select) {
    const census balance;
    const channel<counted> numbers(2);
    numbers.send(counted(1));
    numbers.send(counted(2));
    EXPECT_THROW(static_cast<void>(select(on(numbers, [](counted) { throw std::runtime_error("mine"); }))),
                 std::runtime_error);
    EXPECT_THROW(static_cast<void>(select(on(numbers, [](counted) { throw 7; }))), int);  // NOLINT: anything
    EXPECT_EQ(numbers.size(), 0u);
}

TEST(select, handler_may_use_the_same_channels) {
    const channel<int> numbers(1);
    numbers.send(1);
    EXPECT_TRUE(select(on(numbers, [&](int got) { numbers.send(got + 1); })));
    EXPECT_EQ(numbers.receive().value(), 2);
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<int> merges(channel<int> one, channel<int> two) {
    int sum = 0;
    while (co_await gm::async_select(on(one, [&](int got) { sum += got; }), on(two, [&](int got) { sum += got; }))) {
    }
    co_return sum;
}

TEST(select, awaited_merges_two_channels_until_both_are_closed) {
    for (const std::size_t capacity : {0u, 4u}) {
        gm::scheduler crew({.threads = 2});
        const channel<int> one(capacity), two(capacity);
        std::jthread first([&] {
            for (int i = 1; i <= 500; ++i) one.send(i);
            one.close();
        });
        std::jthread second([&] {
            for (int i = 1; i <= 500; ++i) two.send(i);
            two.close();
        });
        EXPECT_EQ(crew.block_on(merges(one, two)), 2 * 125'250);
    }
}

gm::task<> times_out(channel<counted> empty) {
    counted mine(1);
    EXPECT_EQ((co_await gm::async_select(on(empty, gm::send(std::move(mine)), [] {}), gm::after(3ms, [] {}))).index,
              1u);
    EXPECT_TRUE(mine.intact());
    EXPECT_EQ((co_await gm::async_prefer(on(empty, [](counted) {}), gm::otherwise([] {}))).index, 1u);
}

TEST(select, awaited_times_out_and_leaves_nobody) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    const channel<counted> empty(0);
    crew.block_on(times_out(empty));
    EXPECT_EQ(gm::test::waiting_receivers(empty) + gm::test::waiting_senders(empty), 0u);
}

gm::task<> waits(channel<counted> in, channel<counted> out) {
    static_cast<void>(
        co_await gm::async_select(on(in, [](counted) {}), on(out, gm::send(counted(1)), [] {}), gm::after(1h, [] {})));
}

TEST(select, destroyed_while_it_waits_withdraws_from_every_channel) {
    const census balance;
    const channel<counted> in(0), out(0);
    gm::scheduler crew({.threads = 1});
    crew.spawn(waits(in, out));
    gm::test::until_senders_wait(out, 1);
    EXPECT_EQ(crew.shutdown(0ms).unfinished, 1u);
    EXPECT_EQ(gm::test::waiting_receivers(in) + gm::test::waiting_senders(out), 0u);
}

gm::task<> blocks(channel<int> empty) {
    static_cast<void>(select(on(empty, [](int) {})));
    co_return;
}

void block_on_a_worker() {
    gm::scheduler crew({.threads = 1});
    crew.block_on(blocks(channel<int>(0)));
}

TEST(select, blocking_one_on_a_scheduler_thread_stops_with_the_place) {
    EXPECT_DEATH(block_on_a_worker(), "a blocking select on a thread of a scheduler.*select_test.cpp");
}

#endif

}  // namespace
