// What values may be: only movable, large, over-aligned, throwing when they are moved; and what happens when memory runs out.
#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/start.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <new>
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
using gm::test::broken;
using gm::test::census;
using gm::test::counted;
using gm::test::fragile;

// ---- a move that throws ----

// The fuse walks through every move that an exchange makes: wherever it throws, nothing leaks, nothing is there twice,
// and the channel goes on.
TEST(channel_value, throwing_move_anywhere_leaves_the_channel_sound) {
    for (int fuse = 0; fuse < 8; ++fuse) {
        const census balance;
        const channel<fragile> numbers(2);
        int sent = 0, received = 0;
        fragile::fuse = fuse;
        for (int i = 0; i < 3; ++i) {
            try {
                fragile mine(i);
                if (numbers.try_send(std::move(mine)) == channel_status::ok) ++sent;
            } catch (const broken&) {
            }
            try {
                if (numbers.try_receive()) ++received;
            } catch (const broken&) {
                ++received;  // that value is destroyed
            }
        }
        fragile::fuse = -1;
        while (numbers.try_receive()) ++received;
        EXPECT_EQ(sent, received) << "fuse " << fuse;
    }
}

TEST(channel_value, throw_while_sending_means_not_sent) {
    const census balance;
    const channel<fragile> numbers(1);
    fragile mine(7);
    fragile::fuse = 0;
    EXPECT_THROW(numbers.send(std::move(mine)), broken);
    EXPECT_EQ(numbers.size(), 0u);
    EXPECT_EQ(mine.value(), 7);  // the move did not happen
    const fragile constant(8);
    fragile::fuse = 0;
    EXPECT_THROW(numbers.send(constant), broken);
    EXPECT_EQ(numbers.size(), 0u);
    numbers.send(std::move(mine));
    EXPECT_EQ(numbers.receive()->value(), 7);
}

TEST(channel_value, throw_while_receiving_destroys_that_value_alone) {
    const census balance;
    const channel<fragile> numbers(2);
    numbers.send(fragile(1));
    numbers.send(fragile(2));
    fragile::fuse = 0;
    EXPECT_THROW((void)numbers.receive(), broken);
    EXPECT_EQ(numbers.receive()->value(), 2);
    EXPECT_EQ(numbers.try_receive().error(), channel_status::would_block);
}

TEST(channel_value, throwing_type_gets_its_argument_back_from_a_send_that_failed) {
    const census balance;
    const channel<fragile> numbers(0);
    fragile mine(7);
    EXPECT_EQ(numbers.try_send(std::move(mine)), channel_status::would_block);
    EXPECT_EQ(mine.value(), 7);
    EXPECT_EQ(numbers.send(std::move(mine), 1ms).status(), channel_status::timed_out);
    EXPECT_EQ(mine.value(), 7);
    numbers.close();
    EXPECT_EQ(numbers.send(std::move(mine)).status(), channel_status::closed);
    EXPECT_EQ(mine.value(), 7);
}

TEST(channel_value, throwing_type_is_handed_over_between_threads) {
    const census balance;
    const channel<fragile> numbers(0);
    std::jthread sender([&] {
        for (int i = 0; i < 100; ++i) numbers.send(fragile(i));
        numbers.close();
    });
    int next = 0;
    for (const fragile& each : numbers) EXPECT_EQ(each.value(), next++);
    EXPECT_EQ(next, 100);
}

// ---- out of memory ----

struct hungry {  // its allocator is told when to fail
    explicit hungry(int number) noexcept : inner(number) {}
    counted inner;
    static inline bool no_memory = false;
};
struct hungry_and_fragile : fragile {
    using fragile::fragile;
    static inline bool no_memory = false;
};

}  // namespace

