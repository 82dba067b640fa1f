// The pool when memory runs out: the k-th allocation of the calling thread fails, for each k, alone or with all that follow.
// Whatever is asked of the pool either happens, or throws and has not happened; nothing is lost, and the pool goes on.
#include <scarce_memory.hpp>

#if GRISTMILL_SCARCE_MEMORY

#include <gristmill/pool.hpp>

#include <atomic>
#include <cstdint>
#include <latch>
#include <new>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <support/counted.hpp>

namespace {

using gm_test::fuse;
using gm_test::refused;
using gm_test::scarce_memory;

// For the test's own needs.
class pause {
public:
    pause() noexcept : left_(std::exchange(fuse, -1)) {}
    pause(const pause&) = delete;
    pause& operator=(const pause&) = delete;
    ~pause() { fuse = left_; }

private:
    int left_;
};

// Calls attempt(k, lasting) until it got along with the k allocations it was allowed.
template <class F>
void for_each_allocation(F attempt) {
    for (const bool lasting : {false, true})
        for (int k = 0;; ++k) {
            SCOPED_TRACE(testing::Message() << "allocation " << k << (lasting ? " and all later ones" : ""));
            ASSERT_LT(k, 300);
            const gm::test::census nothing_leaks;
            refused = 0;
            attempt(k, lasting);
            if (refused == 0) break;
        }
}

// True: it was done. False: it threw what the header says.
template <class F>
bool done_when_short(int k, bool lasting, F what) {
    const scarce_memory now(k, !lasting);
    try {
        what();
        return true;
    } catch (const std::bad_alloc&) {
    } catch (const std::system_error&) {  // no memory for a thread
    }
    return false;
}

void expect_usable(gm::pool& crew) {
    EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
}

void expect_counts(gm::pool& crew, std::uint64_t finished, std::uint64_t tried) {
    EXPECT_TRUE(crew.close());
    const gm::pool_snapshot now = crew.snapshot();
    EXPECT_EQ(now.finished, finished);
    EXPECT_EQ(now.submitted, finished);
    EXPECT_LE(now.finished + now.refused, tried);  // one that could not even be made is not counted
    EXPECT_EQ(now.queued, 0u);
    EXPECT_EQ(now.failed, 0u);
}

struct warm {
    static constexpr bool started = true;
};
struct cold {
    static constexpr bool started = false;  // threads and queues are not there yet
};
template <class Crew>
class pool_memory : public testing::Test {};
struct names {
    template <class Crew>
    static std::string GetName(int) {
        return Crew::started ? "warm" : "cold";
    }
};
using crews = testing::Types<cold, warm>;
TYPED_TEST_SUITE(pool_memory, crews, names);

template <class Crew>
void prepare(gm::pool& crew) {
    if constexpr (Crew::started) crew.start();
}

TYPED_TEST(pool_memory, submit_is_done_or_refused) {
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 2, .queue = 10});
        prepare<TypeParam>(crew);
        std::atomic<int> ran{0};
        gm::future<int> answer;
        const bool done = done_when_short(k, lasting, [&] {
            answer = crew.submit([&ran, value = gm::test::counted(42)] { return ++ran, value.value(); });
        });
        EXPECT_EQ(answer.valid(), done);
        if (done) {
            EXPECT_EQ(answer.get().value(), 42);
        }
        EXPECT_EQ(ran, done ? 1 : 0);
        expect_usable(crew);
        expect_counts(crew, done ? 2 : 1, 2);
    });
}

TYPED_TEST(pool_memory, submit_with_levels_and_limits_is_done_or_refused) {
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 1, .queue = 10});
        prepare<TypeParam>(crew);
        gm::future<int> answer;
        const bool done = done_when_short(k, lasting, [&] {
            answer =
                crew.submit([] { return 7; },
                            {.priority = 6, .timeout = std::chrono::hours(1), .queue_timeout = std::chrono::hours(1)});
        });
        if (done) {
            EXPECT_EQ(answer.get().value(), 7);
        }
        expect_usable(crew);
        expect_counts(crew, done ? 2 : 1, 2);
    });
}

