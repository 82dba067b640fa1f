// Threads and coroutines on the same channels, with cancels, deadlines, closes and schedulers that end, all at random.
// Every value is accounted for: what was sent is what was received, left inside, or reported as destroyed unseen.
// A send that failed still has its value; nothing arrives twice.
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/select.hpp>

#include <atomic>
#include <chrono>
#include <memory>
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
using gm::test::random_source;

// What all workers of one round share.
struct ledger {
    std::atomic<int> sent = 0, received = 0, next = 0;
    std::vector<std::atomic<std::uint8_t>> seen = std::vector<std::atomic<std::uint8_t>>(1 << 16);

    counted fresh() { return counted(next++ & 0xffff); }
    void note_sent(channel_status status, const counted& argument) {
        if (status == channel_status::ok)
            ++sent;
        else
            EXPECT_TRUE(argument.intact()) << gm::to_string(status);
    }
    void note_received(const counted& value) {
        ++received;
        EXPECT_EQ(seen[static_cast<std::size_t>(value.value())]++, 0) << value.value() << " came twice";
    }
};

gm::until some_limit(random_source& dice, const gm::context& ctx) {
    switch (dice.below(5)) {
        case 0: return gm::until(std::chrono::microseconds(dice.below(200)));
        case 1: return gm::until(ctx);
        case 2: return gm::until(ctx, std::chrono::microseconds(dice.below(200)));
        case 3: return gm::until(-1s);
        default: return gm::until(ctx, 1h);
    }
}

void thread_works(ledger& books, const std::vector<channel<counted>>& channels, const gm::context& ctx,
                  std::uint64_t seed, int steps) {
    random_source dice(seed);
    for (int i = 0; i < steps; ++i) {
        const channel<counted>& one = channels[dice.below(channels.size())];
        const channel<counted>& two = channels[dice.below(channels.size())];
        counted mine = books.fresh();
        switch (dice.below(6)) {
            case 0: {
                const channel_status status = one.try_send(std::move(mine));
                books.note_sent(status, mine);
                break;
            }
            case 1: {
                const channel_status status = one.send(std::move(mine), some_limit(dice, ctx)).status();
                books.note_sent(status, mine);
                break;
            }
            case 2:
                if (auto got = one.try_receive()) books.note_received(*got);
                break;
            case 3:
                if (auto got = one.receive(some_limit(dice, ctx))) books.note_received(*got);
                break;
            case 4: {
                std::vector<counted> got;
                one.receive_some(got, 5, some_limit(dice, ctx));
                for (const counted& each : got) books.note_received(each);
                break;
            }
            default: {
                channel_status sending = channel_status::would_block;
                auto take = [&](std::optional<counted> got) {
                    if (got) books.note_received(*got);
                };
                static_cast<void>(
                    gm::select(gm::on(one, gm::send(std::move(mine)), [&](channel_status status) { sending = status; }),
                               gm::on(two, take), gm::after(100us, [] {})));
                books.note_sent(sending, mine);
            }
        }
    }
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> task_works(ledger& books, const std::vector<channel<counted>>& channels, gm::context ctx, std::uint64_t seed,
                      int steps) {
    random_source dice(seed);
    for (int i = 0; i < steps; ++i) {
        const channel<counted>& one = channels[dice.below(channels.size())];
        const channel<counted>& two = channels[dice.below(channels.size())];
        counted mine = books.fresh();
        switch (dice.below(5)) {
            case 0: {
                const channel_status status =
                    (co_await one.async_send(std::move(mine), some_limit(dice, ctx))).status();
                books.note_sent(status, mine);
                break;
            }
            case 1: {
                const channel_status status = (co_await one.async_send(std::move(mine), ctx)).status();
                books.note_sent(status, mine);
                break;
            }
            case 2:
                if (auto got = co_await one.async_receive(some_limit(dice, ctx))) books.note_received(*got);
                break;
            case 3:
                if (auto got = co_await one.async_receive(ctx)) books.note_received(*got);
                break;
            default: {
                channel_status sending = channel_status::would_block;
                auto take = [&](std::optional<counted> got) {
                    if (got) books.note_received(*got);
                };
                static_cast<void>(co_await gm::async_select(
                    gm::on(one, gm::send(std::move(mine)), [&](channel_status status) { sending = status; }),
                    gm::on(two, take), gm::after(100us, [] {})));
                books.note_sent(sending, mine);
            }
        }
    }
}

#endif

// One round. All stop by themselves once the context is cancelled, since every wait has an end.
void one_round(std::uint64_t seed, bool close) {
    random_source dice(seed);
    ledger books;
    std::vector<channel<counted>> channels;
    for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, std::size_t{dice.below(10)}})
        channels.emplace_back(capacity);
    channels.push_back(channel<counted>::unbounded());
    const gm::context_source source;
    constexpr int steps = 200;
    std::size_t unfinished = 0, destroyed = 0;
    {
#ifndef GRISTMILL_NO_COROUTINE_TESTS
        gm::scheduler crew({.threads = static_cast<unsigned>(1 + dice.below(2))});
        for (int i = 0; i < 6; ++i) crew.spawn(task_works(books, channels, source, dice.below(1u << 30), steps));
#endif
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back(
                [&, mine = dice.below(1u << 30)] { thread_works(books, channels, source, mine, steps); });
        std::this_thread::sleep_for(std::chrono::microseconds(dice.below(3000)));  // the end comes at random
        if (close)
            for (const auto& each : channels) each.close();
        source.cancel();
#ifndef GRISTMILL_NO_COROUTINE_TESTS
        const gm::shutdown_report report = crew.shutdown(std::chrono::milliseconds(dice.one_in(2) ? 10'000 : 0));
        unfinished = report.unfinished;
        destroyed = report.values_destroyed;
#endif
        threads.clear();
    }
    for (const auto& each : channels)
        while (auto got = each.try_receive()) books.note_received(*got);
    // A send that came true, in a task that was destroyed before it heard of it, is in no one's book: one each at most.
    const int arrived = books.received + static_cast<int>(destroyed);
    EXPECT_GE(arrived, books.sent);
    EXPECT_LE(arrived, books.sent + static_cast<int>(unfinished));
}

void rounds(bool close) {
    const census balance;
    const std::uint64_t seed = gm::test::seed();
    const auto end = std::chrono::steady_clock::now() + gm::test::stress_time();
    int round = 0;
    for (; std::chrono::steady_clock::now() < end && !::testing::Test::HasFailure(); ++round)
        one_round(seed + static_cast<std::uint64_t>(round), close);
    std::printf("%d rounds\n", round);
}

TEST(channel_stress, limits_cancels_and_shutdowns_account_for_every_value) { rounds(false); }
TEST(channel_stress, closes_cancels_and_shutdowns_account_for_every_value) { rounds(true); }

}  // namespace
