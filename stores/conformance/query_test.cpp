// Asking: lists, filters, counters; changes of all that meets a filter; and what is removed when its time is over.
#include "conformance.hpp"

#include <algorithm>
#include <set>

namespace gm::test {

namespace {

std::vector<job_id> ids_of(const std::vector<record>& records) {
    std::vector<job_id> all;
    for (const record& each : records) all.push_back(each.id);
    return all;
}

}  // namespace

TEST_P(conformance, list_goes_page_by_page_in_either_order) {
    if (lacks(feature::query)) return;
    std::vector<job_id> made = publish(std::vector<new_job>(25, job()));
    for (order by : {order::oldest_first, order::newest_first}) {
        std::vector<job_id> seen;
        job_id last{};
        for (std::size_t size : {10u, 10u, 5u, 0u}) {
            const auto part = ledger().list({}, {.by = by, .beyond = last, .most = 10}).value();
            ASSERT_EQ(part.size(), size);
            for (job_id each : ids_of(part)) seen.push_back(each);
            last = seen.back();
        }
        EXPECT_EQ(seen, made);
        std::ranges::reverse(made);
    }
    EXPECT_TRUE(ledger().list({}, {.most = 0}).value().empty());
}

TEST_P(conformance, pages_of_what_meets_a_filter_leave_nothing_out) {
    if (lacks(feature::query)) return;
    std::vector<new_job> all;
    for (int i = 0; i != 30; ++i) all.push_back(job(i % 3 == 0 ? "third" : "other"));
    const auto made = publish(all);
    std::vector<job_id> seen;
    job_id last{};
    while (true) {
        const auto part =
            ledger().list({.kind = "third"}, {.by = order::oldest_first, .beyond = last, .most = 4}).value();
        for (job_id each : ids_of(part)) seen.push_back(each);
        if (part.size() < 4) break;
        last = seen.back();
    }
    ASSERT_EQ(seen.size(), 10u);
    for (std::size_t i = 0; i != 10; ++i) EXPECT_EQ(seen[i], made[3 * i]);
}

// A little world with one job in each corner of the filter.
TEST_P(conformance, each_field_of_a_filter_counts) {
    if (lacks(feature::query) || lacks(feature::run_at)) return;
    const auto worker = subscribe({"work"});
    new_job first{.kind = "mail", .arguments = {R"({"to":"anna"})", ""}, .queue = "work", .key = "k1", .tags = {"red"}};
    new_job second{
        .kind = "mail", .arguments = {R"({"to":"bert"})", ""}, .queue = "work", .key = "k2", .tags = {"red", "blue"}};
    new_job third{.kind = "print", .queue = "paper", .run_at = now() + 1h, .tags = {"blue"}};
    const job_id a = publish(first);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no such street")), settled::yes);
    let_pass(2ms);
    const wall_time between = now();
    let_pass(2ms);
    const job_id b = publish(second), c = publish(third);
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);

    const auto meet = [&](const char* what, const filter& which, std::vector<job_id> expected) {
        EXPECT_EQ(ids_of(ledger().list(which, {.by = order::oldest_first}).value()), expected) << what;
        EXPECT_EQ(ledger().count(which).value(), expected.size()) << what;
    };
    meet("nothing", {}, {a, b, c});
    meet("ids", {.ids = {c, a, c}}, {a, c});
    meet("ids that do not exist", {.ids = {job_id{123'456'789}}}, {});
    meet("states", {.states = {state::dead, state::scheduled}}, {a, c});
    meet("queue", {.queue = "work"}, {a, b});
    meet("kind", {.kind = "print"}, {c});
    meet("key", {.key = "k2"}, {b});
    meet("tag", {.tag = "blue"}, {b, c});
    meet("a part of a tag", {.tag = "blu"}, {});
    meet("worker", {.worker = "tester"}, {a, b});
    meet("text in arguments", {.text = "bert"}, {b});
    meet("text in the last error", {.text = "no such street"}, {a});
    meet("text is no pattern", {.text = "%"}, {});
    meet("inserted before", {.inserted_before = between}, {a});
    meet("inserted after", {.inserted_after = between}, {b, c});
    meet("finished before", {.finished_before = between}, {a});
    meet("finished after", {.finished_after = between}, {b});
    meet("all of it", {.states = {state::dead}, .queue = "work", .kind = "mail", .key = "k1", .tag = "red"}, {a});
    meet("all of it but one", {.states = {state::dead}, .queue = "work", .kind = "mail", .key = "k2"}, {});
}

