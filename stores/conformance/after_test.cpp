// Jobs that come after others.
#include "conformance.hpp"

namespace gm::test {

namespace {

new_job after(std::vector<job_id> parents, when_parent_fails orphaned = when_parent_fails::hold) {
    return {.kind = "child", .after = std::move(parents), .orphaned = orphaned};
}

}  // namespace

TEST_P(conformance, child_waits_until_its_parent_is_completed) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job()), child = publish(after({parent}));
    const auto worker = subscribe();
    const auto held = claim(*worker, 5);
    ASSERT_EQ(ids(held), std::vector<job_id>{parent});
    EXPECT_EQ(state_of(child), state::waiting);
    EXPECT_EQ(find(child).blocked_by, std::vector<job_id>{parent});
    const settlement end = completed(held[0]);
    EXPECT_EQ(ids(exchange(*worker, {&end, 1}, {.idle = 5}).jobs), std::vector<job_id>{child});
    EXPECT_TRUE(find(child).blocked_by.empty());
    EXPECT_EQ(find(child).after, std::vector<job_id>{parent});
    expect_counters_true();
}

TEST_P(conformance, child_of_many_waits_for_all_of_them) {
    if (lacks(feature::after)) return;
    const auto parents = publish(std::vector<new_job>(5, job()));
    const job_id child = publish(after(parents));
    const auto worker = subscribe();
    const auto held = claim(*worker, 9);
    ASSERT_EQ(held.size(), 5u);
    std::vector<job_id> left = parents;
    for (const delivery& each : held) {
        EXPECT_EQ(state_of(child), state::waiting);
        EXPECT_EQ(find(child).blocked_by, left);
        EXPECT_EQ(complete(*worker, each), settled::yes);
        std::erase(left, each.id);
    }
    EXPECT_EQ(ids(claim(*worker, 9)), std::vector<job_id>{child});
}

TEST_P(conformance, many_children_of_one_are_freed_together) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job());
    const auto children = publish(std::vector<new_job>(50, after({parent, parent})));  // named twice counts once
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(ids(claim(*worker, 99)), children);
}

TEST_P(conformance, child_of_what_is_completed_already_does_not_wait) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job());
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(state_of(publish(after({parent}))), state::available);
}

TEST_P(conformance, child_with_a_later_time_waits_for_that_next) {
    if (lacks(feature::after) || lacks(feature::run_at)) return;
    const job_id parent = publish(job());
    new_job later = after({parent});
    later.run_at = now() + 1h;
    const job_id child = publish(later);
    EXPECT_EQ(state_of(child), state::waiting);
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(state_of(child), state::scheduled);
}

TEST_P(conformance, chain_runs_in_its_order) {
    if (lacks(feature::after)) return;
    std::vector<job_id> chain{publish(job())};
    for (int i = 0; i != 10; ++i) chain.push_back(publish(after({chain.back()})));
    const auto worker = subscribe();
    for (job_id each : chain) {
        const auto got = claim(*worker, 9);
        ASSERT_EQ(ids(got), std::vector<job_id>{each});
        EXPECT_EQ(complete(*worker, got[0]), settled::yes);
    }
}

// ---- the parent fails ----

TEST_P(conformance, child_that_holds_shows_what_holds_it_until_that_is_revived_and_done) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job()), child = publish(after({parent}));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_TRUE(claim(*worker, 5).empty());
    EXPECT_EQ(state_of(child), state::waiting);
    EXPECT_EQ(find(child).blocked_by, std::vector<job_id>{parent});
    EXPECT_EQ(ledger().retry({.ids = {parent}}).value(), 1u);
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(ids(claim(*worker, 5)), std::vector<job_id>{child});
}

TEST_P(conformance, child_that_is_to_be_cancelled_is_and_its_children_too) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job());
    const job_id child = publish(after({parent}, when_parent_fails::cancel));
    const job_id grandchild = publish(after({child}, when_parent_fails::cancel));
    const job_id other = publish(after({child}, when_parent_fails::hold));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(state_of(child), state::cancelled);
    EXPECT_EQ(state_of(grandchild), state::cancelled);
    EXPECT_EQ(state_of(other), state::waiting);
    EXPECT_EQ(find(other).blocked_by, std::vector<job_id>{child});
    EXPECT_TRUE(claim(*worker, 5).empty());
    expect_counters_true();
}

TEST_P(conformance, child_that_is_to_run_all_the_same_does) {
    if (lacks(feature::after)) return;
    const auto parents = publish({job(), job()});
    const job_id child = publish(after(parents, when_parent_fails::run));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(state_of(child), state::waiting);  // for the other one
    EXPECT_EQ(find(child).blocked_by, std::vector<job_id>{parents[1]});
    EXPECT_EQ(ledger().cancel({.ids = {parents[1]}}).value(), 1u);
    EXPECT_EQ(ids(claim(*worker, 5)), std::vector<job_id>{child});
}

TEST_P(conformance, child_that_comes_when_its_parent_is_dead_goes_by_its_choice) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job());
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    const job_id holds = publish(after({parent}));
    EXPECT_EQ(state_of(holds), state::waiting);
    EXPECT_EQ(find(holds).blocked_by, std::vector<job_id>{parent});
    EXPECT_EQ(state_of(publish(after({parent}, when_parent_fails::cancel))), state::cancelled);
    EXPECT_EQ(state_of(publish(after({parent}, when_parent_fails::run))), state::available);
    expect_counters_true();
}

TEST_P(conformance, parent_that_fails_and_is_tried_again_keeps_its_child_waiting) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job()), child = publish(after({parent}, when_parent_fails::cancel));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(state_of(child), state::waiting);
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(state_of(child), state::available);
}

TEST_P(conformance, parent_that_is_rescued_too_often_fails_its_child) {
    if (lacks(feature::after)) return;
    publish(job());
    const auto witness = subscribe();
    for (int i = 0; i != crash_cap; ++i) {
        auto victim = subscribe();
        const delivery parent = claim_one(*victim, i == 0 ? jobs::claim::ordinary : jobs::claim::suspect);
        if (i == 0) publish(after({parent.id}, when_parent_fails::cancel));
        die_under(std::move(victim), *witness);
    }
    EXPECT_EQ(ledger().count({.states = {state::cancelled}, .kind = "child"}).value(), 1u);
}

// ---- parents stay as long as somebody waits for them ----

TEST_P(conformance, parent_that_somebody_waits_for_is_not_removed) {
    if (lacks(feature::after)) return;
    const job_id parent = publish(job()), child = publish(after({parent}));
    EXPECT_EQ(ledger().remove({.ids = {parent}}).value(), 0u);
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(ledger().remove({.ids = {parent}}).value(), 0u);
    EXPECT_EQ(state_of(parent), state::dead);
    EXPECT_EQ(ledger().remove({.ids = {child}}).value(), 1u);
    EXPECT_EQ(ledger().remove({.ids = {parent}}).value(), 1u);
    expect_counters_true();
}

TEST_P(conformance, parent_that_somebody_waits_for_is_kept_beyond_its_time) {
    if (lacks(feature::after) || lacks(feature::retention)) return;
    static_cast<void>(ledger().retain({.completed = 0s, .cancelled = 0s, .dead = 0s}));
    const job_id parent = publish(job()), child = publish(after({parent}));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    let_pass(moment());
    EXPECT_EQ(worker->sweep().value().removed, 0u);
    EXPECT_EQ(state_of(parent), state::dead);
    EXPECT_EQ(ledger().cancel({.ids = {child}}).value(), 1u);
    let_pass(moment());
    EXPECT_EQ(remove_by(*worker), 2u);
}

}  // namespace gm::test
