// Cron entries as schedule.hpp needs them kept, and firing them from many sides at once.
#include <gristmill/jobs/schedule.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "conformance.hpp"

namespace gm::test {

namespace {

cron_entry entry(std::string name, std::string line = "0 2 * * *") {
    cron_entry made;
    made.name = std::move(name);
    made.line = std::move(line);
    made.job = job("report");
    return made;
}

// There has to be exactly one.
cron_entry only_one(ledger& in) {
    auto all = in.crons();
    EXPECT_TRUE(all && all->size() == 1);
    return all && all->size() == 1 ? all->front() : cron_entry{};
}

}  // namespace

TEST_P(conformance, cron_entry_keeps_every_field_of_its_job) {
    if (!can(feature::cron)) return;
    cron_entry put = entry("nightly");
    put.policy = missed::all;
    put.paused = true;
    put.next = now() + 1h;
    put.job = {.kind = "image.resize",
               .arguments = {.bytes = std::string("\0\xff{}", 4), .type = "application/octet-stream"},
               .queue = "images",
               .key = "customer 7",
               .priority = 5,
               .tags = {"red", "green"},
               .timeout = 90s,
               .retry = retry_policy{.attempts = 3, .first = 1s},
               .unique = unique_key{"one", unique_for::window, 5min}};
    EXPECT_TRUE(ledger().put_cron(put).value()) << "it is new";
    const cron_entry kept = only_one(ledger());
    EXPECT_EQ(kept.name, put.name);
    EXPECT_EQ(kept.line, put.line);
    EXPECT_EQ(kept.zone, "UTC");
    EXPECT_EQ(kept.policy, missed::all);
    EXPECT_TRUE(kept.paused);
    EXPECT_EQ(kept.next, put.next);
    EXPECT_EQ(kept.last, std::nullopt);
    EXPECT_EQ(kept.job.kind, put.job.kind);
    EXPECT_EQ(kept.job.arguments, put.job.arguments);
    EXPECT_EQ(kept.job.queue, put.job.queue);
    EXPECT_EQ(kept.job.key, put.job.key);
    EXPECT_EQ(kept.job.priority, 5);
    EXPECT_EQ(kept.job.tags, put.job.tags);
    EXPECT_EQ(kept.job.timeout, put.job.timeout);
    ASSERT_TRUE(kept.job.retry);
    EXPECT_EQ(kept.job.retry->attempts, 3);
    EXPECT_EQ(kept.job.unique, put.job.unique);
}

TEST_P(conformance, cron_entry_that_is_put_again_keeps_its_plan_unless_line_or_zone_change) {
    if (!can(feature::cron)) return;
    cron_entry put = entry("nightly");
    put.next = now() - 1h;
    const wall_time planned = put.next, later = now() + 24h;
    ASSERT_TRUE(ledger().put_cron(put));
    ASSERT_TRUE(ledger().fire("nightly", planned, later, std::array{job("report")}).value());
    put.next = {};
    put.job.kind = "other";
    EXPECT_FALSE(ledger().put_cron(put).value()) << "there is one of that name";
    EXPECT_EQ(only_one(ledger()).next, later);
    EXPECT_EQ(only_one(ledger()).last, planned);
    EXPECT_EQ(only_one(ledger()).job.kind, "other");
    put.next = planned;
    ASSERT_TRUE(ledger().put_cron(put));
    EXPECT_FALSE(ledger().fire("nightly", planned, later, std::array{job("report")}).value()) << "that would be twice";
    put.line = "0 3 * * *";
    put.next = {};
    ASSERT_TRUE(ledger().put_cron(put));
    EXPECT_EQ(only_one(ledger()).next, wall_time());
}

TEST_P(conformance, cron_entry_with_a_fault_is_invalid) {
    if (!can(feature::cron)) return;
    cron_entry line = entry("a", "0 2 * *"), zone = entry("b"), name = entry(""), kind = entry("d"),
               parent = entry("e");
    zone.zone = "Nowhere";
    kind.job.kind = "";
    parent.job.after = {job_id{1}};
    for (const cron_entry& each : {line, zone, name, kind, parent})
        EXPECT_TRUE(is_fault(ledger().put_cron(each), store_fault::invalid)) << each.name;
    EXPECT_TRUE(ledger().crons().value().empty());
}

TEST_P(conformance, cron_entry_that_is_fired_without_jobs_is_only_moved_on) {
    if (!can(feature::cron)) return;
    ASSERT_TRUE(ledger().put_cron(entry("nightly")));
    const wall_time next = now() + 1h;
    EXPECT_TRUE(ledger().fire("nightly", {}, next, {}).value());
    EXPECT_FALSE(ledger().fire("nightly", {}, next, {}).value());
    EXPECT_EQ(only_one(ledger()).next, next);
    EXPECT_EQ(only_one(ledger()).last, std::nullopt);
    EXPECT_EQ(ledger().count({}).value(), 0u);
}

TEST_P(conformance, cron_run_whose_unique_key_is_taken_is_left_out) {
    if (!can(feature::cron) || !can(feature::unique)) return;
    cron_entry put = entry("nightly", "* * * * *");
    put.job.unique = unique_key{"one at a time"};
    put.policy = missed::all;
    put.next = now() - 10min;
    ASSERT_TRUE(ledger().put_cron(put));
    EXPECT_TRUE(fire_due(ledger(), now()));
    EXPECT_EQ(ledger().count({.kind = "report"}).value(), 1u);
    EXPECT_GT(only_one(ledger()).next, now() - 1min) << "it is moved on all the same";
}

TEST_P(conformance, cron_run_says_which_time_it_stands_for) {
    if (!can(feature::cron)) return;
    cron_entry put = entry("nightly");
    put.next = std::chrono::floor<std::chrono::days>(now()) - 22h;
    ASSERT_TRUE(ledger().put_cron(put));
    ASSERT_EQ(fire_due(ledger(), put.next).value().count, 1u);
    const delivery run = claim_one(*subscribe());
    EXPECT_EQ(run.kind, "report");
    EXPECT_EQ(due_time(run.tags), put.next);
}

// Four workers on two openings of the store fire the same entries, each at its own pace.
TEST_P(conformance, cron_times_are_fired_by_exactly_one_of_many) {
    if (!can(feature::cron)) return;
    const wall_time begin = std::chrono::floor<std::chrono::hours>(now()) - 24h;
    for (const auto& [name, line] : {std::pair("minutely", "* * * * *"), {"odd", "1-59/2 * * * *"}}) {
        cron_entry put = entry(name, line);
        put.policy = missed::all;
        put.next = begin + 1min;
        ASSERT_TRUE(ledger().put_cron(put));
    }
    const std::unique_ptr<jobs::store> other = harness().open();
    std::atomic<std::size_t> count = 0;
    {
        std::vector<std::jthread> firers;
        for (int i = 0; i != 4; ++i)
            firers.emplace_back([&, table = (i % 2 == 0 ? store() : *other).ledger()] {
                for (int step = 1; step <= 60; ++step) {
                    const auto fired = fire_due(*table, begin + 20s * step);
                    EXPECT_TRUE(fired && fired->broken.empty());
                    if (fired) count += fired->count;
                }
            });
    }
    EXPECT_EQ(count, 20u + 10u);
    std::vector<std::pair<std::string, std::string>> runs;
    const auto listed = ledger().list({.kind = "report"}, {});
    ASSERT_TRUE(listed);
    for (const record& each : *listed)
        if (each.tags.size() == 2) runs.emplace_back(each.tags[0], each.tags[1]);
    EXPECT_EQ(runs.size(), 30u);
    std::ranges::sort(runs);
    EXPECT_EQ(std::ranges::adjacent_find(runs), runs.end()) << "a time was fired twice";
}

}  // namespace gm::test
