#include "conformance.hpp"

#include <algorithm>

namespace gm::test {

void conformance::SetUp() {
    harness_ = GetParam()();
    store_ = harness_->open();
    ASSERT_TRUE(store_);
}

void conformance::reopen(const size_limits& limits) { store_ = harness_->open(limits); }

published conformance::publish_one(const new_job& job) {
    auto outcome = store_->sink().publish({&job, 1});
    if (!outcome) {
        ADD_FAILURE() << outcome.error().what;
        return {published::unknown, {}};
    }
    EXPECT_EQ(outcome->size(), 1u);
    return outcome->at(0);
}

job_id conformance::publish(const new_job& job) {
    const published made = publish_one(job);
    EXPECT_EQ(made.outcome, published::accepted);
    return made.id;
}

std::vector<job_id> conformance::publish(const std::vector<new_job>& jobs) {
    auto outcome = store_->sink().publish(jobs);
    std::vector<job_id> made;
    if (!outcome) {
        ADD_FAILURE() << outcome.error().what;
        return made;
    }
    EXPECT_EQ(outcome->size(), jobs.size());
    for (const published& each : *outcome) {
        EXPECT_EQ(each.outcome, published::accepted);
        made.push_back(each.id);
    }
    return made;
}

std::unique_ptr<source> conformance::subscribe(std::vector<std::string> queues, std::function<void()> bell) {
    auto made = store_->subscribe(
        {.queues = std::move(queues), .worker = "tester", .lease = harness_->lease(), .bell = std::move(bell)});
    if (!made) {
        ADD_FAILURE() << made.error().what;
        std::abort();  // no test can go on without
    }
    return std::move(*made);
}

exchanged conformance::exchange(source& by, std::span<const settlement> ends, const demand& wanted) {
    auto done = by.exchange(ends, wanted);
    if (!done) {
        ADD_FAILURE() << done.error().what;
        return {};
    }
    EXPECT_EQ(done->outcomes.size(), ends.size());
    return std::move(*done);
}

std::vector<delivery> conformance::claim(source& by, std::size_t most, jobs::claim which) {
    return exchange(by, {}, {.idle = most, .which = which}).jobs;
}

delivery conformance::claim_one(source& by, jobs::claim which) {
    std::vector<delivery> got = claim(by, 1, which);
    // Where time is real the machine may stall, and who was silent for a lease gets nothing before he has beaten.
    if (got.empty() && std::chrono::steady_clock::now() - begun_ > harness_->lease()) {
        beat(by);
        got = claim(by, 1, which);
    }
    EXPECT_EQ(got.size(), 1u);
    return got.empty() ? delivery{} : std::move(got[0]);
}

settled conformance::settle(source& by, const settlement& end) {
    const exchanged done = exchange(by, {&end, 1}, {});
    return done.outcomes.empty() ? settled::unknown : done.outcomes[0];
}

beaten conformance::beat(source& by) {
    auto done = by.beat({});
    if (!done) {
        ADD_FAILURE() << done.error().what;
        return {};
    }
    return std::move(*done);
}

// Where time is real the machine may stall, and then its own beats have to begin anew.
std::size_t conformance::rescue_by(source& by) {
    for (int i = 0; i != 60; ++i) {
        EXPECT_TRUE(beat(by).lost.empty());
        auto done = by.sweep();
        if (!done) ADD_FAILURE() << done.error().what;
        if (done && done->rescued != 0) return done->rescued;
        let_pass(harness_->lease() / 4);
    }
    return 0;
}

// What takes a store long is not done at every sweep.
std::size_t conformance::remove_by(source& by) {
    for (int i = 0; i != 60; ++i) {
        auto done = by.sweep();
        if (!done) ADD_FAILURE() << done.error().what;
        if (done && done->removed != 0) return done->removed;
        let_pass(harness_->lease() / 4);
    }
    return 0;
}

void conformance::die_under(std::unique_ptr<source> victim, source& witness) {
    crash(std::move(victim));
    EXPECT_GE(rescue_by(witness), 1u);
}

bool conformance::lacks(feature which) {
    if (can(which)) return false;
    EXPECT_TRUE(refuses(which)) << name_of(which);
    return true;
}

bool conformance::refuses(feature which) {
    const auto inserting = [&](const new_job& job) { return bool(is_unsupported(store().sink().publish({&job, 1}))); };
    switch (which) {
        case feature::run_at: return inserting({.kind = "kind", .run_at = now() + 1h});
        case feature::priority: return inserting({.kind = "kind", .priority = 5});
        case feature::unique: return inserting({.kind = "kind", .unique = unique_key{"key"}});
        case feature::after: return inserting({.kind = "kind", .after = {job_id{1}}});
        default: break;
    }
    if (!can_be_asked()) return true;  // there is nothing to ask
    switch (which) {
        case feature::cron:
            return bool(is_unsupported(ledger().put_cron({.name = "c", .line = "@daily", .job = job()})));
        case feature::limits: return bool(is_unsupported(ledger().limit("default", {.running = 1})));
        case feature::fair_shares: return bool(is_unsupported(ledger().limit("default", {.fair = true})));
        case feature::steps: return bool(is_unsupported(ledger().put_step({}, {.name = "step", .result = {}})));
        case feature::progress: return bool(is_unsupported(ledger().note(std::vector<job_note>(1))));
        case feature::cancel_running: return bool(is_unsupported(ledger().cancel({})));
        case feature::pause: return bool(is_unsupported(ledger().pause("default", true)));
        case feature::query: return bool(is_unsupported(ledger().list({}, {})));
        case feature::retention: return bool(is_unsupported(ledger().retain({})));
        default: return true;  // nothing that could be asked for
    }
}

record conformance::find(job_id id) {
    auto found = ledger().find(id);
    if (found && *found) return std::move(**found);
    ADD_FAILURE() << "job " << id.number << ": " << (found ? "is not there" : found.error().what);
    return {};
}

queue_report conformance::queue(const std::string& name) {
    auto all = ledger().queues();
    EXPECT_TRUE(all);
    if (all)
        for (queue_report& each : *all)
            if (each.name == name) return std::move(each);
    return {};
}

void conformance::expect_counters_true() {
    auto all = ledger().queues();
    ASSERT_TRUE(all);
    for (const queue_report& each : *all)
        for (int s = 0; s < states; ++s) {
            const state which = static_cast<state>(s);
            // The first by counters, in some stores; the second job by job.
            const auto known = ledger().count({.states = {which}, .queue = each.name});
            const auto seen = ledger().count({.states = {which}, .queue = each.name, .inserted_after = wall_time{}});
            ASSERT_TRUE(known && seen);
            EXPECT_EQ(each.counts[static_cast<std::size_t>(s)], *seen) << each.name << ", " << name_of(which);
            EXPECT_EQ(*known, *seen) << each.name << ", " << name_of(which);
        }
}

std::vector<job_id> ids(const std::vector<delivery>& of) {
    std::vector<job_id> all;
    for (const delivery& each : of) all.push_back(each.id);
    return all;
}

}  // namespace gm::test
