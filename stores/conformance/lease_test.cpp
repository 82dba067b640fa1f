// Workers live by their leases: who is dead, what becomes of its jobs, and who hears of it.
#include "conformance.hpp"

namespace gm::test {

TEST_P(conformance, source_that_ends_gives_back_what_it_holds) {
    const std::vector<job_id> made = publish(std::vector<new_job>(3, job()));
    auto worker = subscribe();
    EXPECT_EQ(claim(*worker, 3).size(), 3u);
    worker.reset();
    const auto next = subscribe();
    const auto again = claim(*next, 3);
    EXPECT_EQ(again.size(), 3u);
    for (const delivery& each : again) {
        EXPECT_EQ(each.attempt, 1);
        EXPECT_EQ(each.crashes, 0);
    }
    if (can(feature::query)) {
        EXPECT_EQ(find(made[0]).interruptions, 0);
    }
}

TEST_P(conformance, sweep_leaves_those_alone_whose_lease_is_good) {
    publish(job());
    const auto worker = subscribe(), sweeper = subscribe();
    const delivery held = claim_one(*worker);
    for (int i = 0; i != 20; ++i) {
        EXPECT_TRUE(beat(*worker).lost.empty());
        static_cast<void>(beat(*sweeper));
        EXPECT_EQ(sweeper->sweep().value().rescued, 0u);
        let_pass(harness().lease() / 8);
    }
    EXPECT_EQ(complete(*worker, held), settled::yes);
}

TEST_P(conformance, job_of_a_dead_worker_is_rescued) {
    const job_id id = publish(job());
    auto victim = subscribe();
    const auto witness = subscribe();
    const delivery held = claim_one(*victim);
    crash(std::move(victim));
    EXPECT_EQ(rescue_by(*witness), 1u);
    const delivery again = claim_one(*witness, jobs::claim::suspect);
    EXPECT_EQ(again.id, id);
    EXPECT_EQ(again.attempt, 1);
    EXPECT_EQ(again.crashes, 1);
    EXPECT_NE(again.which, held.which);
    if (can(feature::query)) {
        const record is = find(id);
        EXPECT_EQ(is.crashes, 1);
        EXPECT_EQ(is.attempts, 0);
        ASSERT_EQ(is.errors.size(), 1u);
        EXPECT_EQ(is.errors[0].attempt, 0);
        EXPECT_FALSE(is.errors[0].error.empty());
        expect_counters_true();
    }
    EXPECT_EQ(complete(*witness, again), settled::yes);
}

TEST_P(conformance, sweeper_that_has_not_beaten_for_a_whole_lease_declares_nobody_dead) {
    if (!harness().leases_alone_decide()) return;
    publish(job());
    const auto worker = subscribe();
    const delivery held = claim_one(*worker);
    let_pass(harness().lease() * 3);
    const auto fresh = subscribe();
    static_cast<void>(beat(*fresh));
    EXPECT_EQ(fresh->sweep().value().rescued, 0u);
    EXPECT_EQ(complete(*worker, held), settled::yes);
}

// The store was away, and all workers missed their beats: nobody has died.
TEST_P(conformance, outage_of_the_store_is_not_taken_for_everybodys_death) {
    if (!harness().leases_alone_decide()) return;
    publish({job(), job()});
    const auto one = subscribe(), other = subscribe();
    const delivery held = claim_one(*one), held_too = claim_one(*other);
    for (int i = 0; i != 12; ++i) {
        static_cast<void>(beat(*one)), static_cast<void>(beat(*other));
        let_pass(harness().lease() / 4);
    }
    let_pass(harness().lease() * 3);
    static_cast<void>(beat(*one));
    EXPECT_EQ(one->sweep().value().rescued, 0u);
    EXPECT_TRUE(beat(*other).lost.empty());
    EXPECT_EQ(other->sweep().value().rescued, 0u);
    EXPECT_EQ(complete(*one, held), settled::yes);
    EXPECT_EQ(complete(*other, held_too), settled::yes);
}

TEST_P(conformance, worker_that_returns_before_it_was_declared_dead_keeps_its_jobs) {
    if (!harness().leases_alone_decide()) return;
    publish(job());
    const auto worker = subscribe(), witness = subscribe();
    const delivery held = claim_one(*worker);
    let_pass(harness().lease() * 2);
    EXPECT_TRUE(beat(*worker).lost.empty());
    let_pass(harness().lease() / 4);
    static_cast<void>(beat(*witness));
    EXPECT_EQ(witness->sweep().value().rescued, 0u);
    EXPECT_EQ(complete(*worker, held), settled::yes);
}

TEST_P(conformance, worker_whose_lease_has_passed_is_given_nothing_until_it_beats) {
    if (!harness().leases_alone_decide()) return;
    const auto worker = subscribe();
    let_pass(harness().lease() * 2);
    publish(job());
    EXPECT_TRUE(claim(*worker).empty());
    static_cast<void>(beat(*worker));
    EXPECT_EQ(claim(*worker).size(), 1u);
}

TEST_P(conformance, worker_declared_dead_hears_what_it_lost_and_its_late_finish_is_refused) {
    if (!harness().leases_alone_decide() || lacks(feature::fencing)) return;
    const std::vector<job_id> made = publish({job(), job()});
    const auto frozen = subscribe(), witness = subscribe();
    const auto held = claim(*frozen, 2);
    EXPECT_EQ(rescue_by(*witness), 2u);
    const settlement late{.which = held[0].which, .result = {"late", ""}};
    EXPECT_EQ(settle(*frozen, late), settled::refused);
    std::vector<token> lost = beat(*frozen).lost;
    EXPECT_EQ(lost.size(), 2u);
    for (const delivery& each : held) EXPECT_EQ(std::erase(lost, each.which), 1u);
    EXPECT_EQ(settle(*frozen, late), settled::refused);  // also now that it lives again
    const delivery again = claim_one(*witness, jobs::claim::suspect);
    EXPECT_EQ(settle(*witness, {.which = again.which, .result = {"in time", ""}}), settled::yes);
    EXPECT_EQ(settle(*frozen, late), settled::refused);
    if (can(feature::query)) {
        EXPECT_EQ(find(again.id).result.bytes, "in time");
    }
}

TEST_P(conformance, worker_that_lives_again_is_given_jobs_again) {
    if (!harness().leases_alone_decide()) return;
    publish(job());
    const auto frozen = subscribe(), witness = subscribe();
    static_cast<void>(claim_one(*frozen));
    EXPECT_EQ(rescue_by(*witness), 1u);
    static_cast<void>(beat(*frozen));
    const job_id other = publish(job());
    const delivery got = claim_one(*frozen);
    EXPECT_EQ(got.id, other);
    EXPECT_TRUE(beat(*frozen).lost.empty());  // it has been told
    EXPECT_EQ(complete(*frozen, got), settled::yes);
}

// ---- crash loops ----

TEST_P(conformance, job_that_takes_three_workers_down_is_dead_with_what_happened) {
    const job_id id = publish(job());
    const auto witness = subscribe();
    for (int i = 0; i != crash_cap; ++i) {
        auto victim = subscribe();
        EXPECT_EQ(claim_one(*victim, i == 0 ? jobs::claim::ordinary : jobs::claim::suspect).crashes, i);
        die_under(std::move(victim), *witness);
    }
    EXPECT_TRUE(claim(*witness, 1).empty());
    EXPECT_TRUE(claim(*witness, 1, jobs::claim::suspect).empty());
    if (lacks(feature::query)) return;
    const record is = find(id);
    EXPECT_EQ(is.state, state::dead);
    EXPECT_EQ(is.crashes, 3);
    EXPECT_EQ(is.attempts, 0);
    EXPECT_EQ(is.errors.size(), 3u);
    EXPECT_EQ(queue().failed, 0u);  // no attempt has failed
    expect_counters_true();
}

TEST_P(conformance, suspect_is_claimed_only_as_such_and_one_at_a_time) {
    publish({job(), job()});
    const auto witness = subscribe();
    auto victim = subscribe();
    EXPECT_EQ(claim(*victim, 2).size(), 2u);
    die_under(std::move(victim), *witness);
    const job_id innocent = publish(job());

    const exchanged ordinary = exchange(*witness, {}, {.idle = 10, .ahead = 10});
    EXPECT_EQ(ids(ordinary.jobs), std::vector<job_id>{innocent});
    EXPECT_TRUE(ordinary.suspects);
    EXPECT_TRUE(claim(*witness, 1, jobs::claim::suspect).empty());  // it holds one
    EXPECT_EQ(complete(*witness, ordinary.jobs.at(0)), settled::yes);

    const exchanged alone = exchange(*witness, {}, {.idle = 10, .ahead = 10, .which = jobs::claim::suspect});
    ASSERT_EQ(alone.jobs.size(), 1u);
    EXPECT_EQ(alone.jobs[0].crashes, 1);
    publish(job());
    EXPECT_TRUE(claim(*witness, 10).empty());  // nothing beside it
    EXPECT_TRUE(claim(*witness, 10, jobs::claim::suspect).empty());
    EXPECT_EQ(complete(*witness, alone.jobs[0]), settled::yes);
    EXPECT_EQ(claim(*witness, 10).size(), 1u);
}

TEST_P(conformance, no_suspects_are_told_of_where_there_are_none) {
    publish(job());
    const auto worker = subscribe();
    const exchanged got = exchange(*worker, {}, {.idle = 1});
    EXPECT_FALSE(got.suspects);
    EXPECT_EQ(settle(*worker, failed(got.jobs.at(0), "no")), settled::yes);
    EXPECT_FALSE(exchange(*worker, {}, {.idle = 0}).suspects);  // a failure is no crash
}

TEST_P(conformance, suspect_that_failed_stays_one) {
    publish(job());
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    die_under(std::move(victim), *witness);
    EXPECT_EQ(settle(*witness, failed(claim_one(*witness, jobs::claim::suspect), "no")), settled::yes);
    EXPECT_TRUE(claim(*witness, 1).empty());
    const delivery again = claim_one(*witness, jobs::claim::suspect);
    EXPECT_EQ(again.attempt, 2);
    EXPECT_EQ(again.crashes, 1);
}

// ---- workers, as people see them ----

TEST_P(conformance, workers_are_listed_until_they_sign_off) {
    if (lacks(feature::query)) return;
    auto worker = subscribe({"one", "two"});
    static_cast<void>(worker->beat({.workers = 8, .busy = 3, .completed = 100, .failed = 2}));
    auto all = ledger().workers();
    ASSERT_TRUE(all);
    ASSERT_EQ(all->size(), 1u);
    const worker_report& is = all->at(0);
    EXPECT_NE(is.number, 0);
    EXPECT_EQ(is.name, "tester");
    EXPECT_EQ(is.queues, (std::vector<std::string>{"one", "two"}));
    EXPECT_TRUE(is.alive);
    EXPECT_EQ(is.how.workers, 8u);
    EXPECT_EQ(is.how.busy, 3u);
    EXPECT_EQ(is.how.completed, 100u);
    EXPECT_EQ(is.how.failed, 2u);
    EXPECT_GE(is.last_beat, is.started);
    worker.reset();
    all = ledger().workers();
    ASSERT_TRUE(all);
    for (const worker_report& each : *all) EXPECT_FALSE(each.alive);
}

TEST_P(conformance, worker_without_a_name_has_one_all_the_same) {
    if (lacks(feature::query)) return;
    auto worker = store().subscribe({});
    ASSERT_TRUE(worker);
    EXPECT_FALSE(ledger().workers().value().at(0).name.empty());
}

TEST_P(conformance, worker_hears_of_the_size_that_somebody_asked_for) {
    if (lacks(feature::query)) return;
    const auto one = subscribe(), other = subscribe();
    EXPECT_FALSE(beat(*one).workers_wanted);
    std::vector<std::int64_t> numbers;
    const auto workers = ledger().workers().value();
    for (const worker_report& each : workers) numbers.push_back(each.number);
    ASSERT_EQ(numbers.size(), 2u);
    EXPECT_EQ(ledger().scale(numbers[0], 5).value(), 1u);
    const auto first = beat(*one).workers_wanted, second = beat(*other).workers_wanted;
    EXPECT_NE(first.has_value(), second.has_value());
    EXPECT_EQ(first.value_or(0) + second.value_or(0), 5u);
    EXPECT_EQ(ledger().scale(0, 7).value(), 2u);
    EXPECT_EQ(beat(*one).workers_wanted, 7u);
    EXPECT_EQ(beat(*other).workers_wanted, 7u);
    EXPECT_EQ(ledger().scale(123'456'789, 1).value(), 0u);
}

}  // namespace gm::test
