// Somebody wants a job not to run, or not to go on.
#include "conformance.hpp"

namespace gm::test {

TEST_P(conformance, cancel_of_what_waits_happens_at_once) {
    if (lacks(feature::query) || lacks(feature::run_at) || lacks(feature::after)) return;
    const auto worker = subscribe();
    const job_id retrying = publish(job());
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "no", now() + 1h)), settled::yes);
    new_job later = job(), child = job();
    later.run_at = now() + 1h;
    child.after = {retrying};
    const job_id scheduled = publish(later), waiting = publish(child), available = publish(job());
    EXPECT_EQ(ledger().cancel({.ids = {retrying, scheduled, waiting, available}}).value(), 4u);
    for (job_id each : {retrying, scheduled, waiting, available}) {
        EXPECT_EQ(state_of(each), state::cancelled);
        EXPECT_GT(find(each).finished, wall_time{});
    }
    EXPECT_TRUE(claim(*worker, 9).empty());
    EXPECT_EQ(ledger().cancel({}).value(), 0u);
    expect_counters_true();
}

TEST_P(conformance, cancel_of_a_running_job_is_told_at_every_beat_until_it_is_settled) {
    if (lacks(feature::cancel_running)) return;
    const job_id id = publish(job());
    const auto worker = subscribe(), other = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_TRUE(beat(*worker).cancelled.empty());
    EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
    EXPECT_EQ(state_of(id), state::running);
    EXPECT_TRUE(find(id).cancel_asked);
    for (int i = 0; i != 3; ++i) EXPECT_EQ(beat(*worker).cancelled, std::vector<token>{got.which});
    EXPECT_TRUE(beat(*other).cancelled.empty());
    EXPECT_EQ(settle(*worker, {.which = got.which, .what = verdict::cancelled, .error = "stopped"}), settled::yes);
    EXPECT_TRUE(beat(*worker).cancelled.empty());
    const record is = find(id);
    EXPECT_EQ(is.state, state::cancelled);
    EXPECT_EQ(is.attempts, 0);
    expect_counters_true();
}

TEST_P(conformance, success_beats_the_cancel) {
    if (lacks(feature::cancel_running)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
    EXPECT_EQ(settle(*worker, {.which = got.which, .result = {"done", ""}}), settled::yes);
    EXPECT_EQ(state_of(id), state::completed);
    EXPECT_EQ(find(id).result.bytes, "done");
}

TEST_P(conformance, every_other_end_after_a_cancel_is_cancelled) {
    if (lacks(feature::cancel_running)) return;
    for (verdict what : {verdict::retry, verdict::dead, verdict::cancelled, verdict::snoozed, verdict::returned,
                         verdict::interrupted}) {
        const job_id id = publish(job());
        const auto worker = subscribe();
        const delivery got = claim_one(*worker);
        EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
        const settlement end{.which = got.which, .what = what, .error = "no"};
        EXPECT_EQ(settle(*worker, end), settled::yes);
        EXPECT_EQ(settle(*worker, end), settled::yes);
        const record is = find(id);
        EXPECT_EQ(is.state, state::cancelled) << static_cast<int>(what);
        EXPECT_EQ(is.attempts, what == verdict::retry || what == verdict::dead ? 1 : 0);
        if (is.attempts) {
            EXPECT_EQ(is.errors.at(0).error, "no");
        }
    }
    EXPECT_TRUE(claim(*subscribe(), 9).empty());
    expect_counters_true();
}

TEST_P(conformance, cancelled_job_whose_worker_died_does_not_run_again) {
    if (lacks(feature::cancel_running)) return;
    const job_id id = publish(job());
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
    die_under(std::move(victim), *witness);
    EXPECT_EQ(state_of(id), state::cancelled);
    EXPECT_TRUE(claim(*witness, 1, jobs::claim::suspect).empty());
}

TEST_P(conformance, source_that_ends_cancels_what_was_asked_to_be) {
    if (lacks(feature::cancel_running)) return;
    const job_id id = publish(job());
    auto worker = subscribe();
    static_cast<void>(claim_one(*worker));
    EXPECT_EQ(ledger().cancel({.ids = {id}}).value(), 1u);
    worker.reset();
    EXPECT_EQ(state_of(id), state::cancelled);
}

TEST_P(conformance, cancel_leaves_alone_what_is_over) {
    if (lacks(feature::cancel_running)) return;
    const std::vector<job_id> made = publish({job(), job()});
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(ledger().cancel({}).value(), 0u);
    EXPECT_EQ(state_of(made[0]), state::completed);
    EXPECT_EQ(state_of(made[1]), state::dead);
}

// ---- and then to run after all ----

TEST_P(conformance, retry_revives_what_is_dead_or_cancelled) {
    if (lacks(feature::query)) return;
    const std::vector<job_id> made = publish({job(), job()});
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(ledger().cancel({.ids = {made[1]}}).value(), 1u);
    EXPECT_EQ(ledger().retry({}).value(), 2u);
    for (job_id each : made) {
        const record is = find(each);
        EXPECT_EQ(is.state, state::available);
        EXPECT_EQ(is.attempts, 0);
        EXPECT_EQ(is.finished, wall_time{});
        EXPECT_FALSE(is.cancel_asked);
    }
    EXPECT_EQ(find(made[0]).errors.size(), 1u);
    EXPECT_EQ(find(made[0]).epoch, 1);
    expect_counters_true();
    const auto again = claim(*worker, 5);
    ASSERT_EQ(again.size(), 2u);
    for (const delivery& each : again) {
        EXPECT_EQ(each.attempt, 1);
        EXPECT_EQ(complete(*worker, each), settled::yes);
    }
    EXPECT_EQ(ledger().retry({}).value(), 0u);  // completed is for ever
}

TEST_P(conformance, retry_of_a_crashed_job_clears_its_suspicion) {
    if (lacks(feature::query)) return;
    const job_id id = publish(job());
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    die_under(std::move(victim), *witness);
    EXPECT_EQ(settle(*witness, died(claim_one(*witness, jobs::claim::suspect), "no")), settled::yes);
    EXPECT_EQ(ledger().retry({.ids = {id}}).value(), 1u);
    EXPECT_EQ(find(id).crashes, 0);
    EXPECT_EQ(claim_one(*witness).crashes, 0);
}

TEST_P(conformance, retry_makes_due_what_waits_for_its_time) {
    if (lacks(feature::query) || lacks(feature::run_at)) return;
    const auto worker = subscribe();
    publish({job(), job()});
    const auto held = claim(*worker, 2);
    EXPECT_EQ(settle(*worker, failed(held[0], "no", now() + 1h)), settled::yes);
    EXPECT_EQ(settle(*worker, {.which = held[1].which, .what = verdict::snoozed, .at = now() + 1h}), settled::yes);
    new_job later = job();
    later.run_at = now() + 1h;
    publish(later);
    EXPECT_TRUE(claim(*worker, 5).empty());
    EXPECT_EQ(ledger().retry({}).value(), 3u);
    const auto got = claim(*worker, 5);
    ASSERT_EQ(got.size(), 3u);
    int second = 0;
    for (const delivery& each : got) second += each.attempt == 2;
    EXPECT_EQ(second, 1);                       // the one that failed keeps its count
    EXPECT_EQ(ledger().retry({}).value(), 0u);  // they run
}

}  // namespace gm::test
