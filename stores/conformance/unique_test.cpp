// At most one job of a kind with the same key: until it is started, until it is over, or for a time.
#include "conformance.hpp"

namespace gm::test {

namespace {

new_job only(unique_for until, std::string key = "key", microseconds window = 1h) {
    return {.kind = "kind", .unique = unique_key{std::move(key), until, window}};
}

}  // namespace

TEST_P(conformance, second_job_with_a_key_is_a_duplicate_of_the_first) {
    if (lacks(feature::unique)) return;
    for (unique_for until : {unique_for::started, unique_for::finished, unique_for::window}) {
        const std::string key = "key " + std::to_string(static_cast<int>(until));
        const job_id first = publish(only(until, key));
        const published second = publish_one(only(until, key));
        EXPECT_EQ(second.outcome, published::duplicate);
        EXPECT_EQ(second.id, first);
    }
    EXPECT_EQ(claim(*subscribe(), 9).size(), 3u);
}

TEST_P(conformance, other_key_or_other_kind_is_no_duplicate) {
    if (lacks(feature::unique)) return;
    publish(only(unique_for::finished));
    publish(only(unique_for::finished, "other"));
    new_job other = only(unique_for::finished);
    other.kind = "other";
    publish(other);
    other.queue = "elsewhere";  // the queue does not count
    EXPECT_EQ(publish_one(other).outcome, published::duplicate);
}

TEST_P(conformance, duplicates_within_one_insert_are_found_and_the_others_inserted) {
    if (lacks(feature::unique)) return;
    const std::vector<new_job> some{only(unique_for::finished, "a"), only(unique_for::finished, "b"),
                                    only(unique_for::finished, "a"), job()};
    const auto outcome = store().sink().publish(some);
    ASSERT_TRUE(outcome);
    ASSERT_EQ(outcome->size(), 4u);
    EXPECT_EQ(outcome->at(0).outcome, published::accepted);
    EXPECT_EQ(outcome->at(1).outcome, published::accepted);
    EXPECT_EQ(outcome->at(2).outcome, published::duplicate);
    EXPECT_EQ(outcome->at(2).id, outcome->at(0).id);
    EXPECT_EQ(outcome->at(3).outcome, published::accepted);
    EXPECT_EQ(claim(*subscribe(), 9).size(), 3u);
}

TEST_P(conformance, insert_that_is_refused_takes_no_key) {
    if (lacks(feature::unique)) return;
    std::vector<new_job> some{only(unique_for::finished), job("")};
    EXPECT_FALSE(store().sink().publish(some));
    publish(only(unique_for::finished));
}

TEST_P(conformance, key_until_started_is_free_once_it_is_claimed) {
    if (lacks(feature::unique)) return;
    publish(only(unique_for::started));
    const auto worker = subscribe();
    const delivery first = claim_one(*worker);
    const job_id second = publish(only(unique_for::started));
    EXPECT_EQ(publish_one(only(unique_for::started)).id, second);
    // Given back it has no claim any more: the second one has the key.
    EXPECT_EQ(settle(*worker, returned(first)), settled::yes);
    EXPECT_EQ(publish_one(only(unique_for::started)).id, second);
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(publish_one(only(unique_for::started)).id, second);
}

TEST_P(conformance, key_until_finished_is_taken_while_it_runs_and_fails) {
    if (lacks(feature::unique)) return;
    publish(only(unique_for::finished));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, failed(claim_one(*worker), "no")), settled::yes);
    EXPECT_EQ(publish_one(only(unique_for::finished)).outcome, published::duplicate);
    const delivery again = claim_one(*worker);
    EXPECT_EQ(publish_one(only(unique_for::finished)).outcome, published::duplicate);
    EXPECT_EQ(complete(*worker, again), settled::yes);
    publish(only(unique_for::finished));
}

TEST_P(conformance, key_of_a_dead_or_cancelled_job_is_free) {
    if (lacks(feature::unique)) return;
    publish(only(unique_for::finished));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    const job_id second = publish(only(unique_for::finished));
    if (!can(feature::query)) return;
    EXPECT_EQ(ledger().cancel({.ids = {second}}).value(), 1u);
    const job_id third = publish(only(unique_for::started));
    EXPECT_EQ(ledger().cancel({.ids = {third}}).value(), 1u);
    const job_id fourth = publish(only(unique_for::finished));
    EXPECT_EQ(ledger().remove({.ids = {fourth}}).value(), 1u);
    publish(only(unique_for::finished));
}

