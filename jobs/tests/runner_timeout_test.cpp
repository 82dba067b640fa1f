// Time limits of handlers, and those that do not come back.
#include <atomic>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

constexpr auto ok = gm::channel_status::ok;

TEST(runner_timeout, context_is_done_at_once_and_an_error_is_a_failure) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k",
                       [](const body&, attempt& self) {
                           const gm::time_point start = gm::now();
                           EXPECT_NE(gm::sleep(1h, self.context()), ok);
                           EXPECT_EQ(gm::now() - start, 30s);
                           EXPECT_EQ(self.stop_reason(), stop_reason::timed_out);
                           self.context().check();
                       },
                       {.timeout = 30s, .retry = {.attempts = 1}});
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.errors.at(0).error, "timed out after 30 s: deadline exceeded");
        EXPECT_FALSE(end.overlapping);
    });
}

TEST(runner_timeout, success_after_the_time_stands) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<int>("k", [](int n) { return gm::sleep(40s), n; }, {.timeout = 30s});
        shop.run();
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("k", 7))).value(), 7);
    });
}

TEST(runner_timeout, own_timeout_of_a_job_is_stronger_than_its_kinds) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) { static_cast<void>(gm::sleep(1h, self.context())); },
                       {.timeout = 30s});
        shop.run();
        const gm::time_point start = gm::now();
        EXPECT_EQ(shop.end_of(shop.put("k", body{}, {.timeout = 2s})).state, state::completed);
        EXPECT_LE(gm::now() - start, 4s);
    });
}

// The slot is held until the handler is back: with one worker nothing else runs meanwhile. After abandon_after it is replaced.
TEST(runner_timeout, handler_that_does_not_come_back_is_abandoned_and_its_thread_replaced) {
    on_virtual_time([] {
        workshop shop({.workers = 1, .abandon_after = 1min});
        const gm::time_point start = gm::now();
        gm::time_point other{};
        std::atomic<int> starts{0};
        shop.kinds.add("stuck",
                       [&](const body&) {
                           if (++starts == 1) gm::sleep(10min);
                       },
                       {.timeout = 30s, .retry = {.first = 1h, .longest = 1h, .jitter = 0}});
        shop.kinds.add("other", [&](const body&) { other = gm::now(); });
        shop.run();
        const job_id stuck = shop.put("stuck");
        gm::sleep(1s);
        const job_id next = shop.put("other");
        shop.end_of(next);
        EXPECT_GE(other - start, 90s);
        EXPECT_LE(other - start, 92s);
        gm::sleep(1s);
        record half = shop.look(stuck);
        EXPECT_EQ(half.state, state::retrying);
        EXPECT_TRUE(half.overlapping);
        EXPECT_EQ(half.errors.at(0).error, "timed out after 30 s: it did not come back after its time was up");
        const runner_snapshot now = shop.runner->snapshot();
        ASSERT_EQ(now.running.size(), 1u);
        EXPECT_TRUE(now.running[0].abandoned);
        EXPECT_EQ(shop.end_of(stuck).state, state::completed);
        EXPECT_EQ(starts, 2);
        const runner_report& report = shop.stop();
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.abandoned, 1u);
        EXPECT_EQ(report.counts.started, 3u);
    });
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS
TEST(runner_timeout, coroutine_that_does_not_come_back_gives_its_place_away) {
    on_virtual_time([] {
        workshop shop({.coroutines = 1, .abandon_after = 1min});
        const gm::time_point start = gm::now();
        gm::time_point other{};
        int starts = 0;
        shop.kinds.add("stuck",
                       [&](const body&) -> gm::task<> {
                           if (++starts == 1) co_await gm::async_sleep(10min);
                       },
                       {.timeout = 30s, .retry = {.first = 1h, .longest = 1h, .jitter = 0}});
        shop.kinds.add("other", [&](const body&) -> gm::task<> {
            other = gm::now();
            co_return;
        });
        shop.run();
        const job_id stuck = shop.put("stuck");
        gm::sleep(1s);
        shop.end_of(shop.put("other"));
        EXPECT_GE(other - start, 90s);
        EXPECT_LE(other - start, 92s);
        EXPECT_EQ(shop.end_of(stuck).state, state::completed);
        EXPECT_EQ(shop.stop().counts.abandoned, 1u);
    });
}
#endif

}  // namespace