TEST_P(conformance, bulk_change_touches_what_meets_the_filter_and_nothing_else) {
    if (lacks(feature::query)) return;
    std::vector<new_job> all(10, job());
    for (std::size_t i = 0; i != 10; ++i) all[i].queue = i % 2 ? "odd" : "even";
    publish(all);
    EXPECT_EQ(ledger().cancel({.queue = "odd"}).value(), 5u);
    EXPECT_EQ(ledger().count({.states = {state::cancelled}, .queue = "odd"}).value(), 5u);
    EXPECT_EQ(ledger().count({.states = {state::available}, .queue = "even"}).value(), 5u);
    EXPECT_EQ(ledger().retry({.states = {state::cancelled}}).value(), 5u);
    EXPECT_EQ(ledger().set_priority({.queue = "even"}, 9).value(), 5u);
    const auto all_now = ledger().list({}, {}).value();
    for (const record& each : all_now) EXPECT_EQ(each.priority, each.queue == "even" ? 9 : 0);
    EXPECT_EQ(ledger().remove({.queue = "even"}).value(), 5u);
    EXPECT_EQ(ledger().count({}).value(), 5u);
    expect_counters_true();
}

TEST_P(conformance, bulk_change_of_very_many_changes_all) {
    if (lacks(feature::query)) return;
    const std::size_t many = harness().scaled(20'000);
    publish(std::vector<new_job>(many, job()));
    EXPECT_EQ(ledger().cancel({}).value(), many);
    EXPECT_EQ(ledger().retry({}).value(), many);
    EXPECT_EQ(ledger().remove({}).value(), many);
    EXPECT_EQ(ledger().count({}).value(), 0u);
    EXPECT_TRUE(claim(*subscribe(), 9).empty());
    expect_counters_true();
}

TEST_P(conformance, remove_takes_what_is_over_or_waits_and_leaves_what_runs) {
    if (lacks(feature::query) || lacks(feature::run_at)) return;
    const auto worker = subscribe();
    publish(std::vector<new_job>(3, job()));
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    const delivery running = claim_one(*worker);
    new_job later = job();
    later.run_at = now() + 1h;
    publish({later, job()});
    EXPECT_EQ(ledger().remove({}).value(), 4u);
    EXPECT_TRUE(claim(*worker, 9).empty());
    EXPECT_EQ(complete(*worker, running), settled::yes);
    expect_counters_true();
}

// ---- counters ----

TEST_P(conformance, queue_report_counts_by_state_and_knows_the_oldest) {
    if (lacks(feature::query)) return;
    EXPECT_EQ(queue().oldest_available, std::nullopt);
    const job_id first = publish(job());
    let_pass(2ms);
    new_job urgent = job();
    urgent.priority = can(feature::priority) ? 100 : 0;
    const job_id second = publish(urgent);
    EXPECT_EQ(queue().counts[static_cast<std::size_t>(state::available)], 2u);
    EXPECT_EQ(queue().oldest_available, find(first).run_at);  // whatever goes first
    EXPECT_EQ(ledger().cancel({.ids = {first}}).value(), 1u);
    EXPECT_EQ(queue().oldest_available, find(second).run_at);
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(queue().oldest_available, std::nullopt);
    EXPECT_EQ(queue().counts[static_cast<std::size_t>(state::running)], 1u);
    EXPECT_EQ(complete(*worker, got), settled::yes);
    EXPECT_EQ(queue().counts[static_cast<std::size_t>(state::completed)], 1u);
    EXPECT_EQ(queue().completed, 1u);
    expect_counters_true();
}

TEST_P(conformance, what_was_done_ever_stays_counted_when_it_is_removed) {
    if (lacks(feature::query)) return;
    publish({job(), job()});
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(ledger().remove({}).value(), 2u);
    EXPECT_EQ(queue().completed, 1u);
    EXPECT_EQ(queue().failed, 1u);
    expect_counters_true();
}

TEST_P(conformance, queues_are_listed_by_name) {
    if (lacks(feature::query)) return;
    for (const char* name : {"b", "c", "a"}) {
        new_job each = job();
        each.queue = name;
        publish(each);
    }
    std::vector<std::string> names;
    const auto all = ledger().queues().value();
    for (const queue_report& each : all)
        if (each.counts[static_cast<std::size_t>(state::available)]) names.push_back(each.name);
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
}

// ---- retention ----

TEST_P(conformance, finished_job_is_removed_when_its_time_is_over) {
    if (lacks(feature::retention)) return;
    static_cast<void>(ledger().retain({.completed = moment(), .cancelled = 1h, .dead = 2h}));
    const std::vector<job_id> made = publish(std::vector<new_job>(4, job()));
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(ledger().cancel({.ids = {made[2]}}).value(), 1u);
    let_pass(moment());
    EXPECT_EQ(worker->sweep().value().removed, 1u);
    EXPECT_FALSE(ledger().find(made[0]).value());
    EXPECT_EQ(state_of(made[1]), state::dead);
    EXPECT_EQ(state_of(made[2]), state::cancelled);
    EXPECT_EQ(state_of(made[3]), state::available);
    EXPECT_EQ(queue().completed, 1u);
    expect_counters_true();
    if (!harness().time_is_virtual()) return;
    let_pass(1h);
    EXPECT_EQ(worker->sweep().value().removed, 1u);
    EXPECT_EQ(state_of(made[1]), state::dead);
    let_pass(1h);
    EXPECT_EQ(worker->sweep().value().removed, 1u);
    EXPECT_EQ(state_of(made[3]), state::available);
}

TEST_P(conformance, retention_is_a_day_and_a_week_for_the_dead_by_default) {
    if (lacks(feature::retention) || !harness().time_is_virtual()) return;
    const std::vector<job_id> made = publish({job(), job()});
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    let_pass(23h);
    EXPECT_EQ(worker->sweep().value().removed, 0u);
    let_pass(1h);
    EXPECT_EQ(worker->sweep().value().removed, 1u);
    let_pass(24h * 6);
    EXPECT_EQ(worker->sweep().value().removed, 1u);
    EXPECT_EQ(ledger().count({}).value(), 0u);
}

TEST_P(conformance, very_many_finished_jobs_are_removed_in_bounded_steps) {
    if (lacks(feature::retention)) return;
    const std::size_t many = harness().scaled(20'000);
    static_cast<void>(ledger().retain({.completed = 0s, .cancelled = 0s, .dead = 0s}));
    publish(std::vector<new_job>(many, job()));
    EXPECT_EQ(ledger().cancel({}).value(), many);
    const auto worker = subscribe();
    let_pass(1ms);
    std::size_t removed = 0;
    for (int i = 0; i != 1000 && removed != many; ++i) {
        const swept step = worker->sweep().value();
        EXPECT_LE(step.removed, 10'000u);
        removed += step.removed;
    }
    EXPECT_EQ(removed, many);
    EXPECT_EQ(ledger().count({}).value(), 0u);
    expect_counters_true();
}

TEST_P(conformance, revived_job_is_not_removed_for_its_earlier_end) {
    if (lacks(feature::retention)) return;
    static_cast<void>(ledger().retain({.completed = 1h, .cancelled = moment(), .dead = 1h}));
    const job_id id = publish(job());
    EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
    EXPECT_EQ(ledger().retry({.ids = {id}}).value(), 1u);
    let_pass(moment() * 2);
    const auto worker = subscribe();
    EXPECT_EQ(worker->sweep().value().removed, 0u);
    EXPECT_EQ(state_of(id), state::available);
}

}  // namespace gm::test
