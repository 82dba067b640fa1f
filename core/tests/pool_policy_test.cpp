// The queue: its bound, what happens when it is full, its levels.
#include <gristmill/pool.hpp>

#include <atomic>
#include <cstring>
#include <latch>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

// One worker, held up until told; what is submitted meanwhile waits.
struct held_pool {
    explicit held_pool(gm::pool_options options) : crew(with_one_worker(options)) {
        holding = crew.submit([this] {
            started.count_down();
            go.wait();
        });
        started.wait();
    }
    ~held_pool() { release(); }
    void release() {
        if (!released) go.count_down();
        released = true;
    }
    static gm::pool_options with_one_worker(gm::pool_options options) {
        options.workers = 1;
        return options;
    }

    std::latch started{1}, go{1};
    bool released = false;
    gm::pool crew;
    gm::future<void> holding;
};

TEST(full_queue, refuse_says_refused_at_once) {
    held_pool held({.queue = 2, .full = gm::when_full::refuse});
    auto a = held.crew.submit([] { return 1; }), b = held.crew.submit([] { return 2; });
    auto c = held.crew.submit([] { return 3; });
    EXPECT_TRUE(c.ready());
    EXPECT_EQ(c.get().status(), gm::job_status::refused);
    EXPECT_FALSE(held.crew.post([] {}));
    EXPECT_EQ(held.crew.snapshot().queued, 2u);
    EXPECT_EQ(held.crew.snapshot().refused, 2u);
    held.release();
    EXPECT_EQ(a.get().value() + b.get().value(), 3);
}

TEST(full_queue, caller_runs_runs_it_in_the_caller) {
    held_pool held({.queue = 1, .full = gm::when_full::caller_runs});
    auto waiting = held.crew.submit([] { return std::this_thread::get_id(); });
    auto here = held.crew.submit([] { return std::this_thread::get_id(); });
    ASSERT_TRUE(here.ready());
    auto result = here.get();
    EXPECT_EQ(result.value(), std::this_thread::get_id());
    EXPECT_EQ(result.worker(), -1);
    bool ran = false;
    EXPECT_TRUE(held.crew.post([&] { ran = true; }));
    EXPECT_TRUE(ran);
    held.release();
    EXPECT_NE(waiting.get().value(), std::this_thread::get_id());
}

TEST(full_queue, wait_holds_the_caller_until_there_is_room) {
    held_pool held({.queue = 1});
    auto first = held.crew.submit([] { return 1; });
    std::atomic<bool> through{false};
    std::jthread producer([&] {
        held.crew.post([] {});
        through = true;
    });
    EXPECT_FALSE(through);
    held.release();
    producer.join();
    EXPECT_TRUE(through);
    EXPECT_TRUE(first.get());
}

TEST(full_queue, wait_ends_with_the_jobs_context_or_with_a_close) {
    held_pool held({.queue = 1});
    auto first = held.crew.submit([] {});
    gm::context_source ended;
    ended.cancel();
    EXPECT_EQ(held.crew.submit([] {}, {.context = ended}).get().status(), gm::job_status::cancelled);
    std::jthread producer([&] { EXPECT_FALSE(held.crew.post([] {})); });
    std::jthread closer([&] { EXPECT_FALSE(held.crew.close(1ms)); });
}

TEST(full_queue, drop_oldest_drops_the_oldest_of_the_lowest_level) {
    held_pool held({.queue = 3, .full = gm::when_full::drop_oldest});
    auto high = held.crew.submit([] { return 1; }, {.priority = 6});
    auto low = held.crew.submit([] { return 2; }, {.priority = 1});
    auto lower_later = held.crew.submit([] { return 3; }, {.priority = 1});
    auto fourth = held.crew.submit([] { return 4; });
    EXPECT_EQ(low.get().status(), gm::job_status::dropped);
    auto fifth = held.crew.submit([] { return 5; });
    EXPECT_EQ(lower_later.get().status(), gm::job_status::dropped);
    auto sixth = held.crew.submit([] { return 6; });
    EXPECT_EQ(fourth.get().status(), gm::job_status::dropped);
    held.release();
    EXPECT_EQ(high.get().value() + fifth.get().value() + sixth.get().value(), 12);
    EXPECT_EQ(held.crew.snapshot().dropped, 3u);
}

TEST(queue, of_zero_accepts_only_what_a_free_worker_takes) {
    std::latch started(1), go(1);
    gm::pool crew({.workers = 1, .queue = 0, .full = gm::when_full::refuse});
    auto first = crew.submit([&] {
        started.count_down();
        go.wait();
    });
    started.wait();
    EXPECT_EQ(crew.submit([] {}).get().status(), gm::job_status::refused);
    go.count_down();
    EXPECT_TRUE(first.get());
}

// The first worker was on its way, found nothing yet, and was not counted: neither starting any more nor asleep yet.
TEST(queue, of_zero_accepts_the_first_job_of_a_new_crew) {
    for (int i = 0; i != 2000; ++i) {
        gm::pool crew({.workers = 1, .queue = 0, .full = gm::when_full::refuse});
        ASSERT_TRUE(crew.submit([] {}).get()) << i;
    }
}

TEST(queue, cancelled_jobs_free_their_places_at_once) {
    held_pool held({.queue = 10, .full = gm::when_full::refuse});
    for (int i = 0; i < 10'000; ++i) {
        auto each = held.crew.submit([] {});
        EXPECT_EQ(each.cancel(), gm::cancel_outcome::queued);
        EXPECT_EQ(each.get().status(), gm::job_status::cancelled);
    }
    EXPECT_EQ(held.crew.snapshot().queued, 0u);
}

