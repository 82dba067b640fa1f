// How claims end, and that each ends once.
#include "conformance.hpp"

#include <numeric>

namespace gm::test {

TEST_P(conformance, completed_job_is_over_with_its_result) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(settle(*worker, {.which = got.which, .result = {"7", "text/plain"}}), settled::yes);
    EXPECT_TRUE(claim(*worker, 10).empty());
    if (lacks(feature::query)) return;
    const record over = find(id);
    EXPECT_EQ(over.state, state::completed);
    EXPECT_EQ(over.result, (body{"7", "text/plain"}));
    EXPECT_EQ(over.attempts, 1);
    EXPECT_EQ(over.worker, "tester");
    EXPECT_GE(over.finished, over.started);
    EXPECT_EQ(queue().completed, 1u);
    EXPECT_EQ(queue().failed, 0u);
    expect_counters_true();
}

TEST_P(conformance, finishes_and_claims_go_in_one_exchange) {
    publish(std::vector<new_job>(6, job()));
    const auto worker = subscribe();
    std::vector<settlement> ends;
    for (const delivery& each : claim(*worker, 3)) ends.push_back(completed(each));
    const exchanged done = exchange(*worker, ends, {.idle = 2});
    EXPECT_EQ(done.outcomes, std::vector<settled>(3, settled::yes));
    EXPECT_EQ(done.jobs.size(), 2u);
    if (can(feature::query)) {
        EXPECT_EQ(queue().counts[static_cast<std::size_t>(state::completed)], 3u);
        expect_counters_true();
    }
}

TEST_P(conformance, outcomes_come_in_the_order_of_the_finishes) {
    if (lacks(feature::fencing)) return;
    publish({job(), job()});
    const auto worker = subscribe();
    const auto held = claim(*worker, 2);
    ASSERT_EQ(held.size(), 2u);
    token forged = held[0].which;
    forged.second += 1000;
    const std::vector<settlement> ends{completed(held[0]), {.which = forged}, completed(held[1])};
    EXPECT_EQ(exchange(*worker, ends, {}).outcomes,
              (std::vector<settled>{settled::yes, settled::refused, settled::yes}));
}

// ---- once ----

TEST_P(conformance, same_settlement_again_is_settled_and_counts_once) {
    if (lacks(feature::fencing)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    const settlement end{.which = got.which, .result = {"1", ""}};
    for (int i = 0; i != 3; ++i) EXPECT_EQ(settle(*worker, end), settled::yes);
    const std::vector<settlement> twice{end, end};
    EXPECT_EQ(exchange(*worker, twice, {}).outcomes, std::vector<settled>(2, settled::yes));
    if (!can(feature::query)) return;
    EXPECT_EQ(find(id).attempts, 1);
    EXPECT_EQ(queue().completed, 1u);
    expect_counters_true();
}

TEST_P(conformance, same_failure_again_is_settled_also_when_another_has_claimed_it_meanwhile) {
    if (lacks(feature::fencing)) return;
    const job_id id = publish(job());
    const auto worker = subscribe(), other = subscribe();
    const settlement end = failed(claim_one(*worker), "no");
    EXPECT_EQ(settle(*worker, end), settled::yes);
    const delivery again = claim_one(*other);
    EXPECT_EQ(again.attempt, 2);
    EXPECT_EQ(settle(*worker, end), settled::yes);
    EXPECT_EQ(complete(*other, again), settled::yes);
    if (can(feature::query)) {
        EXPECT_EQ(find(id).attempts, 2);
    }
}

TEST_P(conformance, other_settlement_of_a_settled_claim_is_refused) {
    if (lacks(feature::fencing)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(complete(*worker, got), settled::yes);
    for (verdict other :
         {verdict::retry, verdict::dead, verdict::cancelled, verdict::snoozed, verdict::returned, verdict::interrupted})
        EXPECT_EQ(settle(*worker, {.which = got.which, .what = other, .error = "no"}), settled::refused);
    if (!can(feature::query)) return;
    EXPECT_EQ(state_of(id), state::completed);
    EXPECT_TRUE(find(id).errors.empty());
    EXPECT_EQ(queue().failed, 0u);
}

TEST_P(conformance, claim_of_an_earlier_epoch_is_refused) {
    if (lacks(feature::fencing)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery first = claim_one(*worker);
    EXPECT_EQ(settle(*worker, returned(first)), settled::yes);
    const delivery second = claim_one(*worker);
    EXPECT_EQ(complete(*worker, first), settled::refused);
    if (can(feature::query)) {
        EXPECT_EQ(state_of(id), state::running);
    }
    EXPECT_EQ(complete(*worker, second), settled::yes);
}

TEST_P(conformance, claim_of_another_worker_is_refused) {
    if (lacks(feature::fencing)) return;
    publish(job());
    const auto owner = subscribe(), thief = subscribe();
    const delivery got = claim_one(*owner);
    EXPECT_EQ(complete(*thief, got), settled::refused);
    EXPECT_EQ(complete(*owner, got), settled::yes);
}

TEST_P(conformance, claim_of_no_job_is_refused) {
    if (lacks(feature::fencing)) return;
    EXPECT_EQ(settle(*subscribe(), {.which = {123'456'789, 1, 1}}), settled::refused);
}

// ---- failures ----

TEST_P(conformance, failed_job_waits_for_its_next_attempt) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    const wall_time again = now() + 1h;
    EXPECT_EQ(
        settle(*worker, {.which = got.which, .what = verdict::retry, .error = "disk full", .at = again, .ran = 2s}),
        settled::yes);
    const exchanged none = exchange(*worker, {}, {.idle = 1});
    EXPECT_TRUE(none.jobs.empty());
    ASSERT_TRUE(none.next_in);
    EXPECT_LE(*none.next_in, 1h);
    if (lacks(feature::query)) return;
    const record is = find(id);
    EXPECT_EQ(is.state, state::retrying);
    EXPECT_EQ(is.run_at, again);
    EXPECT_EQ(is.attempts, 1);
    ASSERT_EQ(is.errors.size(), 1u);
    EXPECT_EQ(is.errors[0].attempt, 1);
    EXPECT_EQ(is.errors[0].epoch, 1);
    EXPECT_EQ(is.errors[0].error, "disk full");
    EXPECT_EQ(is.errors[0].worker, "tester");
    EXPECT_EQ(is.errors[0].ended - is.errors[0].started, 2s);
    EXPECT_EQ(queue().failed, 1u);
    expect_counters_true();
}

TEST_P(conformance, failed_job_comes_back_at_its_time_as_the_next_attempt) {
    publish(job());
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "no", now() + moment())), settled::yes);
    let_pass(moment());
    const delivery again = claim_one(*worker);
    EXPECT_EQ(again.attempt, 2);
    EXPECT_EQ(again.crashes, 0);
    EXPECT_EQ(complete(*worker, again), settled::yes);
}

