#include <gristmill/virtual_time.hpp>

#include <sys/resource.h>

#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/channel.hpp>

using namespace std::chrono_literals;

namespace {

void pause_for(std::chrono::nanoseconds how_long) {
    gm::channel<int> never(0);
    static_cast<void>(never.receive(how_long));
}

struct thread_of_this_world {
    thread_of_this_world(const char* name, std::function<void()> body)
        : handle(gm::detail::current_engine->start_thread(name, std::move(body))) {}
    std::unique_ptr<gm::detail::engine::thread_handle> handle;
};

}  // namespace

TEST(virtual_time, body_that_sleeps_takes_virtual_time_only) {
    gm::virtual_time day;
    const auto real = std::chrono::steady_clock::now();
    const auto report = day.run([] {
        const auto start = gm::now();
        pause_for(8h);
        EXPECT_EQ(gm::now() - start, 8h);
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(report.passed, 8h);
    EXPECT_EQ(report.abandoned, 0u);
    EXPECT_LT(std::chrono::steady_clock::now() - real, 10s);
}

TEST(virtual_time, exception_of_the_root_is_rethrown) {
    gm::virtual_time day;
    EXPECT_THROW(static_cast<void>(day.run([] { throw std::runtime_error("out"); })), std::runtime_error);
    EXPECT_EQ(gm::detail::current_engine, nullptr);
}

TEST(virtual_time, deadlock_of_threads_is_reported_with_who_waits_for_what) {
    gm::virtual_time day;
    const auto report = day.run([] {
        gm::channel<int> a(0), b(0);
        thread_of_this_world other("left", [&] {
            static_cast<void>(a.receive());
            static_cast<void>(b.send(1));
        });
        static_cast<void>(b.receive());
        static_cast<void>(a.send(1));
    });
    EXPECT_EQ(report.ended, gm::virtual_end::deadlock);
    ASSERT_EQ(report.waits.size(), 2u) << report.text();
    EXPECT_EQ(report.waits[0].who, "root");
    EXPECT_EQ(report.waits[1].who, "left");
    EXPECT_NE(report.waits[1].what.find("receive"), std::string::npos) << report.text();
    EXPECT_EQ(report.abandoned, 2u);
}

TEST(virtual_time, channel_between_threads_passes_every_value_in_order) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        gm::virtual_time day({.seed = seed});
        std::vector<int> got;
        const auto report = day.run([&] {
            gm::channel<int> numbers(2);
            thread_of_this_world sender("sender", [&] {
                for (int i = 0; i != 10; ++i) static_cast<void>(numbers.send(i));
                numbers.close();
            });
            for (const int each : numbers) got.push_back(each);
        });
        EXPECT_TRUE(report) << report.text();
        EXPECT_EQ(got, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    }
}

TEST(virtual_time, dry_run_of_the_seed_prints_its_table) {
    gm::virtual_time day({.seed = 7});
    const auto report = day.run([&] {
        day.table().begin(3);
        gm::channel<int> jobs(5), results(5);
        for (int job = 1; job <= 5; ++job) {
            day.table().queued(job);
            static_cast<void>(jobs.send(job));
        }
        jobs.close();
        std::vector<std::unique_ptr<thread_of_this_world>> crew;
        for (std::size_t id = 0; id != 3; ++id)
            crew.push_back(std::make_unique<thread_of_this_world>("worker", [&, id] {
                for (const int job : jobs) {
                    day.table().started(id, job);
                    pause_for(1s);
                    day.table().finished(id, job);
                    static_cast<void>(results.send(job * 2));
                }
            }));
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(report.passed, 2s);
    const std::string table = day.table().text();
    // Which worker got which job is the seed's to say; the shape is not.
    const std::string any = std::regex_replace(table, std::regex("(Job|Done \\()( ?)[1-5]"), "$1$2n");
    EXPECT_EQ(any,
              "| Time | Jobs queue  | Worker 1 | Worker 2 | Worker 3 |\n"
              "|------|-------------|----------|----------|----------|\n"
              "| 0s   | [1,2,3,4,5] | Idle     | Idle     | Idle     |\n"
              "| 0s   | [4,5]       | Job n    | Job n    | Job n    |\n"
              "| 1s   | [4,5]       | Done (n) | Done (n) | Done (n) |\n"
              "| 1s   | []          | Job n    | Job n    | Idle     |\n"
              "| 2s   | []          | Done (n) | Done (n) | Idle     |\n")
        << table;
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)

namespace {

gm::task<> nap(std::chrono::nanoseconds how_long) {
    gm::channel<int> never(0);
    static_cast<void>(co_await never.async_receive(gm::until(how_long)));
}

// A trace of a small crew: who did what, when.
gm::task<> clerk(int id, gm::channel<int> jobs, std::vector<std::string>& trace) {
    while (auto job = co_await jobs.async_receive()) {
        co_await nap(std::chrono::minutes(10 + *job % 7));
        trace.push_back(std::to_string(id) + ":" + std::to_string(*job));
    }
}

std::vector<std::string> trace_of(std::uint64_t seed, gm::virtual_report* report = nullptr) {
    std::vector<std::string> trace;
    gm::virtual_time day({.seed = seed});
    const auto outcome = day.run([&] {
        gm::scheduler sched;
        gm::channel<int> jobs(2);
        for (int id = 0; id != 4; ++id) EXPECT_TRUE(sched.spawn(clerk(id, jobs, trace)));
        for (int job = 0; job != 100; ++job) static_cast<void>(jobs.send(job));
        jobs.close();
        while (sched.live_tasks() != 0) pause_for(1s);
    });
    EXPECT_TRUE(outcome) << outcome.text();
    if (report) *report = outcome;
    return trace;
}

gm::task<> wait_on(gm::channel<int> from) { static_cast<void>(co_await from.async_receive()); }

gm::task<> root_of_a_deadlock(gm::scheduler* sched, gm::channel<int> never) {
    static_cast<void>(sched);
    co_await wait_on(never);
}

gm::task<> ticking() {
    while (true) co_await nap(1s);
}

gm::task<> failing() {
    co_await nap(1s);
    throw std::logic_error("late");
}

}  // namespace

TEST(virtual_time, task_that_sleeps_eight_hours_is_done_at_once) {
    gm::virtual_time day;
    const auto report = day.run(nap(8h));
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(report.passed, 8h);
    EXPECT_EQ(report.unfinished, 0u);
    EXPECT_EQ(report.abandoned, 0u);
}

// The clock has a thread, but coroutines that sleep do not need it: 2,000 of them would change threads 4,000 times.
TEST(virtual_time, sleeping_tasks_change_no_threads) {
    const auto switches = [] {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return used.ru_nvcsw;
    };
    gm::virtual_time day;
    const long before = switches();
    const auto report = day.run([]() -> gm::task<> {
        for (int i = 0; i != 2000; ++i) co_await nap(1s);
    });
    EXPECT_EQ(report.passed, 2000s);
    EXPECT_LT(switches() - before, 1000);
}

TEST(virtual_time, seed_replays_exactly_and_another_one_differs) {
    gm::virtual_report first, second;
    const auto one = trace_of(11, &first);
    EXPECT_EQ(one.size(), 100u);
    EXPECT_EQ(one, trace_of(11, &second));
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.passed, second.passed);
    bool differs = false;
    for (std::uint64_t seed = 12; seed != 20; ++seed) differs |= trace_of(seed) != one;
    EXPECT_TRUE(differs);
}

TEST(virtual_time, deadlock_of_tasks_is_reported_and_nothing_leaks) {
    gm::virtual_time day;
    gm::channel<int> never(0);
    const auto report = day.run([&] { return root_of_a_deadlock(nullptr, never); });
    EXPECT_EQ(report.ended, gm::virtual_end::deadlock);
    ASSERT_EQ(report.waits.size(), 1u) << report.text();
    EXPECT_EQ(report.waits[0].who, "root");
    EXPECT_EQ(report.waits[0].what, "receives from a channel #1");
    EXPECT_EQ(report.unfinished, 1u);
    EXPECT_EQ(report.abandoned, 0u);
    EXPECT_TRUE(never.close());
}

TEST(virtual_time, horizon_ends_a_task_that_ticks_for_ever) {
    gm::virtual_time day({.horizon = 1h});
    const auto report = day.run(ticking());
    EXPECT_EQ(report.ended, gm::virtual_end::horizon);
    EXPECT_EQ(report.passed, 1h);
    EXPECT_EQ(report.unfinished, 1u);
}

TEST(virtual_time, exception_of_a_root_task_is_rethrown) {
    gm::virtual_time day;
    EXPECT_THROW(static_cast<void>(day.run(failing())), std::logic_error);
}

TEST(virtual_time, task_and_thread_of_one_world_meet_on_a_channel) {
    for (std::uint64_t seed = 1; seed != 20; ++seed) {
        gm::virtual_time day({.seed = seed});
        int sum = 0;
        const auto report = day.run([&]() -> gm::task<> {
            gm::channel<int> numbers(0);
            thread_of_this_world sender("sender", [numbers] {
                for (int i = 1; i <= 10; ++i) {
                    pause_for(1min);
                    static_cast<void>(numbers.send(i));
                }
                numbers.close();
            });
            while (auto each = co_await numbers.async_receive()) sum += *each;
        });
        EXPECT_TRUE(report) << report.text();
        EXPECT_EQ(sum, 55);
        EXPECT_EQ(report.passed, 10min);
    }
}

TEST(virtual_time, timeout_at_the_same_moment_as_the_value_is_one_or_the_other) {
    for (std::uint64_t seed = 1; seed != 50; ++seed) {
        gm::virtual_time day({.seed = seed});
        const auto report = day.run([] {
            gm::channel<int> hand(0);
            gm::channel_status sent{};
            thread_of_this_world sender("sender", [&] {
                pause_for(1s);
                sent = hand.send(1, 0s).status();
            });
            const auto got = hand.receive(1s);
            sender.handle.reset();
            EXPECT_EQ(got.has_value(), sent == gm::channel_status::ok);
        });
        EXPECT_TRUE(report) << report.text();
    }
}

TEST(virtual_time, loop_that_never_waits_is_ended_by_most_steps) {
    gm::virtual_time day({.most_steps = 1000});
    const auto report = day.run([]() -> gm::task<> {
        while (true) co_await gm::yield();
    });
    EXPECT_EQ(report.ended, gm::virtual_end::steps);
}

TEST(virtual_time_DeathTest, negative_horizon_is_misuse_with_its_place) {
    EXPECT_DEATH(gm::virtual_time({.horizon = -1s}), "horizon in the past.*virtual_time_test");
}

TEST(virtual_time_DeathTest, wake_from_outside_is_misuse) {
#if !defined(__aarch64__)  // run by an emulator there, which cannot execute the test anew
    GTEST_FLAG_SET(death_test_style, "threadsafe");
#endif
    EXPECT_DEATH(
        {
            gm::virtual_time day;
            static_cast<void>(day.run([] {
                gm::channel<int> hand(0);
                // No time passes here before the receiver waits. Until then an outsider at the channel could hold its
                // lock, the receiver yield for it, and the join keep the baton for ever.
                thread_of_this_world waits("waits", [hand] {
                    pause_for(1s);
                    std::thread outsider([hand] {
                        while (hand.try_send(1) != gm::channel_status::ok) std::this_thread::yield();
                    });
                    outsider.join();
                });
                static_cast<void>(hand.receive());
            }));
        },
        "from outside");
}

#endif
