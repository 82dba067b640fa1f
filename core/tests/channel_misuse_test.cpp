// Wrong use of a channel gets an answer: a value where the program can go on, a message with the place where it cannot.
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include <vector>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;

TEST(channel_misuse, nil_direct_send_stops_with_the_place) {
    const channel<int> nil;
    EXPECT_DEATH(nil.send(1), "misuse: a send to a nil channel would wait for ever .*channel_misuse_test.cpp");
    EXPECT_DEATH(gm::sender<int>().send(1), "nil channel .*channel_misuse_test.cpp");
}

TEST(channel_misuse, nil_direct_receive_stops_with_the_place) {
    const channel<int> nil;
    EXPECT_DEATH((void)nil.receive(),
                 "misuse: a receive from a nil channel would wait for ever .*channel_misuse_test.cpp");
    EXPECT_DEATH(
        {
            for (int each : nil) (void)each;
        },
        "a receive from a nil channel .*channel_misuse_test.cpp");
}

TEST(channel_misuse, nil_close_stops_with_the_place) {
    const channel<int> nil;
    EXPECT_DEATH(nil.close(), "misuse: close.. of a nil channel .*channel_misuse_test.cpp");
}

TEST(channel_misuse, nil_batch_without_a_limit_stops) {
    const channel<int> nil;
    std::vector<int> values{1};
    EXPECT_DEATH((void)nil.send_all(values), "a send to a nil channel");
    EXPECT_DEATH(nil.receive_some(values, 3), "a receive from a nil channel");
}

TEST(channel_misuse, nil_with_a_limit_waits_for_the_limit) {
    const channel<int> nil;
    const auto start = gm::now();
    EXPECT_EQ(nil.receive(10ms).error(), channel_status::timed_out);
    EXPECT_EQ(nil.send(1, 10ms).status(), channel_status::timed_out);
    EXPECT_GE(gm::now() - start, 20ms);
    const gm::context_source source;
    source.cancel();
    EXPECT_EQ(nil.receive(source).error(), channel_status::cancelled);
    EXPECT_EQ(nil.send(1, source).status(), channel_status::cancelled);
}

// B10: these were misuse where the single operations wait.
TEST(channel_misuse, nil_batch_with_a_limit_waits_for_the_limit) {
    const channel<int> nil;
    std::vector<int> values{1, 2};
    EXPECT_EQ(nil.send_all(values, 5ms), 0u);
    EXPECT_EQ(nil.receive_some(values, 3, 5ms), 0u);
    EXPECT_EQ(values.size(), 2u);
}

TEST(channel_misuse, nil_is_empty_and_never_ready) {
    const channel<int> nil;
    EXPECT_FALSE(nil);
    EXPECT_EQ(nil.size(), 0u);
    EXPECT_EQ(nil.capacity(), 0u);
    EXPECT_FALSE(nil.closed());
    EXPECT_EQ(nil.try_send(1), channel_status::would_block);
    EXPECT_EQ(nil.try_receive().error(), channel_status::would_block);
}

TEST(channel_misuse, capacity_beyond_the_limit_stops) {
    EXPECT_DEATH(channel<int>(static_cast<std::size_t>(-1)), "capacity is at most 2.32 - 2.*channel_misuse_test.cpp");
    EXPECT_DEATH(channel<char>(std::size_t{1} << 32), "capacity is at most");
}

TEST(channel_misuse, ignored_failed_send_stops_with_the_place) {
    const channel<int> numbers(1);
    numbers.close();
    EXPECT_DEATH(numbers.send(1),
                 "a value was sent to a closed channel and the result ignored .*channel_misuse_test.cpp");
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> blocks(channel<int> numbers) {
    (void)numbers.receive();  // would have to park this worker
    co_return;
}

void block_on_a_worker() {
    gm::scheduler pool({.threads = 1});
    pool.block_on(blocks(channel<int>(0)));
}

TEST(channel_misuse, blocking_wait_on_a_scheduler_thread_stops_with_the_place) {
    EXPECT_DEATH(block_on_a_worker(), "a blocking wait on a thread of a scheduler.*channel_misuse_test.cpp");
}

gm::task<int> takes_what_is_there(channel<int> numbers) {
    co_return numbers.receive().value();  // nothing to wait for: allowed
}

TEST(channel_misuse, blocking_call_on_a_scheduler_thread_that_need_not_wait_is_fine) {
    gm::scheduler pool({.threads = 1});
    const channel<int> numbers(1);
    numbers.send(7);
    EXPECT_EQ(pool.block_on(takes_what_is_there(numbers)), 7);
}

gm::task<> waits_on_nil(channel<int> nil, gm::context ctx) {
    EXPECT_EQ((co_await nil.async_receive(ctx)).error(), channel_status::cancelled);
    EXPECT_EQ((co_await nil.async_send(1, gm::until(5ms))).status(), channel_status::timed_out);
    EXPECT_EQ((co_await nil.async_receive(gm::until(5ms))).error(), channel_status::timed_out);
    std::vector<int> values{1};
    EXPECT_EQ(co_await nil.async_send_all(values, ctx), 0u);
}

TEST(channel_misuse, nil_awaited_with_a_limit_waits_for_the_limit) {
    gm::scheduler pool({.threads = 1});
    const gm::context_source source({}, 10ms);
    pool.block_on(waits_on_nil({}, source.get()));
}

gm::task<> awaits_nil(channel<int> nil) { (void)co_await nil.async_receive(); }

TEST(channel_misuse, nil_awaited_without_a_limit_stops) {
    EXPECT_DEATH(
        {
            gm::scheduler pool({.threads = 1});
            pool.block_on(awaits_nil({}));
        },
        "a receive from a nil channel would wait for ever .*channel_misuse_test.cpp");
}

#endif

}  // namespace
