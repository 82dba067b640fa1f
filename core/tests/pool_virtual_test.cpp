// The pool on virtual time: limits, aging and sizes to the moment, and the same course for the same seed.
#include <gristmill/pool.hpp>

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

// Under several seeds: what is expected holds whatever the order.
void on_virtual_time(const std::function<void()>& body) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        gm::virtual_time day({.seed = seed});
        const gm::virtual_report report = day.run([&] { body(); });
        EXPECT_TRUE(report) << report.text();
        EXPECT_EQ(report.abandoned, 0u);
    }
}

nanoseconds since(gm::time_point start) { return gm::now() - start; }

// A watchdog sleeps a microsecond past the deadline, and looks through the queue every 200 µs at most.
testing::AssertionResult is_about(nanoseconds is, nanoseconds wanted) {
    if (is >= wanted && is <= wanted + 1ms) return testing::AssertionSuccess();
    return testing::AssertionFailure() << is.count() << " ns instead of about " << wanted.count();
}

TEST(pool_virtual, timeout_comes_at_its_time_and_the_late_outcome_is_dropped) {
    on_virtual_time([] {
        gm::pool crew({.workers = 1});
        const gm::time_point start = gm::now();
        auto slow = crew.submit([] { return gm::sleep(10s), 1; }, {.timeout = 3s});
        auto result = slow.get();
        EXPECT_EQ(result.status(), gm::job_status::timed_out);
        EXPECT_TRUE(is_about(since(start), 3s));
        EXPECT_TRUE(is_about(result.ran(), 3s));
        EXPECT_EQ(crew.snapshot().stuck, 1u);
        gm::sleep(10s);
        EXPECT_EQ(crew.snapshot().stuck, 0u);
        EXPECT_EQ(crew.snapshot().late, 1u);
        auto quick = crew.submit([] { return gm::sleep(2s), 2; }, {.timeout = 3s});
        EXPECT_EQ(quick.get().value(), 2);
    });
}

TEST(pool_virtual, timeouts_count_from_the_start_and_queue_timeouts_from_the_submit) {
    on_virtual_time([] {
        gm::pool crew({.workers = 1});
        const gm::time_point start = gm::now();
        auto first = crew.submit([] { gm::sleep(10s); });
        auto impatient = crew.submit([] {}, {.queue_timeout = 4s});
        auto patient = crew.submit([] { gm::sleep(2s); }, {.timeout = 3s, .queue_timeout = 11s});
        EXPECT_EQ(impatient.get().status(), gm::job_status::expired);
        EXPECT_TRUE(is_about(since(start), 4s));
        EXPECT_TRUE(patient.get());
        EXPECT_EQ(since(start), 12s);
        EXPECT_TRUE(first.ready());
    });
}

// One job a second is all that the worker can do, and one of the highest level comes every second: without aging the low one
// would never have its turn.
TEST(pool_virtual, job_of_the_lowest_level_is_overtaken_for_seven_steps_and_no_longer) {
    on_virtual_time([] {
        gm::pool crew({.workers = 1, .queue = 100, .priority_step = 2s});
        const gm::time_point start = gm::now();
        crew.post([] { gm::sleep(1s); });
        auto low = crew.submit([start] { return since(start); }, {.priority = gm::lowest_priority});
        nanoseconds ran_at{0};
        for (int second = 0; second < 30 && ran_at == 0s; ++second) {
            crew.post([] { gm::sleep(1s); }, {.priority = gm::highest_priority});
            gm::sleep(1s);
            if (low.ready()) ran_at = low.get().value();
        }
        EXPECT_GE(ran_at, 13s);
        EXPECT_LE(ran_at, 7 * 2s + 2s);
    });
}