TEST_P(conformance, key_of_a_job_that_is_cancelled_at_once_is_free_for_the_next_of_the_same_insert) {
    if (lacks(feature::unique) || lacks(feature::after)) return;
    const job_id parent = publish(job());
    EXPECT_EQ(ledger().cancel({.ids = {parent}}).value(), 1u);
    const auto orphan = [&](unique_for until, std::string key) {
        new_job made = only(until, std::move(key));
        made.after = {parent};
        made.orphaned = when_parent_fails::cancel;
        return made;
    };
    const std::vector<new_job> some{orphan(unique_for::finished, "a"), orphan(unique_for::started, "a"),
                                    only(unique_for::finished, "a"),   only(unique_for::finished, "a"),
                                    orphan(unique_for::window, "b"),   only(unique_for::finished, "b")};
    const auto made = store().sink().publish(some).value();
    ASSERT_EQ(made.size(), some.size());
    for (const std::size_t i : {0u, 1u, 2u, 4u}) EXPECT_EQ(made[i].outcome, published::accepted) << i;
    for (const std::size_t i : {0u, 1u, 4u}) EXPECT_EQ(state_of(made[i].id), state::cancelled) << i;
    for (const std::size_t i : {3u, 5u}) {
        EXPECT_EQ(made[i].outcome, published::duplicate) << i;
        EXPECT_EQ(made[i].id, made[i - 1].id) << i;
    }
    const auto worker = subscribe();
    EXPECT_EQ(ids(claim(*worker, 9)), std::vector<job_id>{made[2].id});
    EXPECT_EQ(publish_one(only(unique_for::finished, "a")).id, made[2].id);
    expect_counters_true();
}

TEST_P(conformance, key_for_a_window_is_taken_whatever_becomes_of_the_job) {
    if (lacks(feature::unique)) return;
    const job_id first = publish(only(unique_for::window));
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(publish_one(only(unique_for::window)).id, first);
    if (!can(feature::query)) return;
    EXPECT_EQ(ledger().remove({.ids = {first}}).value(), 1u);
    EXPECT_EQ(publish_one(only(unique_for::window)).outcome, published::duplicate);
    EXPECT_EQ(publish_one(only(unique_for::finished)).outcome, published::duplicate);
}

TEST_P(conformance, key_for_a_window_is_free_when_it_has_passed) {
    if (lacks(feature::unique)) return;
    publish(only(unique_for::window, "key", moment()));
    let_pass(moment());
    publish(only(unique_for::window, "key", 1h));  // the first one has not even started
    EXPECT_EQ(publish_one(only(unique_for::window)).outcome, published::duplicate);
}

TEST_P(conformance, revival_takes_the_key_again) {
    if (lacks(feature::unique) || lacks(feature::query)) return;
    const job_id first = publish(only(unique_for::finished));
    EXPECT_EQ(ledger().cancel({.ids = {first}}).value(), 1u);
    EXPECT_EQ(ledger().retry({.ids = {first}}).value(), 1u);
    EXPECT_EQ(publish_one(only(unique_for::finished)).id, first);
}

TEST_P(conformance, revival_of_a_job_whose_key_is_taken_is_a_conflict) {
    if (lacks(feature::unique) || lacks(feature::query)) return;
    const job_id first = publish(only(unique_for::finished));
    const auto worker = subscribe();
    EXPECT_EQ(settle(*worker, died(claim_one(*worker), "no")), settled::yes);
    const job_id second = publish(only(unique_for::finished));
    EXPECT_TRUE(is_fault(ledger().retry({.ids = {first}}), store_fault::conflict));
    EXPECT_EQ(state_of(first), state::dead);
    EXPECT_EQ(ledger().retry({.states = {state::dead}}).value(), 0u);  // in bulk it stays, and that is all
    EXPECT_EQ(state_of(first), state::dead);
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_EQ(state_of(second), state::completed);
    EXPECT_EQ(ledger().retry({.ids = {first}}).value(), 1u);
    EXPECT_EQ(state_of(first), state::available);
}

// One whose key is taken keeps none of the others back, whoever comes first.
TEST_P(conformance, revival_of_several_jobs_revives_those_whose_keys_are_free) {
    if (lacks(feature::unique) || lacks(feature::query)) return;
    const job_id free = publish(only(unique_for::finished, "free")),
                 taken = publish(only(unique_for::finished, "taken")), plain = publish(job());
    EXPECT_EQ(ledger().cancel({.ids = {free, taken, plain}}).value(), 3u);
    publish(only(unique_for::finished, "taken"));
    const auto outcome = ledger().retry({.ids = {taken, free, plain}});
    EXPECT_TRUE(is_fault(outcome, store_fault::conflict));
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().what.find("job " + std::to_string(taken.number)), std::string::npos)
        << outcome.error().what;
    EXPECT_EQ(state_of(free), state::available);
    EXPECT_EQ(state_of(taken), state::cancelled);
    EXPECT_EQ(state_of(plain), state::available);
    expect_counters_true();
}

TEST_P(conformance, of_two_jobs_that_are_revived_with_one_key_the_older_one_has_it) {
    if (lacks(feature::unique) || lacks(feature::query)) return;
    const job_id older = publish(only(unique_for::finished));
    EXPECT_EQ(ledger().cancel({.ids = {older}}).value(), 1u);
    const job_id newer = publish(only(unique_for::finished));
    EXPECT_EQ(ledger().cancel({.ids = {newer}}).value(), 1u);
    EXPECT_TRUE(is_fault(ledger().retry({.ids = {newer, older}}), store_fault::conflict));
    EXPECT_EQ(state_of(older), state::available);
    EXPECT_EQ(state_of(newer), state::cancelled);
}

}  // namespace gm::test