// A specialisation for a type of the program's own: where the channel's ring comes from.
template <>
struct std::allocator<hungry> {
    using value_type = hungry;
    hungry* allocate(std::size_t count) {
        if (hungry::no_memory) throw std::bad_alloc();
        return static_cast<hungry*>(::operator new(count * sizeof(hungry)));
    }
    void deallocate(hungry* memory, std::size_t) noexcept { ::operator delete(memory); }
};
template <>
struct std::allocator<std::unique_ptr<hungry_and_fragile>> {
    using value_type = std::unique_ptr<hungry_and_fragile>;
    value_type* allocate(std::size_t count) {
        if (hungry_and_fragile::no_memory) throw std::bad_alloc();
        return static_cast<value_type*>(::operator new(count * sizeof(value_type)));
    }
    void deallocate(value_type* memory, std::size_t) noexcept { ::operator delete(memory); }
};

namespace {

TEST(channel_value, out_of_memory_in_an_unbounded_push_leaves_the_argument_and_the_channel_intact) {
    const census balance;
    const auto values = channel<hungry>::unbounded();
    int sent = 0;
    for (; sent < 16; ++sent) values.send(hungry(sent));
    hungry mine(sent);
    hungry::no_memory = true;
    EXPECT_THROW(values.send(std::move(mine)), std::bad_alloc);
    EXPECT_THROW((void)values.try_send(std::move(mine)), std::bad_alloc);
    EXPECT_THROW(values.send(std::move(mine), 1s), std::bad_alloc);
    hungry::no_memory = false;
    EXPECT_TRUE(mine.inner.intact());
    EXPECT_EQ(values.size(), 16u);
    values.send(std::move(mine));
    for (int i = 0; i < 17; ++i) EXPECT_EQ(values.receive()->inner.value(), i);
}

// The value stayed in its box.
TEST(channel_value, out_of_memory_gives_a_boxed_argument_back) {
    const census balance;
    const auto values = channel<hungry_and_fragile>::unbounded();
    hungry_and_fragile mine(7);
    hungry_and_fragile::no_memory = true;
    EXPECT_THROW(values.send(std::move(mine)), std::bad_alloc);
    EXPECT_EQ(mine.value(), 7);
    EXPECT_THROW((void)values.try_send(std::move(mine)), std::bad_alloc);
    hungry_and_fragile::no_memory = false;
    EXPECT_EQ(mine.value(), 7);
}

// Nobody is left in the context, where a cancel would find what is no more.
TEST(channel_value, out_of_memory_in_a_started_send_comes_out_of_the_start) {
    const census balance;
    const gm::context_source stop;
    const auto values = channel<hungry>::unbounded();
    hungry::no_memory = true;
    EXPECT_THROW((void)gm::start_send(values, hungry(7), stop, [](channel_status) { FAIL() << "it never began"; }),
                 std::bad_alloc);
    hungry::no_memory = false;
    stop.cancel();
    EXPECT_EQ(values.size(), 0u);
}

TEST(channel_value, out_of_memory_for_the_ring_is_an_exception_of_the_constructor) {
    hungry::no_memory = true;
    EXPECT_THROW(channel<hungry>(10), std::bad_alloc);
    hungry::no_memory = false;
}

TEST(channel_value, out_of_memory_in_the_middle_of_a_batch_wakes_those_who_were_served) {
    const census balance;
    const auto values = channel<hungry>::unbounded();
    std::atomic<int> got = -1;
    std::jthread receiver([&] { got = values.receive()->inner.value(); });
    gm::test::until_receivers_wait(values, 1);
    std::vector<hungry> batch;
    for (int i = 0; i < 3; ++i) batch.emplace_back(i);
    hungry::no_memory = true;
    EXPECT_THROW((void)values.send_all(batch), std::bad_alloc);
    hungry::no_memory = false;
    receiver.join();
    EXPECT_EQ(got, 0);
    EXPECT_FALSE(batch[0].inner.intact());
    EXPECT_TRUE(batch[1].inner.intact());
}

// ---- shapes ----

struct alignas(64) wide {
    std::uint64_t words[8];
    explicit wide(std::uint64_t each = 0) noexcept {
        for (auto& word : words) word = each;
    }
    bool aligned() const noexcept { return reinterpret_cast<std::uintptr_t>(this) % 64 == 0; }
};

TEST(channel_value, over_aligned_values_stay_aligned) {
    for (const std::size_t capacity : {0u, 3u}) {
        const channel<wide> values(capacity);
        std::jthread sender([&] {
            for (std::uint64_t i = 0; i < 10; ++i) values.send(wide(i));
        });
        for (std::uint64_t i = 0; i < 10; ++i) {
            const auto got = values.receive();
            EXPECT_TRUE(got->aligned());
            EXPECT_EQ(got->words[7], i);
        }
    }
    const auto many = channel<wide>::unbounded();
    for (std::uint64_t i = 0; i < 100; ++i) many.send(wide(i));
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(many.receive()->words[0], i);
}

TEST(channel_value, large_values_arrive_whole) {
    using block = std::array<std::uint32_t, 10'000>;
    const channel<block> values(2);
    auto mine = std::make_unique<block>();
    for (std::uint32_t i = 0; i < mine->size(); ++i) (*mine)[i] = i;
    values.send(*mine);
    const auto got = std::make_unique<gm::result<block, channel_status>>(values.receive());
    EXPECT_EQ(**got, *mine);
}

TEST(channel_value, move_only_and_empty_and_bool_values) {
    const channel<std::unique_ptr<std::string>> pointers(1);
    pointers.send(std::make_unique<std::string>("here"));
    EXPECT_EQ(**pointers.receive(), "here");
    const channel<gm::nothing> signals(1);
    signals.send({});
    EXPECT_TRUE(signals.receive());
    const channel<bool> flags(1);
    flags.send(false);
    EXPECT_EQ(flags.receive().value(), false);
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

gm::task<> exchanges_fragile(channel<fragile> numbers) {
    fragile mine(7);
    fragile::fuse = 0;
    EXPECT_THROW(co_await numbers.async_send(std::move(mine)), broken);
    EXPECT_EQ(mine.value(), 7);
    EXPECT_TRUE(co_await numbers.async_send(std::move(mine)));
    fragile::fuse = 0;
    EXPECT_THROW((void)co_await numbers.async_receive(), broken);
    EXPECT_EQ(numbers.size(), 0u);
    fragile other(8);
    EXPECT_EQ((co_await numbers.async_send(std::move(other))).status(), channel_status::ok);
    fragile full(9);
    EXPECT_EQ((co_await numbers.async_send(std::move(full), gm::until(1ms))).status(), channel_status::timed_out);
    EXPECT_EQ(full.value(), 9);
}

TEST(channel_value, throwing_moves_are_survived_by_coroutines) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    crew.block_on(exchanges_fragile(channel<fragile>(1)));
}

gm::task<> runs_out_of_memory(channel<hungry_and_fragile> boxed, channel<hungry> plain) {
    hungry_and_fragile mine(7);
    hungry other(8);
    hungry_and_fragile::no_memory = hungry::no_memory = true;
    EXPECT_THROW(co_await boxed.async_send(std::move(mine)), std::bad_alloc);
    EXPECT_THROW(co_await plain.async_send(std::move(other)), std::bad_alloc);
    hungry_and_fragile::no_memory = hungry::no_memory = false;
    EXPECT_EQ(mine.value(), 7);
    EXPECT_TRUE(other.inner.intact());
}

TEST(channel_value, out_of_memory_in_an_awaited_push_leaves_the_argument_intact) {
    const census balance;
    gm::scheduler crew({.threads = 1});
    crew.block_on(runs_out_of_memory(channel<hungry_and_fragile>::unbounded(), channel<hungry>::unbounded()));
}

gm::task<> waits_with_a_box(channel<fragile> numbers) {
    fragile mine(1);
    co_await numbers.async_send(std::move(mine));
}

TEST(channel_value, destroyed_sender_of_a_boxed_value_leaks_nothing) {
    const census balance;
    const channel<fragile> numbers(0);
    gm::scheduler crew({.threads = 1});
    crew.spawn(waits_with_a_box(numbers));
    gm::test::until_senders_wait(numbers, 1);
    EXPECT_EQ(crew.shutdown(0ms).unfinished, 1u);
}

#endif

}  // namespace
