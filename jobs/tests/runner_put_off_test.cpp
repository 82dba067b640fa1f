// Jobs of kinds that a worker has no handler for: they are left to others, keep their tries, and keep nobody from what is his.
#include <atomic>

#include "workshop.hpp"

namespace {

using namespace gm::jobs;
using namespace gm::test;
using namespace std::chrono_literals;

struct counting_observer final : runner_observer {
    std::atomic<int> started_ones{0}, put_off_ones{0};
    std::string kind;
    void started(const attempt_event&) noexcept override { ++started_ones; }
    void put_off(const attempt_event& of) noexcept override {
        if (++put_off_ones == 1) kind = of.kind;
    }
};

// It was a failure that used up a try; twenty looks of the wrong worker, and the job was dead.
TEST(runner, job_without_a_handler_here_waits_for_a_worker_that_has_one) {
    on_virtual_time([] {
        counting_observer seen;
        workshop shop({.observer = &seen});
        shop.run();
        const job_id id = shop.put("later", body{"null", {}}, {.retry = retry_policy{.attempts = 1}});
        gm::sleep(10min + 2s);
        const record waits = shop.look(id);
        EXPECT_EQ(waits.state, state::scheduled);
        EXPECT_EQ(waits.attempts, 0);
        EXPECT_TRUE(waits.errors.empty());
        const runner_report report = shop.stop();
        EXPECT_EQ(report.counts.started, 0u);
        EXPECT_EQ(report.counts.snoozed, 0u);
        EXPECT_GE(report.counts.put_off, 100u);
        EXPECT_LE(report.counts.put_off, 121u) << "every 5 s";
        EXPECT_EQ(seen.started_ones, 0);
        EXPECT_EQ(seen.put_off_ones, static_cast<int>(report.counts.put_off));
        EXPECT_EQ(seen.kind, "later");

        shop.kinds.add("later", [](const body&) {});
        shop.run();
        const record end = shop.end_of(id);
        EXPECT_EQ(end.state, state::completed);
        EXPECT_EQ(end.attempts, 1);
    });
}

TEST(runner, jobs_without_a_handler_neither_hold_up_others_nor_keep_it_busy) {
    on_virtual_time(
        [] {
            workshop shop;
            shop.kinds.add("mine", [](const body&) {});
            for (int i = 0; i < 2'000; ++i) shop.put("theirs");
            const job_id mine = shop.put("mine");
            const auto begin = gm::now();
            shop.run();
            EXPECT_EQ(shop.end_of(mine).state, state::completed);
            EXPECT_LT(gm::now() - begin, 5s);
            gm::sleep_until(begin + 60s);
            const auto seen = shop.stop().counts.put_off;
            EXPECT_GE(seen, 2'000u);
            EXPECT_LE(seen, 2'000u + 60 * 100) << "once, and then a hundred a second";
        },
        2);
}

TEST(runner, until_idle_waits_for_its_own_kinds_alone) {
    on_virtual_time([] {
        workshop shop({.queues = {"default", "paused"}, .until_idle = true});
        shop.kinds.add("mine", [](const body&) {});
        const job_id theirs = shop.put("theirs");
        const job_id mine = shop.put("mine", body{"null", {}}, {.run_at = shop.store->now() + 1h});
        const job_id held = shop.put("mine", body{"null", {}}, {.queue = "paused"});
        ASSERT_TRUE(shop.store->ledger()->pause("paused", true));
        const auto begin = gm::now();
        shop.run();
        shop.thread.wait();
        EXPECT_EQ(shop.look(mine).state, state::completed);
        EXPECT_GE(gm::now() - begin, 1h);
        EXPECT_LT(gm::now() - begin, 1h + 10s);
        EXPECT_EQ(shop.look(theirs).attempts, 0);
        EXPECT_EQ(shop.look(held).state, state::available);
    });
}

}  // namespace
