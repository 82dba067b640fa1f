// Cron entries: kept by name, and each firing happens once, whoever calls.
#include "conformance.hpp"

#include <atomic>
#include <barrier>
#include <thread>

namespace gm::test {

namespace {

cron_entry daily(wall_time next) {
    return {.name = "nightly",
            .line = "0 3 * * *",
            .zone = "Europe/Berlin",
            .job = job("report"),
            .policy = missed::all,
            .next = next};
}

}  // namespace

TEST_P(conformance, cron_entry_is_kept_as_it_was_put) {
    if (lacks(feature::cron)) return;
    cron_entry entry = daily(now() + 5h);
    entry.job = {.kind = "report",
                 .arguments = {R"({"of":"yesterday"})", ""},
                 .queue = "slow",
                 .key = "k",
                 .priority = 7,
                 .tags = {"t"},
                 .timeout = 5min,
                 .retry = retry_policy{.attempts = 2}};
    ASSERT_TRUE(ledger().put_cron(entry));
    const auto all = ledger().crons().value();
    ASSERT_EQ(all.size(), 1u);
    const cron_entry& is = all[0];
    EXPECT_EQ(is.name, entry.name);
    EXPECT_EQ(is.line, entry.line);
    EXPECT_EQ(is.zone, entry.zone);
    EXPECT_EQ(is.policy, entry.policy);
    EXPECT_EQ(is.next, entry.next);
    EXPECT_FALSE(is.last);
    EXPECT_FALSE(is.paused);
    EXPECT_EQ(is.job.kind, entry.job.kind);
    EXPECT_EQ(is.job.arguments, entry.job.arguments);
    EXPECT_EQ(is.job.queue, entry.job.queue);
    EXPECT_EQ(is.job.key, entry.job.key);
    EXPECT_EQ(is.job.priority, entry.job.priority);
    EXPECT_EQ(is.job.tags, entry.job.tags);
    EXPECT_EQ(is.job.timeout, entry.job.timeout);
    ASSERT_TRUE(is.job.retry);
    EXPECT_EQ(is.job.retry->attempts, 2);
}

TEST_P(conformance, cron_entry_takes_the_place_of_the_one_of_its_name) {
    if (lacks(feature::cron)) return;
    cron_entry entry = daily(now());
    ASSERT_TRUE(ledger().put_cron(entry));
    entry.line = "@hourly";
    ASSERT_TRUE(ledger().put_cron(entry));
    entry.name = "another";
    ASSERT_TRUE(ledger().put_cron(entry));
    const auto all = ledger().crons().value();
    ASSERT_EQ(all.size(), 2u);
    for (const cron_entry& each : all) EXPECT_EQ(each.line, "@hourly");
    EXPECT_TRUE(ledger().remove_cron("nightly").value());
    EXPECT_FALSE(ledger().remove_cron("nightly").value());
    EXPECT_EQ(ledger().crons().value().size(), 1u);
}

TEST_P(conformance, cron_entry_with_a_fault_is_refused) {
    if (lacks(feature::cron)) return;
    cron_entry entry = daily(now());
    entry.line = "61 * * * *";
    EXPECT_TRUE(is_fault(ledger().put_cron(entry), store_fault::invalid));
    entry = daily(now());
    entry.name.clear();
    EXPECT_TRUE(is_fault(ledger().put_cron(entry), store_fault::invalid));
    entry = daily(now());
    entry.job.kind.clear();
    EXPECT_TRUE(is_fault(ledger().put_cron(entry), store_fault::invalid));
    EXPECT_TRUE(ledger().crons().value().empty());
}

TEST_P(conformance, cron_fires_if_the_entry_is_as_expected) {
    if (lacks(feature::cron)) return;
    const wall_time first = now(), second = first + 24h;
    ASSERT_TRUE(ledger().put_cron(daily(first)));
    const std::vector<new_job> jobs{job("report")};
    EXPECT_TRUE(ledger().fire("nightly", first, second, jobs).value());
    const auto all = ledger().crons().value();
    EXPECT_EQ(all.at(0).next, second);
    EXPECT_EQ(all.at(0).last, first);
    EXPECT_FALSE(ledger().fire("nightly", first, second, jobs).value());
    EXPECT_FALSE(ledger().fire("unknown", first, second, jobs).value());
    const auto got = claim(*subscribe(), 9);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].kind, "report");
}

TEST_P(conformance, cron_that_is_paused_does_not_fire) {
    if (lacks(feature::cron)) return;
    cron_entry entry = daily(now());
    entry.paused = true;
    ASSERT_TRUE(ledger().put_cron(entry));
    EXPECT_FALSE(ledger().fire("nightly", entry.next, entry.next + 24h, std::vector<new_job>{job()}).value());
    EXPECT_EQ(ledger().crons().value().at(0).next, entry.next);
    EXPECT_TRUE(claim(*subscribe(), 9).empty());
}

TEST_P(conformance, cron_moves_on_without_jobs_or_with_many) {
    if (lacks(feature::cron)) return;
    const wall_time first = now();
    ASSERT_TRUE(ledger().put_cron(daily(first)));
    EXPECT_TRUE(ledger().fire("nightly", first, first + 1h, {}).value());
    EXPECT_TRUE(ledger().fire("nightly", first + 1h, first + 2h, std::vector<new_job>(3, job())).value());
    EXPECT_EQ(claim(*subscribe(), 9).size(), 3u);
}

TEST_P(conformance, cron_whose_job_has_a_fault_does_not_move_on) {
    if (lacks(feature::cron)) return;
    const wall_time first = now();
    ASSERT_TRUE(ledger().put_cron(daily(first)));
    EXPECT_TRUE(is_fault(ledger().fire("nightly", first, first + 1h, std::vector<new_job>{job(), job("")}),
                         store_fault::invalid));
    EXPECT_EQ(ledger().crons().value().at(0).next, first);
    EXPECT_TRUE(claim(*subscribe(), 9).empty());
}

// No leader is needed: of all who see that it is due, one fires it.
TEST_P(conformance, cron_that_many_fire_at_once_fires_once) {
    if (lacks(feature::cron)) return;
    constexpr int callers = 4, rounds = 10;
    const wall_time first = now();
    ASSERT_TRUE(ledger().put_cron(daily(first)));
    std::atomic<int> fired = 0;
    std::barrier together(callers);
    {
        std::vector<std::jthread> crew;
        for (int i = 0; i != callers; ++i)
            crew.emplace_back([&, own = harness().open()] {
                for (int round = 0; round != rounds; ++round) {
                    together.arrive_and_wait();
                    auto done = own->ledger()->fire("nightly", first + round * 1h, first + (round + 1) * 1h,
                                                    std::vector<new_job>{job()});
                    if (done && *done) ++fired;
                }
            });
    }
    EXPECT_EQ(fired, rounds);
    EXPECT_EQ(claim(*subscribe(), 99).size(), static_cast<std::size_t>(rounds));
}

}  // namespace gm::test