TEST(pool_virtual, resize_takes_hold_at_once_and_the_surplus_leaves_after_the_job_in_hand) {
    on_virtual_time([] {
        gm::pool crew({.workers = 1});
        const gm::time_point start = gm::now();
        std::vector<gm::future<void>> jobs;
        for (int i = 0; i < 5; ++i) jobs.push_back(crew.submit([] { gm::sleep(1s); }));
        gm::sleep(500ms);
        EXPECT_TRUE(crew.resize(3));
        for (auto& each : jobs) EXPECT_TRUE(each.get());
        EXPECT_EQ(since(start), 2500ms);  // 0 and 1, with 2 half a second later, then the last at 1.5 s
        EXPECT_EQ(crew.snapshot().threads, 3u);
        for (auto& each : jobs) each = crew.submit([] { gm::sleep(1s); });
        gm::sleep(500ms);
        EXPECT_TRUE(crew.resize(1));
        EXPECT_EQ(crew.snapshot().threads, 3u);
        gm::sleep(600ms);
        EXPECT_EQ(crew.snapshot().threads, 1u);
        for (auto& each : jobs) EXPECT_TRUE(each.get());
        EXPECT_EQ(since(start), 5500ms);
    });
}

TEST(pool_virtual, crew_that_follows_the_load_grows_by_one_each_look_and_shrinks_when_idle) {
    on_virtual_time([] {
        gm::pool crew({.queue = 100, .sizing = {.least = 1, .most = 4, .idle = 5s}});
        const gm::time_point start = gm::now();
        std::vector<gm::future<void>> jobs;
        for (int i = 0; i < 8; ++i) jobs.push_back(crew.submit([] { gm::sleep(1s); }));
        gm::sleep(9ms);
        EXPECT_EQ(crew.workers(), 1u);  // nobody has waited for 10 ms yet
        gm::sleep(90ms);
        EXPECT_EQ(crew.workers(), 4u);
        EXPECT_EQ(crew.snapshot().running, 4u);
        for (auto& each : jobs) EXPECT_TRUE(each.get());
        EXPECT_LT(since(start), 2100ms);
        gm::sleep(4s);
        EXPECT_EQ(crew.workers(), 4u);
        gm::sleep(30s);
        EXPECT_EQ(crew.workers(), 1u);
        EXPECT_EQ(crew.snapshot().threads, 1u);
        EXPECT_EQ(crew.submit([] { return 1; }).get().value(), 1);
    });
}

TEST(pool_virtual, stuck_workers_are_replaced_at_their_time_and_come_back_at_theirs) {
    on_virtual_time([] {
        gm::pool crew({.workers = 2, .queue = 100});
        const gm::time_point start = gm::now();
        std::vector<gm::future<void>> hung;
        for (int i = 0; i < 2; ++i) hung.push_back(crew.submit([] { gm::sleep(60s); }, {.timeout = 5s}));
        auto after = crew.submit([start] { return since(start); });
        EXPECT_TRUE(is_about(after.get().value(), 5s));
        EXPECT_EQ(crew.snapshot().stuck, 2u);
        EXPECT_FALSE(crew.snapshot().degraded);
        for (int i = 0; i < 2; ++i) hung.push_back(crew.submit([] { gm::sleep(60s); }, {.timeout = 5s}));
        gm::sleep(10s);
        EXPECT_TRUE(crew.snapshot().degraded);
        EXPECT_EQ(crew.snapshot().threads, 4u);
        auto waits = crew.submit([start] { return since(start); });
        EXPECT_TRUE(is_about(waits.get().value(), 60s));  // when one of the first two is back
        gm::sleep(1s);
        EXPECT_EQ(crew.snapshot().stuck, 2u);
        EXPECT_FALSE(crew.snapshot().degraded);
        EXPECT_TRUE(crew.close());
        gm::sleep(60s);
        EXPECT_EQ(crew.snapshot().late, 4u);
        EXPECT_EQ(crew.snapshot().stuck, 0u);
        for (auto& each : hung) EXPECT_EQ(each.get().status(), gm::job_status::timed_out);
    });
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)

