// Selects against selects: sends and receives mixed, the same channel twice, two selects that meet on a rendezvous, closed
// in between. Every value is accounted for.
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/counted.hpp"
#include "support/seed.hpp"

namespace {

using namespace std::chrono_literals;
using gm::channel;
using gm::channel_status;
using gm::test::census;
using gm::test::counted;

struct totals {
    std::atomic<long> sent = 0, received = 0, sum_sent = 0, sum_received = 0;
    void take(const std::optional<counted>& got) {
        if (!got) return;
        ++received;
        sum_received += got->value();
    }
    void give(channel_status status, int value) {
        if (status != channel_status::ok) return;
        ++sent;
        sum_sent += value;
    }
};

// Sends on both, receives from both: whoever does the same may be met. False: closed.
bool thread_step(const channel<counted>& one, const channel<counted>& two, int value, totals& all) {
    counted first(value), second(value);
    bool over = false;
    auto take = [&](std::optional<counted> got) {
        over = !got;
        all.take(got);
    };
    auto give = [&](channel_status status) {
        over = status == channel_status::closed;
        all.give(status, value);
    };
    const auto result = gm::select(gm::on(one, gm::send(std::move(first)), give), gm::on(two, take), gm::on(one, take),
                                   gm::on(two, gm::send(std::move(second)), give));
    EXPECT_EQ(first.intact(), result.index != 0 || over);
    EXPECT_EQ(second.intact(), result.index != 3 || over);
    return !over;
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS
gm::task<> task_steps(channel<counted> one, channel<counted> two, totals& all) {
    bool over = false;
    auto take = [&](std::optional<counted> got) {
        over = !got;
        all.take(got);
    };
    for (int value = 0; !over; ++value) {
        counted first(value), second(value);
        auto give = [&](channel_status status) {
            over = status == channel_status::closed;
            all.give(status, value);
        };
        const auto result =
            co_await gm::async_select(gm::on(one, gm::send(std::move(first)), give), gm::on(two, take),
                                      gm::on(one, take), gm::on(two, gm::send(std::move(second)), give));
        EXPECT_EQ(first.intact(), result.index != 0 || over);
        EXPECT_EQ(second.intact(), result.index != 3 || over);
    }
}
#endif

void meet(std::size_t capacity) {
    const census balance;
    gm::test::random_source dice(gm::test::seed());
    const auto end = std::chrono::steady_clock::now() + gm::test::stress_time();
    long met = 0;
    while (std::chrono::steady_clock::now() < end && !::testing::Test::HasFailure()) {
        totals all;
        const channel<counted> one(capacity), two(capacity);
        {
#ifndef GRISTMILL_NO_COROUTINE_TESTS
            gm::scheduler crew({.threads = 2});
            for (int i = 0; i < 4; ++i) crew.spawn(i % 2 == 0 ? task_steps(one, two, all) : task_steps(two, one, all));
#endif
            std::vector<std::jthread> threads;
            for (int i = 0; i < 2; ++i)
                threads.emplace_back([&, i] {
                    for (int value = 0; thread_step(i == 0 ? one : two, i == 0 ? two : one, value, all); ++value) {
                    }
                });
            std::this_thread::sleep_for(std::chrono::milliseconds(1 + dice.below(20)));  // the end comes at random
            one.close();
            two.close();
            threads.clear();
#ifndef GRISTMILL_NO_COROUTINE_TESTS
            EXPECT_TRUE(crew.shutdown(1min));
#endif
        }
        for (const auto& each : {one, two})
            while (auto got = each.try_receive()) all.take(std::move(got).to_optional());
        EXPECT_EQ(all.sent, all.received);
        EXPECT_EQ(all.sum_sent, all.sum_received);
        met += all.received;
    }
    EXPECT_GT(met, 0);
    std::printf("%ld values\n", met);
}

TEST(select_stress, selects_that_meet_on_a_rendezvous_account_for_every_value) { meet(0); }
TEST(select_stress, selects_over_buffers_account_for_every_value) { meet(2); }

}  // namespace