TEST_P(conformance, retry_in_the_past_is_due_at_once) {
    publish(job());
    const auto worker = subscribe();
    const settlement end = failed(claim_one(*worker), "no", now() - 1h);
    const exchanged done = exchange(*worker, {&end, 1}, {.idle = 1});
    ASSERT_EQ(done.jobs.size(), 1u);
    EXPECT_EQ(done.jobs[0].attempt, 2);
}

TEST_P(conformance, dead_job_keeps_its_errors_and_is_not_claimed) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "first")), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "second")), settled::yes);
    EXPECT_TRUE(claim(*worker, 5).empty());
    if (lacks(feature::query)) return;
    const record is = find(id);
    EXPECT_EQ(is.state, state::dead);
    EXPECT_EQ(is.attempts, 2);
    EXPECT_GT(is.finished, wall_time{});
    ASSERT_EQ(is.errors.size(), 2u);
    EXPECT_EQ(is.errors[0].error, "first");
    EXPECT_EQ(is.errors[1].error, "second");
    EXPECT_EQ(is.errors[1].attempt, 2);
    EXPECT_EQ(is.errors[1].epoch, 2);
    EXPECT_EQ(queue().failed, 2u);
    expect_counters_true();
}

TEST_P(conformance, errors_kept_are_the_first_and_the_last_nine) {
    if (lacks(feature::query)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    for (int i = 1; i <= 13; ++i)
        EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "error " + std::to_string(i))), settled::yes);
    const record is = find(id);
    EXPECT_EQ(is.attempts, 13);
    ASSERT_EQ(is.errors.size(), 10u);
    EXPECT_EQ(is.errors[0].error, "error 1");
    for (int i = 1; i != 10; ++i) {
        EXPECT_EQ(is.errors[static_cast<std::size_t>(i)].error, "error " + std::to_string(i + 4));
        EXPECT_EQ(is.errors[static_cast<std::size_t>(i)].attempt, i + 4);
    }
}

TEST_P(conformance, long_error_is_cut_at_its_end) {
    if (lacks(feature::query)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    std::string text(8 * 1024 - 1, 'e');
    text += "ü and the rest";  // the limit lies within a character
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), text)), settled::yes);
    const record is = find(id);
    ASSERT_EQ(is.errors.size(), 1u);
    EXPECT_EQ(is.errors[0].error, std::string(8 * 1024 - 1, 'e'));
}

