// Misuse of a pool stops the program, and says where.
#include <gristmill/pool.hpp>

#include <latch>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(pool_death, misuse_stops_with_its_place) {
#if !defined(__aarch64__)  // run by an emulator there, which cannot execute the test anew
    GTEST_FLAG_SET(death_test_style, "threadsafe");
#endif
    gm::pool crew({.workers = 1});
    EXPECT_DEATH(static_cast<void>(crew.submit([] {}, {.priority = 8})), "priority is 0 to 7.*pool_misuse_test");
    EXPECT_DEATH(gm::pool({.timeout = -1s}), "times are not negative.*pool_misuse_test");
    EXPECT_DEATH(gm::pool({.workers = static_cast<unsigned>(-1)}), "sizes are not negative.*pool_misuse_test");
    EXPECT_DEATH(gm::pool({.queue = static_cast<std::size_t>(-2)}), "sizes are not negative.*pool_misuse_test");
    EXPECT_DEATH(gm::pool({.sizing = {.most = static_cast<unsigned>(-1)}}), "sizes are not negative.*pool_misuse_test");
    EXPECT_DEATH(crew.resize(static_cast<unsigned>(-4)), "sizes are not negative.*pool_misuse_test");
    EXPECT_DEATH(static_cast<void>(crew.map(
                     std::vector{1}, [](int) {}, {}, static_cast<std::size_t>(-1))),
                 "window is not negative.*pool_misuse_test");
    EXPECT_DEATH(static_cast<void>(crew.map(std::vector{1}, [](int) {}, {.priority = -1})),
                 "priority.*pool_misuse_test");
    EXPECT_DEATH(crew.submit([&] { crew.close(); }).get().value(), "by one of its own jobs.*pool_misuse_test");
    EXPECT_DEATH(crew.submit([&] { static_cast<void>(crew.stop(1s)); }).get().value(), "own jobs.*pool_misuse_test");
    EXPECT_DEATH(
        {
            std::unique_ptr<gm::pool> mine(new gm::pool({.workers = 1}));
            mine->submit([&] { mine.reset(); }).get().value();
        },
        "made here is destroyed by one of its own jobs.*pool_misuse_test");
    EXPECT_DEATH(
        {
            auto done = crew.submit([] {});
            static_cast<void>(done.get());
            static_cast<void>(done.get());
        },
        "result was taken.*pool_misuse_test");
}

TEST(pool_death, state_asked_for_in_a_caller_stops_with_the_place_of_its_submit) {
#if !defined(__aarch64__)
    GTEST_FLAG_SET(death_test_style, "threadsafe");
#endif
    std::latch started(1), go(1);
    gm::pool_of<int> crew([] { return 1; }, {.workers = 1, .queue = 1, .full = gm::when_full::caller_runs});
    auto holding = crew.submit([&](int&) {
        started.count_down();
        go.wait();
    });
    started.wait();
    auto waiting = crew.submit([](int& mine) { return mine; });
    EXPECT_DEATH(static_cast<void>(crew.submit([](int&) {})), "no worker's state.*pool_misuse_test");
    EXPECT_DEATH(static_cast<void>(crew.stop().front().run()), "no worker's state.*pool_misuse_test");
    go.count_down();
    EXPECT_EQ(waiting.get().value(), 1);
}

#if !defined(GRISTMILL_NO_COROUTINE_TESTS)
TEST(pool_death, blocking_a_schedulers_thread_stops_with_its_place) {
#if !defined(__aarch64__)
    GTEST_FLAG_SET(death_test_style, "threadsafe");
#endif
    gm::pool crew({.workers = 1});
    const auto in_a_coroutine = [](auto body) {
        gm::scheduler threads({.threads = 1});
        threads.block_on([](auto body) -> gm::task<> {
            body();
            co_return;
        }(body));
    };
    const auto until_stopped = [](int, gm::job& self) { static_cast<void>(self.context().done().receive()); };
    EXPECT_DEATH(in_a_coroutine([&] { crew.close(); }), "block a scheduler's thread.*pool_misuse_test");
    EXPECT_DEATH(in_a_coroutine([&] { static_cast<void>(crew.map(std::vector{1}, until_stopped).next()); }),
                 "async_next.*pool_misuse_test");
    EXPECT_DEATH(in_a_coroutine([&] { static_cast<void>(crew.map_ordered(std::vector{1}, until_stopped).next()); }),
                 "block it.*pool_misuse_test");
    const auto post_to_full = [&] {
        std::latch started(1), never(1);
        gm::pool full({.workers = 1, .queue = 1});  // its thread belongs to the process that dies
        full.post([&] {
            started.count_down();
            never.wait();
        });
        started.wait();
        full.post([] {});
        in_a_coroutine([&] { full.post([] {}); });
    };
    EXPECT_DEATH(post_to_full(), "full queue of the pool that was made here.*pool_misuse_test");
}

gm::task<> leaves_a_stream_whose_job_runs_on(gm::pool& crew) {
    static std::latch started(1), never(1);
    auto stream = crew.map(std::vector{1, 2}, [](int n) {
        if (n == 1) return;
        started.count_down();
        never.wait();  // asked to stop, it does not
    });
    static_cast<void>(co_await stream.async_next());
    started.wait();
}

TEST(pool_death, stream_left_by_a_coroutine_while_its_jobs_run_stops_with_its_place) {
#if !defined(__aarch64__)
    GTEST_FLAG_SET(death_test_style, "threadsafe");
#endif
    const auto leave = [] {
        gm::pool crew({.workers = 2});  // their threads belong to the process that dies
        gm::scheduler threads({.threads = 1});
        threads.block_on(leaves_a_stream_whose_job_runs_on(crew));
    };
    EXPECT_DEATH(leave(), "async_stop.*pool_misuse_test");
}
#endif

}  // namespace
