// The heap of timers against a sorted map; and the clock's timers themselves.
#include <gristmill/detail/timer.hpp>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "support/seed.hpp"
#include "support/waiting.hpp"

namespace {

using namespace std::chrono_literals;
using gm::detail::timer;
using gm::detail::timer_heap;

gm::time_point at(std::uint64_t tick) { return gm::time_point(std::chrono::nanoseconds(tick)); }

TEST(timer_heap, random_operations_agree_with_a_sorted_map) {
    gm::test::random_source dice(gm::test::seed());
    constexpr std::size_t count = 200;
    std::vector<timer> timers(count);
    timer_heap heap;
    std::multimap<gm::time_point, timer*> model;  // equal times in the order of adding, as the heap promises
    for (int step = 0; step < 50'000; ++step) {
        timer& entry = timers[dice.below(count)];
        const auto there =
            std::find_if(model.begin(), model.end(), [&](const auto& each) { return each.second == &entry; });
        if (there == model.end()) {
            EXPECT_FALSE(heap.remove(entry));
            const gm::time_point due = at(dice.below(50));
            heap.add(entry, due);
            model.emplace(due, &entry);
        } else {
            timer& victim = dice.one_in(2) ? *heap.first() : entry;
            model.erase(
                std::find_if(model.begin(), model.end(), [&](const auto& each) { return each.second == &victim; }));
            EXPECT_TRUE(heap.remove(victim));
        }
        ASSERT_EQ(heap.empty(), model.empty());
        if (!model.empty()) {
            ASSERT_EQ(heap.first(), model.begin()->second);
        }
    }
    while (timer* const first = heap.first()) {
        ASSERT_EQ(first, model.begin()->second);
        model.erase(model.begin());
        heap.remove(*first);
    }
    EXPECT_TRUE(model.empty());
}

struct counting : timer {
    counting() noexcept {
        fire = [](timer& self, gm::detail::wake_list&) noexcept { ++static_cast<counting&>(self).fired; };
    }
    std::atomic<int> fired = 0;
};

TEST(clock_timer, fires_once_not_before_its_time_and_may_start_again) {
    counting entry;
    for (int round = 1; round <= 3; ++round) {
        const auto due = gm::now() + 3ms;
        start_timer(entry, due);
        gm::test::wait_until([&] { return entry.fired == round; });
        EXPECT_GE(gm::now(), due);
    }
    stop_timer(entry);
}

TEST(clock_timer, stopped_one_has_fired_or_never_will) {
    for (int round = 0; round < 300; ++round) {
        counting entry;
        start_timer(entry, gm::now() + std::chrono::microseconds(round));
        for (int i = 0; i < round; ++i) gm::detail::os::relax();
        stop_timer(entry);
        const int fired = entry.fired;
        std::this_thread::yield();
        EXPECT_EQ(entry.fired, fired);
    }
}

TEST(clock_timer, stop_of_one_that_never_started_is_harmless) {
    counting entry;
    stop_timer(entry);
    EXPECT_EQ(entry.fired, 0);
}

TEST(clock_timer, earlier_one_started_later_fires_first) {
    counting late, early;
    start_timer(late, gm::now() + 1h);
    start_timer(early, gm::now() + 1ms);
    gm::test::wait_until([&] { return early.fired == 1; });
    EXPECT_EQ(late.fired, 0);
    stop_timer(late);
}

}  // namespace
