// Streams: map and map_ordered, their window, their end; for threads and for coroutines.
#include <gristmill/pool.hpp>

#include <atomic>
#include <latch>
#include <memory>
#include <numeric>
#include <ranges>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

namespace {

using namespace std::chrono_literals;

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

TEST(map, negative_timeout_is_over_at_once) {
    gm::pool crew({.workers = 2});
    for (auto& done : crew.map(std::views::iota(0, 5), [](int n) { return n; }, {.timeout = -1ms}))
        EXPECT_EQ(done.status(), gm::job_status::timed_out);
    for (auto& done : crew.map(std::views::iota(0, 5), [](int n) { return n; }, {.queue_timeout = -1ms}))
        EXPECT_EQ(done.status(), gm::job_status::expired);
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

TEST(map, jobs_have_the_options_of_the_stream_and_the_index_of_their_element) {
    gm::pool crew({.workers = 2, .queue = 10});
    const std::vector<int> squares{0, 1, 4, 9, 16};
    gm::context_source ended;
    std::vector<bool> seen(5);
    for (auto& done : crew.map(squares,
                               [](int square, gm::job& self) {
                                   EXPECT_STREQ(self.name(), "square");
                                   EXPECT_EQ(self.priority(), 5);
                                   EXPECT_EQ(self.index() * self.index(), static_cast<std::uint64_t>(square));
                                   return square;
                               },
                               {.priority = 5, .name = "square", .context = ended})) {
        EXPECT_EQ(done.value(), squares[done.index()]);
        seen[done.index()] = true;
    }
    EXPECT_EQ(seen, std::vector<bool>(5, true));
    ended.cancel();
    for (auto& done : crew.map(squares, [](int) {}, {.context = ended}))
        EXPECT_EQ(done.status(), gm::job_status::cancelled);
    for (auto& done : crew.map_ordered(std::views::iota(0, 2),
                                       [](int, gm::job& self) { static_cast<void>(self.context().done().receive()); },
                                       {.timeout = 1ms}))
        EXPECT_EQ(done.status(), gm::job_status::timed_out);
}

// An element that costs somebody a keystroke must not be asked for before its turn.
TEST(map, input_moves_on_only_when_the_next_element_is_wanted) {
    gm::pool crew({.workers = 1});
    int moved = 0;
    struct source {
        struct iterator {
            using value_type = int;
            using difference_type = std::ptrdiff_t;
            using iterator_concept = std::input_iterator_tag;
            int* moved;
            int operator*() const { return *moved; }
            iterator& operator++() { return ++*moved, *this; }
            void operator++(int) { ++*moved; }
            bool operator==(std::default_sentinel_t) const { return *moved == 3; }
        };
        int* moved;
        iterator begin() const { return {moved}; }
        std::default_sentinel_t end() const { return {}; }
    };
    auto stream = crew.map_ordered(source{&moved}, [](int n) { return n; }, {}, 1);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(stream.next()->value(), i);
        EXPECT_EQ(moved, i);
    }
    EXPECT_FALSE(stream.next());
}

TEST(map, stopped_waits_and_gives_nothing_more) {
    std::atomic<int> running{0};
    gm::pool crew({.workers = 2, .queue = 100});
    auto stream = crew.map(std::views::iota(0, 100), [&](int n, gm::job& self) {
        ++running;
        if (n != 0) static_cast<void>(self.context().done().receive());
        --running;
    });
    EXPECT_TRUE(stream.next());
    stream.stop();
    EXPECT_EQ(running, 0);
    EXPECT_EQ(stream.in_flight(), 0u);
    EXPECT_FALSE(stream.next());
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
}

struct connection {
    std::thread::id owner = std::this_thread::get_id();
    int uses = 0;
};

TEST(pool_of, mapped_bodies_get_the_state_of_their_worker) {
    gm::pool_of<connection> crew([] { return connection(); }, {.workers = 2});
    int next = 0;
    for (auto& done : crew.map_ordered(std::views::iota(0, 50), [](connection& mine, int n) {
             EXPECT_EQ(mine.owner, std::this_thread::get_id());
             return ++mine.uses, n;
         }))
        EXPECT_EQ(done.value(), next++);
    int sum = 0;
    for (auto& done :
         crew.map(std::vector<std::string>{"a", "bc"}, [](connection& mine, const std::string& text, gm::job& self) {
             return mine.owner == std::this_thread::get_id() && self.worker() >= 0 ? static_cast<int>(text.size())
                                                                                   : -100;
         }))
        sum += done.value();
    EXPECT_EQ(sum, 3);
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)

TEST(map_awaited, delivers_each_result_once_and_in_order_if_asked) {
    gm::pool crew({.workers = 3, .queue = 4});
    gm::scheduler threads({.threads = 2});
    threads.block_on([](gm::pool& crew) -> gm::task<> {
        std::set<int> seen;
        auto any = crew.map(std::views::iota(0, 500), [](int n) { return n % 10 == 0 ? throw n : n; });
        int failed = 0;
        while (auto done = co_await any.async_next()) {
            EXPECT_LE(any.in_flight(), 16u);
            if (*done)
                EXPECT_TRUE(seen.insert(done->value()).second);
            else
                ++failed;
        }
        EXPECT_EQ(seen.size(), 450u);
        EXPECT_EQ(failed, 50);

        auto ordered = crew.map_ordered(std::views::iota(0, 500), [](int n) { return std::make_unique<int>(n); });
        int next = 0;
        while (auto done = co_await ordered.async_next()) EXPECT_EQ(*done->value(), next++);
        EXPECT_EQ(next, 500);
        EXPECT_FALSE(co_await ordered.async_next());  // and none after the end
    }(crew));
}

TEST(map_awaited, full_queue_is_waited_for_whatever_the_policy) {
    for (const auto policy :
         {gm::when_full::wait, gm::when_full::refuse, gm::when_full::caller_runs, gm::when_full::drop_oldest}) {
        std::latch started(1), go(1);
        gm::pool crew({.workers = 1, .queue = 1, .full = policy});
        auto holding = crew.submit([&] {
            started.count_down();
            go.wait();
        });
        started.wait();
        auto waiting = crew.submit([] { return 1; });
        gm::scheduler threads({.threads = 1});
        std::atomic<bool> asked{false};
        std::latch finished(1);
        int sum = 0;
        threads.spawn([](gm::pool& crew, std::atomic<bool>& asked, int& sum, std::latch& finished) -> gm::task<> {
            auto stream = crew.map(std::views::iota(1, 5), [](int n) { return n; });
            asked = true;
            while (auto done = co_await stream.async_next()) sum += done->value();
            finished.count_down();
        }(crew, asked, sum, finished));
        while (!asked) std::this_thread::yield();
        go.count_down();
        finished.wait();
        EXPECT_EQ(sum, 10);
        EXPECT_EQ(waiting.get().value(), 1);
    }
}

TEST(map_awaited, stop_cancels_what_is_queued_stops_what_runs_and_waits) {
    std::atomic<int> running{0}, started{0};
    gm::pool crew({.workers = 2, .queue = 100});
    gm::scheduler threads({.threads = 1});
    threads.block_on([](gm::pool& crew, std::atomic<int>& running, std::atomic<int>& started) -> gm::task<> {
        auto stream = crew.map(std::views::iota(0, 1000), [&](int n, gm::job& self) {
            ++running;
            ++started;
            if (n != 0) static_cast<void>(self.context().done().receive());
            --running;
        });
        EXPECT_TRUE(co_await stream.async_next());
        co_await stream.async_stop();
        EXPECT_EQ(running, 0);
        EXPECT_FALSE(co_await stream.async_next());
    }(crew, running, started));
    EXPECT_LE(started, 4);
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
}

// The scheduler destroys the coroutine where it may wait: the stream's end is as on a thread.
TEST(map_awaited, destroyed_while_it_waits_withdraws_and_ends_its_jobs) {
    for (const bool ordered : {false, true}) {
        std::atomic<int> running{0};
        std::latch started(1);
        gm::pool crew({.workers = 1, .queue = 100});
        {
            gm::scheduler threads({.threads = 1});
            threads.spawn(
                [](gm::pool& crew, bool ordered, std::atomic<int>& running, std::latch& started) -> gm::task<> {
                    const auto body = [&](int, gm::job& self) {
                        ++running;
                        started.count_down();
                        static_cast<void>(self.context().done().receive());
                        --running;
                    };
                    if (ordered) {
                        auto stream = crew.map_ordered(std::views::iota(0, 1), body);
                        static_cast<void>(co_await stream.async_next());
                    } else {
                        auto stream = crew.map(std::views::iota(0, 1), body);
                        static_cast<void>(co_await stream.async_next());
                    }
                    ADD_FAILURE() << "there was no result";
                }(crew, ordered, running, started));
            started.wait();
            threads.shutdown(0ms);
        }
        EXPECT_EQ(running, 0);
    }
}

// Consumer and bodies are destroyed by one scheduler: whoever comes first must not wait for the others.
gm::task<> consume_for_ever(gm::pool& crew, gm::channel<int> never, std::latch& started) {
    auto stream = crew.map(std::views::iota(0, 5), [&started, never](int) -> gm::task<> {
        started.count_down();
        static_cast<void>(co_await never.async_receive());
    });
    static_cast<void>(co_await stream.async_next());
    ADD_FAILURE() << "there was no result";
}

TEST(map_awaited, destroyed_with_the_scheduler_of_its_own_bodies_does_not_wait_for_them) {
    std::latch started(5);
    gm::channel<int> never(0);
    gm::scheduler threads({.threads = 2});
    gm::pool crew({.workers = 5, .grace = 0ms, .scheduler = &threads});
    threads.spawn(consume_for_ever(crew, never, started));
    started.wait();
    EXPECT_EQ(threads.shutdown(0ms).unfinished, 6u);
    EXPECT_EQ(crew.snapshot().running, 0u);
    EXPECT_EQ(crew.snapshot().stopped, 5u);
}

TEST(map_awaited, destroyed_with_its_pool_does_not_wait_for_its_bodies) {
    std::latch started(5);
    gm::channel<int> never(0);
    gm::pool crew({.workers = 6, .grace = 1ms});
    auto consumer = crew.submit([&]() -> gm::task<> { co_await consume_for_ever(crew, never, started); });
    started.wait();
}

TEST(map_awaited, by_a_body_of_the_same_pool_does_not_deadlock) {
    for (const unsigned workers : {1u, 2u}) {
        gm::pool crew({.workers = workers, .queue = 2});
        std::vector<gm::future<int>> outer;
        for (unsigned i = 0; i < workers; ++i)
            outer.push_back(crew.submit([&]() -> gm::task<int> {
                int sum = 0;
                const auto body = [](int n) -> gm::task<int> {
                    co_await gm::yield();
                    co_return n;
                };
                auto any = crew.map(std::views::iota(0, 50), body);
                while (auto done = co_await any.async_next()) sum += done->value();
                auto ordered = crew.map_ordered(std::views::iota(0, 50), body);
                while (auto done = co_await ordered.async_next()) sum += done->value();
                auto functions = crew.map(std::views::iota(0, 50), [](int n) { return n; });
                while (auto done = co_await functions.async_next()) sum += done->value();
                co_return sum;
            }));
        for (auto& each : outer) EXPECT_EQ(each.get().value(), 3 * 1225);
    }
}

TEST(map_awaited, of_a_closed_pool_says_refused) {
    gm::pool crew({.workers = 2});
    crew.close();
    gm::scheduler threads({.threads = 1});
    threads.block_on([](gm::pool& crew) -> gm::task<> {
        auto stream = crew.map(std::views::iota(0, 40), [](int n) { return n; });
        int refused = 0;
        while (auto done = co_await stream.async_next()) refused += done->status() == gm::job_status::refused;
        EXPECT_EQ(refused, 40);
    }(crew));
}

#endif

}  // namespace
