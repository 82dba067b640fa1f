// A coroutine type that is not ours awaits our operations, and goes on where its own executor says. What says nothing
// does not compile: tests/compile_fail/foreign_coroutines.cpp.
#ifndef GRISTMILL_NO_COROUTINE_TESTS

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/foreign.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;
using gm::test::census;
using gm::test::counted;
using gm::test::fiber;
using gm::test::foreign_executor;

fiber receives(foreign_executor& home, channel<counted> in, int& count) {
    while (auto got = co_await in.async_receive()) {
        EXPECT_TRUE(home.here());
        EXPECT_EQ(got->value(), count++);
    }
}

TEST(foreign_coroutine, resumes_on_its_own_executor_and_never_inside_the_sender) {
    const census balance;
    foreign_executor home;
    const channel<counted> numbers(0);
    int count = 0;
    std::jthread sender([&] {
        gm::test::until_receivers_wait(numbers, 1);
        for (int i = 0; i < 200; ++i) numbers.send(counted(i));
        numbers.close();
    });
    receives(home, numbers, count);
    home.run(1);
    EXPECT_EQ(count, 200);
}

fiber sends(foreign_executor& home, channel<counted> out, int count) {
    for (int i = 0; i < count; ++i) {
        co_await out.async_send(counted(i));
        EXPECT_TRUE(home.here() || i == 0);
    }
    out.close();
}
gm::task<int> counts(channel<counted> in) {
    int count = 0;
    while (auto got = co_await in.async_receive()) EXPECT_EQ(got->value(), count++);
    co_return count;
}

TEST(foreign_coroutine, passes_values_to_a_task_of_ours) {
    const census balance;
    foreign_executor home;
    gm::scheduler crew({.threads = 1});
    const channel<counted> numbers(1);
    std::jthread waiter([&] { EXPECT_EQ(crew.block_on(counts(numbers)), 300); });
    gm::test::until_receivers_wait(numbers, 1);
    sends(home, numbers, 300);
    home.run(1);
}

fiber waits_with_limits(foreign_executor& home, channel<counted> numbers, gm::context ctx) {
    counted mine(1);
    EXPECT_EQ((co_await numbers.async_receive(gm::until(2ms))).error(), channel_status::timed_out);
    EXPECT_EQ((co_await numbers.async_send(std::move(mine), gm::until(ctx, 1h))).status(), channel_status::cancelled);
    EXPECT_EQ((co_await numbers.async_receive(ctx)).error(), channel_status::cancelled);
    EXPECT_TRUE(mine.intact());
    EXPECT_TRUE(home.here());
}
fiber waits_with_context(foreign_executor& home, channel<counted> numbers, gm::context ctx) {
    EXPECT_EQ((co_await numbers.async_receive(ctx)).error(), channel_status::cancelled);
    EXPECT_TRUE(home.here());
}

TEST(foreign_coroutine, deadline_and_cancel_end_its_waits) {
    const census balance;
    foreign_executor home;
    const channel<counted> sending(0), receiving(0);
    const gm::context_source source;
    waits_with_limits(home, sending, source);
    waits_with_context(home, receiving, source);
    std::jthread canceller([&] {
        gm::test::until_senders_wait(sending, 1);
        source.cancel();
    });
    home.run(2);
    EXPECT_EQ(gm::test::waiting_receivers(receiving) + gm::test::waiting_senders(sending), 0u);
}

fiber selects(foreign_executor& home, channel<int> one, channel<int> two, int& sum) {
    bool open = true;
    while (open)
        static_cast<void>(co_await gm::async_select(gm::on(one, [&](int got) { sum += got; }),
                                                    gm::on(two, [&](std::optional<int> got) {
                                                        if (got)
                                                            sum += *got;
                                                        else
                                                            open = false;
                                                    })));
    EXPECT_TRUE(home.here());
}

TEST(foreign_coroutine, selects) {
    foreign_executor home;
    const channel<int> one(0), two(0);
    int sum = 0;
    selects(home, one, two, sum);
    std::jthread sender([&] {
        for (int i = 1; i <= 100; ++i) (i % 2 == 0 ? one : two).send(i);
        two.close();
    });
    home.run(1);
    EXPECT_EQ(sum, 5050);
}

}  // namespace

#endif