TEST(queue, bound_is_never_exceeded_by_trivial_jobs_taken_ahead) {
    gm::pool crew({.workers = 2, .queue = 64, .times = gm::job_times::none});
    for (int i = 0; i < 100'000; ++i) {
        crew.post([] {});
        if (i % 100 == 0) {
            EXPECT_LE(crew.snapshot().queued, 64u);
        }
    }
}

TEST(queue, jobs_of_one_level_start_in_their_order) {
    held_pool held({.queue = 100});
    std::vector<int> order;
    for (int i = 0; i < 50; ++i) held.crew.post([&order, i] { order.push_back(i); });
    held.release();
    EXPECT_TRUE(held.crew.close());
    for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(priority, higher_levels_go_first_within_their_step) {
    held_pool held({.queue = 100});
    std::vector<int> order;
    for (const int level : {0, 3, 7, 1, 7, 3})
        static_cast<void>(held.crew.submit([&order, level] { order.push_back(level); }, {.priority = level}));
    held.release();
    EXPECT_TRUE(held.crew.close());
    EXPECT_EQ(order, (std::vector<int>{7, 7, 3, 3, 1, 0}));
}

// The bound, on the queue itself with made-up times: nobody is overtaken by one that came (difference of levels) × step later.
TEST(priority, overtaking_ends_after_the_difference_of_levels_times_the_step) {
    const auto seed = static_cast<unsigned>(std::random_device{}());
    SCOPED_TRACE(seed);
    std::mt19937 dice(seed);
    constexpr std::uint64_t step = 100;
    gm::detail::pool_queue queue(step);
    struct job {
        std::uint64_t entered;
        int level;
    };
    std::vector<job> waiting;
    std::uint64_t now = 0;
    std::size_t left = 0;
    for (int turn = 0; turn < 20'000; ++turn) {
        now += dice() % 20;
        if (dice() % 5 < 3) {
            gm::detail::pool_entry entry;
            entry.stamp = now;
            const int level = static_cast<int>(dice() % 8);
            waiting.push_back({now, level});
            const std::size_t number = waiting.size() - 1;
            std::memcpy(entry.room, &number, sizeof number);
            queue.push(level, entry);
        } else if (queue.size() != 0) {
            gm::detail::pool_entry entry = queue.pop();
            std::size_t number;
            std::memcpy(&number, entry.room, sizeof number);
            const job gone = waiting[number];
            waiting[number].level = -1;
            ++left;
            for (std::size_t i = 0; i < number; ++i) {  // those who were there before it and still wait: overtaken
                const job& other = waiting[i];
                if (other.level < 0) continue;
                ASSERT_GT(gone.level, other.level);
                ASSERT_LE(gone.entered - other.entered, static_cast<std::uint64_t>(gone.level - other.level) * step);
            }
        }
        while (!waiting.empty() && waiting.back().level < 0 && queue.size() == 0) waiting.clear();
    }
    EXPECT_GT(left, 1000u);
}

TEST(priority, can_change_while_queued) {
    held_pool held({.queue = 100});
    std::vector<int> order;
    std::vector<gm::future<void>> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back(held.crew.submit([&order, i] { order.push_back(i); }));
    EXPECT_TRUE(jobs[2].set_priority(7));
    EXPECT_TRUE(jobs[0].set_priority(0));
    held.release();
    EXPECT_TRUE(held.crew.close());
    EXPECT_EQ(order, (std::vector<int>{2, 1, 3, 0}));
    EXPECT_FALSE(jobs[2].set_priority(1));
}

// Values are accounted for: whatever was accepted ran once, or says why not.
TEST(pool_stress, every_job_is_accounted_for) {
    const auto seed = static_cast<unsigned>(std::random_device{}());
    SCOPED_TRACE(seed);
    std::printf("seed %u\n", seed);
    for (const auto policy :
         {gm::when_full::wait, gm::when_full::refuse, gm::when_full::caller_runs, gm::when_full::drop_oldest}) {
        std::atomic<std::uint64_t> ran{0}, inside{0};
        std::uint64_t ok = 0, other = 0;
        std::atomic<std::uint64_t> posted{0};  // or tried to
        {
            gm::pool crew({.workers = 3, .queue = 50, .full = policy});
            std::vector<std::jthread> producers;
            std::mutex guard;
            for (unsigned p = 0; p < 3; ++p)
                producers.emplace_back([&, p] {
                    std::mt19937 dice(seed + p);
                    std::vector<gm::future<void>> mine;
                    for (int i = 0; i < 3000; ++i) {
                        const auto what = dice() % 16;
                        if (what < 4) {
                            ++posted;
                            static_cast<void>(crew.post([&] { ++inside; }));
                        } else {
                            mine.push_back(crew.submit([&ran] { ++ran; }, {.priority = static_cast<int>(dice() % 8)}));
                            if (what == 5) static_cast<void>(mine.back().cancel());
                            if (what == 6) static_cast<void>(mine.back().set_priority(7));
                        }
                        if (dice() % 500 == 0) static_cast<void>(crew.resize(static_cast<unsigned>(1 + dice() % 5)));
                    }
                    for (auto& each : mine) {
                        const bool done = static_cast<bool>(each.get());
                        std::lock_guard hold(guard);
                        ++(done ? ok : other);
                    }
                });
            producers.clear();
            EXPECT_TRUE(crew.close());
            const auto now = crew.snapshot();
            EXPECT_EQ(now.queued, 0u);
            EXPECT_EQ(now.threads, 0u);
            EXPECT_EQ(now.finished, ran + inside);
            EXPECT_EQ(now.dropped + now.cancelled + now.refused, other + (posted - inside));
        }
        EXPECT_EQ(ok, ran);
    }
}

}  // namespace
