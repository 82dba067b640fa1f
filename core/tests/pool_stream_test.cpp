// Streams: map and map_ordered, their window, their end.
#include <gristmill/pool.hpp>

#include <atomic>
#include <latch>
#include <numeric>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

TEST(map, delivers_each_result_once_with_its_errors) {
    gm::pool crew({.workers = 4, .queue = 10});
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 0);
    std::set<int> seen;
    std::set<std::uint64_t> ids;
    int failed = 0;
    for (auto& done : crew.map(numbers, [](int n) { return n % 10 == 0 ? throw n : n; })) {
        EXPECT_TRUE(ids.insert(done.id().value).second);
        if (done) {
            EXPECT_TRUE(seen.insert(done.value()).second);
        } else {
            ++failed;
            EXPECT_THROW(done.value(), int);
        }
    }
    EXPECT_EQ(seen.size(), 900u);
    EXPECT_EQ(failed, 100);
}

TEST(map, ordered_delivers_in_the_order_of_the_input) {
    gm::pool crew({.workers = 4, .queue = 10});
    int next = 0;
    for (auto& done : crew.map_ordered(std::views::iota(0, 1000),
                                       [](int n, gm::job& self) { return self.id().value != 0 ? n : -1; }))
        EXPECT_EQ(done.value(), next++);
    EXPECT_EQ(next, 1000);
}

TEST(map, over_nothing_is_empty_and_move_only_results_work) {
    gm::pool crew({.workers = 2});
    for (auto& done : crew.map(std::vector<int>(), [](int n) { return n; })) ADD_FAILURE() << done.value();
    int sum = 0;
    for (auto& done : crew.map(std::vector{1, 2, 3}, [](int n) { return std::make_unique<int>(n); }))
        sum += *done.value();
    EXPECT_EQ(sum, 6);
    int count = 0;
    for (auto& done : crew.map(std::vector{1, 2, 3}, [](int) {})) count += static_cast<bool>(done);
    EXPECT_EQ(count, 3);
}

TEST(map, pulls_its_input_on_the_consumers_thread_and_not_beyond_its_window) {
    gm::pool crew({.workers = 2, .queue = 1000});
    const auto me = std::this_thread::get_id();
    int pulled = 0, taken = 0;
    auto input = std::views::iota(0, 500) | std::views::transform([&](int n) {
                     EXPECT_EQ(std::this_thread::get_id(), me);
                     ++pulled;
                     return n;
                 });
    for (auto& done : crew.map(input, [](int n) { return n; })) {
        EXPECT_LE(pulled, taken + 17);
        taken += done.value() >= 0;
    }
    EXPECT_EQ(taken, 500);
}

TEST(map, ordered_slow_head_stops_only_its_own_intake) {
    std::latch go(1);
    std::atomic<int> started{0};
    gm::pool crew({.workers = 2, .queue = 1000});
    auto slow = crew.map_ordered(std::views::iota(0, 200), [&](int n) {
        ++started;
        if (n == 0) go.wait();
        return n;
    });
    // The stream pulls when it is asked: from here on its window is on its way.
    std::jthread consumer([&] {
        int next = 0;
        while (auto done = slow.next()) EXPECT_EQ(done->value(), next++);
        EXPECT_EQ(next, 200);
    });
    while (started < 16) std::this_thread::yield();
    int others = 0;
    for (auto& done : crew.map(std::views::iota(0, 100), [](int n) { return n; })) others += static_cast<bool>(done);
    EXPECT_EQ(others, 100);
    EXPECT_EQ(started, 16);
    go.count_down();
}

TEST(map, abandoned_cancels_what_is_queued_stops_what_runs_and_waits) {
    std::atomic<int> running{0}, started{0};
    gm::pool crew({.workers = 2, .queue = 100});
    {
        auto stream = crew.map(std::views::iota(0, 1000), [&](int n, gm::job& self) {
            ++running;
            ++started;
            if (n != 0) static_cast<void>(self.context().done().receive());
            --running;
            return n;
        });
        EXPECT_EQ(stream.next()->value(), 0);
    }
    EXPECT_EQ(running, 0);
    EXPECT_LE(started, 4);
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
}

TEST(map, an_input_that_throws_throws_at_its_consumer) {
    gm::pool crew({.workers = 2});
    auto input = std::views::iota(0, 10) |
                 std::views::transform([](int n) { return n == 5 ? throw std::runtime_error("bad") : n; });
    int sum = 0;
    EXPECT_THROW(
        for (auto& done : crew.map(input, [](int n) { return n; }, {}, 1)) sum += done.value(), std::runtime_error);
    EXPECT_EQ(sum, 10);
}

TEST(map, inside_of_its_own_pool_does_not_deadlock) {
    for (const unsigned workers : {1u, 2u}) {
        gm::pool crew({.workers = workers, .queue = 4});
        auto outer = crew.submit([&] {
            int sum = 0;
            for (auto& done : crew.map(std::views::iota(0, 100), [](int n) { return n; })) sum += done.value();
            for (auto& done : crew.map_ordered(std::views::iota(0, 100), [](int n) { return n; })) sum += done.value();
            return sum;
        });
        EXPECT_EQ(outer.get().value(), 9900);
    }
}

TEST(map, of_a_closed_pool_says_refused) {
    gm::pool crew({.workers = 2});
    crew.close();
    int refused = 0;
    for (auto& done : crew.map(std::views::iota(0, 40), [](int n) { return n; }))
        refused += done.status() == gm::job_status::refused;
    EXPECT_EQ(refused, 40);
}

}  // namespace