TEST_P(conformance, job_whose_timed_out_attempt_has_not_come_back_is_marked) {
    if (lacks(feature::query)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    settlement end = failed(claim_one(*worker), "timed out");
    end.overlapping = true;
    EXPECT_EQ(settle(*worker, end), settled::yes);
    EXPECT_TRUE(find(id).overlapping);
}

// ---- no failures ----

TEST_P(conformance, returned_job_is_as_if_it_had_not_been_claimed) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, returned(claim_one(*worker))), settled::yes);
    if (can(feature::query)) {
        const record is = find(id);
        EXPECT_EQ(is.state, state::available);
        EXPECT_EQ(is.attempts, 0);
        EXPECT_EQ(is.interruptions, 0);
        EXPECT_EQ(is.crashes, 0);
        EXPECT_TRUE(is.errors.empty());
        expect_counters_true();
    }
    EXPECT_EQ(claim_one(*worker).attempt, 1);
}

TEST_P(conformance, returned_job_does_not_run_before_the_time_it_is_given) {
    publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    settlement back = returned(got);
    back.at = now() + 1h;
    EXPECT_EQ(settle(*worker, back), settled::yes);
    EXPECT_EQ(settle(*worker, back), settled::yes);
    const record found = find(got.id);
    EXPECT_EQ(found.state, state::scheduled);
    EXPECT_EQ(found.run_at, back.at);
    EXPECT_EQ(found.attempts, 0);
    EXPECT_TRUE(found.errors.empty());
    EXPECT_TRUE(claim(*worker, 9).empty());
    expect_counters_true();
    if (!harness().time_is_virtual()) return;
    let_pass(1h);
    beat(*worker);  // its lease has passed, too
    EXPECT_EQ(claim_one(*worker).id, got.id);
}

TEST_P(conformance, returned_job_keeps_its_place_in_the_order) {
    const std::vector<job_id> made = publish(std::vector<new_job>(3, job()));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, returned(claim_one(*worker))), settled::yes);
    const auto got = ids(claim(*worker, 3));
    EXPECT_EQ(got.size(), 3u);
    if (can_be_asked()) {
        EXPECT_EQ(got, made);
    }
}

TEST_P(conformance, interrupted_job_is_available_at_once_and_the_attempt_does_not_count) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(settle(*worker, {.which = got.which, .what = verdict::interrupted}), settled::yes);
    if (can(feature::query)) {
        const record is = find(id);
        EXPECT_EQ(is.state, state::available);
        EXPECT_EQ(is.attempts, 0);
        EXPECT_EQ(is.interruptions, 1);
        EXPECT_EQ(is.crashes, 0);
        for (const attempt_report& each : is.errors) EXPECT_EQ(each.attempt, 0);
        EXPECT_EQ(queue().failed, 0u);
    }
    EXPECT_EQ(claim_one(*worker).attempt, 1);
}

TEST_P(conformance, snoozed_job_comes_back_later_and_the_attempt_does_not_count) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    const wall_time at = now() + 1h;
    EXPECT_EQ(settle(*worker, {.which = claim_one(*worker).which, .what = verdict::snoozed, .at = at}), settled::yes);
    EXPECT_TRUE(claim(*worker).empty());
    if (can(feature::query)) {
        const record is = find(id);
        EXPECT_EQ(is.state, state::scheduled);
        EXPECT_EQ(is.run_at, at);
        EXPECT_EQ(is.attempts, 0);
        EXPECT_TRUE(is.errors.empty());
    }
    publish(job());
    EXPECT_EQ(settle(*worker, {.which = claim_one(*worker).which, .what = verdict::snoozed, .at = now() + moment()}),
              settled::yes);
    let_pass(moment());
    EXPECT_EQ(claim_one(*worker).attempt, 1);
}

TEST_P(conformance, attempts_crashes_and_interruptions_are_counted_apart) {
    if (lacks(feature::query) || lacks(feature::fencing)) return;
    const job_id id = publish(job());
    const auto witness = subscribe();
    auto worker = subscribe();
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(settle(*worker, {.which = claim_one(*worker).which, .what = verdict::interrupted}), settled::yes);
    EXPECT_EQ(settle(*worker, {.which = claim_one(*worker).which, .what = verdict::interrupted}), settled::yes);
    EXPECT_EQ(claim_one(*worker).attempt, 2);
    die_under(std::move(worker), *witness);
    const record is = find(id);
    EXPECT_EQ(is.attempts, 1);
    EXPECT_EQ(is.interruptions, 2);
    EXPECT_EQ(is.crashes, 1);
    EXPECT_EQ(is.epoch, 4);
    const delivery last = claim_one(*witness, jobs::claim::suspect);
    EXPECT_EQ(last.attempt, 2);
    EXPECT_EQ(last.crashes, 1);
}

}  // namespace gm::test