TYPED_TEST(pool_memory, post_is_done_or_refused) {
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 2, .queue = 10});
        prepare<TypeParam>(crew);
        std::atomic<int> ran{0};
        int posted = done_when_short(k, lasting, [&] { EXPECT_TRUE(crew.post([&ran] { ++ran; })); });
        posted += done_when_short(k, lasting, [&] {
            EXPECT_TRUE(crew.post([&ran, value = gm::test::counted(1)] { ran += value.value(); }));
        });
        expect_usable(crew);
        expect_counts(crew, static_cast<std::uint64_t>(posted) + 1, 3);
        EXPECT_EQ(ran, posted);
    });
}

// Many jobs, so that queues grow while memory is short.
TYPED_TEST(pool_memory, burst_of_posts_loses_none) {
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 1, .queue = gm::unbounded_queue});
        prepare<TypeParam>(crew);
        std::atomic<std::uint64_t> ran{0};
        std::uint64_t posted = 0;
        std::latch go(1);
        if (crew.post([&go] { go.wait(); })) ++posted;
        static_cast<void>(done_when_short(k, lasting, [&] {
            for (int i = 0; i < 100; ++i) posted += crew.post([&ran] { ++ran; });
        }));
        go.count_down();
        expect_counts(crew, posted, 101);
        EXPECT_EQ(ran + 1, posted);
    });
}

TYPED_TEST(pool_memory, map_loses_no_element) {
    constexpr int elements = 20;
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 2, .queue = 5});
        prepare<TypeParam>(crew);
        std::vector<int> numbers(elements);
        std::iota(numbers.begin(), numbers.end(), 0);
        std::set<std::uint64_t> seen;
        std::uint64_t ok = 0, turned_away = 0;
        static_cast<void>(done_when_short(k, lasting, [&] {
            auto stream = crew.map(numbers, [value = gm::test::counted(3)](int n) { return n + value.value(); });
            for (bool more = true; more;) {
                std::optional<gm::job_result<int>> done;
                try {
                    done = stream.next();
                    more = done.has_value();
                } catch (...) {
                    fuse = -1;  // there is memory again: the stream goes on
                    continue;
                }
                if (!done) continue;
                const pause enough;
                EXPECT_TRUE(seen.insert(done->index()).second);
                *done ? ++ok : ++turned_away;
                if (*done) {
                    EXPECT_EQ(done->value(), numbers[done->index()] + 3);
                }
            }
        }));
        if (ok + turned_away != 0) {
            EXPECT_EQ(seen.size(), static_cast<std::size_t>(elements));
        }
        EXPECT_EQ(turned_away, 0u);
        expect_usable(crew);
        expect_counts(crew, ok + 1, elements + 1);
    });
}

TYPED_TEST(pool_memory, close_needs_none) {
    gm::pool crew({.workers = 2, .queue = 100});
    prepare<TypeParam>(crew);
    std::atomic<int> ran{0};
    for (int i = 0; i < 50; ++i) crew.post([&ran] { ++ran; });
    const scarce_memory now(0);
    EXPECT_TRUE(crew.close());
    EXPECT_EQ(ran, 50);
}

TYPED_TEST(pool_memory, resize_counts_and_the_threads_come_later) {
    for_each_allocation([](int k, bool lasting) {
        gm::pool crew({.workers = 1, .queue = 10});
        prepare<TypeParam>(crew);
        std::latch go(1);
        std::vector<gm::future<void>> jobs;
        for (int i = 0; i < 4; ++i) jobs.push_back(crew.submit([&] { go.wait(); }));
        EXPECT_TRUE(done_when_short(k, lasting, [&] { EXPECT_TRUE(crew.resize(3)); }));
        EXPECT_EQ(crew.workers(), 3u);
        go.count_down();
        for (auto& each : jobs) EXPECT_TRUE(each.get());
        crew.start();
        EXPECT_EQ(crew.snapshot().threads, 3u);
        expect_usable(crew);
        expect_counts(crew, 5, 5);
    });
}

TYPED_TEST(pool_memory, refusals_need_none) {
    gm::pool crew({.workers = 1, .queue = 10});
    prepare<TypeParam>(crew);
    crew.close();
    const scarce_memory now(1);  // for the job
    gm::future<void> answer = crew.submit([] {});
    EXPECT_EQ(answer.get().status(), gm::job_status::refused);
}

}  // namespace

#endif