// One that was posted after the other had timed out waited for it to come back.
TEST(pool_virtual, coroutine_body_gets_the_slot_of_one_that_timed_out_before_it_came) {
    on_virtual_time([] {
        gm::scheduler threads({.threads = 1});
        gm::pool crew({.workers = 1, .scheduler = &threads});
        const gm::time_point start = gm::now();
        auto hung = crew.submit([]() -> gm::task<> { co_await gm::async_sleep(60s); }, {.timeout = 5s});
        EXPECT_EQ(hung.get().status(), gm::job_status::timed_out);
        auto after = crew.submit([start]() -> gm::task<std::chrono::nanoseconds> { co_return since(start); });
        EXPECT_TRUE(is_about(after.get().value(), 5s));
        EXPECT_TRUE(crew.close());
    });
}

#endif

TEST(pool_virtual, close_and_stop_give_up_at_their_limit) {
    on_virtual_time([] {
        gm::pool crew({.workers = 1});
        const gm::time_point start = gm::now();
        auto slow = crew.submit([] { gm::sleep(10s); });
        auto queued = crew.submit([] {});
        EXPECT_FALSE(crew.close(4s));
        EXPECT_EQ(since(start), 4s);
        EXPECT_EQ(crew.stop(3s).size(), 1u);
        EXPECT_FALSE(crew.close(-1s));
        EXPECT_EQ(since(start), 7s);
        EXPECT_TRUE(crew.close());
        EXPECT_EQ(since(start), 10s);
        EXPECT_EQ(queued.get().status(), gm::job_status::stopped);
    });
}

// What an observer heard, and when. It is called by one thread at a time, as everything here is.
struct diary final : gm::pool_observer {
    std::string text;
    gm::time_point start = gm::now();
    void note(const char* what, const gm::job_event& job) {
        text += std::to_string(since(start) / 1ms) + ' ' + what + ' ' + std::to_string(job.id.value) + " by " +
                std::to_string(job.worker) + '\n';
    }
    void started(const gm::job_event& job) noexcept override { note("started", job); }
    void finished(const gm::job_event& job) noexcept override { note("finished", job); }
    void timed_out(const gm::job_event& job) noexcept override { note("timed out", job); }
    void expired(const gm::job_event& job) noexcept override { note("expired", job); }
    void late(const gm::job_event& job) noexcept override { note("late", job); }
};

struct course {
    std::string diary;
    std::uint64_t steps = 0;
    nanoseconds passed{0};
    friend bool operator==(const course&, const course&) = default;
};

course busy_day(std::uint64_t seed) {
    course taken;
    gm::virtual_time day({.seed = seed});
    const gm::virtual_report report = day.run([&] {
        diary seen;
        {
            gm::pool crew({.queue = 20, .sizing = {.least = 1, .most = 2, .idle = 1s}, .observer = &seen});
            for (int i = 0; i < 40; ++i) {
                const auto ms = [](int n) { return nanoseconds(n * 1'000'000); };
                crew.post([=] { gm::sleep(ms(10 + i * 7 % 30)); }, {.priority = i % 8,
                                                                    .timeout = i % 5 == 0 ? ms(15) : ms(0),
                                                                    .queue_timeout = i % 3 == 0 ? ms(40) : ms(0)});
                if (i % 8 == 0) gm::sleep(ms(20));
            }
            EXPECT_TRUE(crew.close());
        }
        taken.diary = std::move(seen.text);
    });
    EXPECT_TRUE(report) << report.text();
    taken.steps = report.steps;
    taken.passed = report.passed;
    return taken;
}

TEST(pool_virtual, seed_replays_the_day_to_the_step) {
    bool another = false;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        SCOPED_TRACE(seed);
        const course first = busy_day(seed), again = busy_day(seed);
        EXPECT_EQ(first.diary, again.diary);
        EXPECT_EQ(first.steps, again.steps);
        EXPECT_EQ(first.passed, again.passed);
        EXPECT_NE(first.diary.find("timed out"), std::string::npos);
        EXPECT_NE(first.diary.find("expired"), std::string::npos);
        another = another || !(first == busy_day(seed + 100));
    }
    EXPECT_TRUE(another) << "every seed took the same course";
}

}  // namespace
