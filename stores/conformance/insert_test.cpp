// Jobs go in: as they were written, all of them or none.
#include "conformance.hpp"

namespace gm::test {

TEST_P(conformance, insert_of_one_is_accepted_with_an_id) {
    const published made = publish_one(job());
    EXPECT_EQ(made.outcome, published::accepted);
    if (can_be_asked()) {
        EXPECT_TRUE(made.id);
    }
}

TEST_P(conformance, insert_of_nothing_is_no_error) {
    const auto outcome = store().sink().publish({});
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->empty());
}

TEST_P(conformance, insert_of_many_gives_rising_ids_in_their_order) {
    if (!can_be_asked()) return;  // it numbers none
    const std::vector<job_id> made = publish(std::vector<new_job>(harness().scaled(2000), job()));
    for (std::size_t i = 1; i < made.size(); ++i) EXPECT_LT(made[i - 1], made[i]);
    EXPECT_LT(made.back(), publish(job()));
}

TEST_P(conformance, inserted_job_is_delivered_as_it_was_written) {
    new_job wanted{.kind = "image.resize",
                   .arguments = {.bytes = std::string("\0\xff{}", 4), .type = "application/octet-stream"},
                   .queue = "images",
                   .key = "customer 7",
                   .tags = {"red", "grün"},
                   .timeout = 90s,
                   .retry = retry_policy{.attempts = 3, .first = 1s, .factor = 1.5, .longest = 1min, .jitter = 0.1}};
    const job_id id = publish(wanted);
    const auto worker = subscribe({"images"});
    const delivery got = claim_one(*worker);
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.kind, wanted.kind);
    EXPECT_EQ(got.queue, wanted.queue);
    EXPECT_EQ(got.key, wanted.key);
    EXPECT_EQ(got.arguments, wanted.arguments);
    EXPECT_EQ(got.tags, wanted.tags);
    EXPECT_EQ(got.timeout, wanted.timeout);
    ASSERT_TRUE(got.retry);
    EXPECT_EQ(got.retry->attempts, 3);
    EXPECT_EQ(got.retry->first, 1s);
    EXPECT_EQ(got.retry->factor, 1.5);
    EXPECT_EQ(got.retry->longest, 1min);
    EXPECT_EQ(got.retry->jitter, 0.1);
    EXPECT_EQ(got.attempt, 1);
    EXPECT_EQ(got.crashes, 0);
    EXPECT_FALSE(got.has_steps);
}

TEST_P(conformance, inserted_job_is_found_as_it_was_written) {
    if (lacks(feature::query) || lacks(feature::unique) || lacks(feature::after)) return;
    const job_id first = publish(job());
    const wall_time before = now();
    const new_job wanted{.kind = "mail",
                         .arguments = {.bytes = R"({"to":"a"})", .type = ""},
                         .queue = "letters",
                         .key = "k",
                         .priority = -7,
                         .run_at = before + 2h,
                         .tags = {"one", "two"},
                         .timeout = 3s,
                         .retry = retry_policy{.attempts = 2},
                         .unique = unique_key{"u", unique_for::window, 5min},
                         .after = {first},
                         .orphaned = when_parent_fails::run};
    const record is = find(publish(wanted));
    EXPECT_EQ(is.kind, wanted.kind);
    EXPECT_EQ(is.arguments, wanted.arguments);
    EXPECT_EQ(is.queue, wanted.queue);
    EXPECT_EQ(is.key, wanted.key);
    EXPECT_EQ(is.priority, wanted.priority);
    EXPECT_EQ(is.run_at, wanted.run_at);
    EXPECT_EQ(is.tags, wanted.tags);
    EXPECT_EQ(is.timeout, wanted.timeout);
    ASSERT_TRUE(is.retry);
    EXPECT_EQ(is.retry->attempts, 2);
    EXPECT_EQ(is.unique, wanted.unique);
    EXPECT_EQ(is.after, wanted.after);
    EXPECT_EQ(is.orphaned, wanted.orphaned);
    EXPECT_EQ(is.state, state::waiting);
    EXPECT_EQ(is.blocked_by, wanted.after);
    EXPECT_EQ(is.epoch, 0);
    EXPECT_EQ(is.attempts, 0);
    EXPECT_GE(is.inserted, before);
    EXPECT_LE(is.inserted, now());
    EXPECT_EQ(is.started, wall_time{});
    EXPECT_EQ(is.finished, wall_time{});
    EXPECT_TRUE(is.errors.empty());
    EXPECT_FALSE(is.cancel_asked);
}

TEST_P(conformance, job_without_a_time_or_with_a_past_one_runs_now) {
    if (lacks(feature::query) || lacks(feature::run_at)) return;
    new_job past = job();
    past.run_at = now() - 240h;
    const auto made = publish({job(), past});
    for (job_id each : made) {
        EXPECT_EQ(state_of(each), state::available);
        EXPECT_GE(find(each).run_at, find(each).inserted);
    }
    EXPECT_EQ(ids(claim(*subscribe(), 2)), made);  // the past one does not go before the other
}

TEST_P(conformance, job_that_does_not_exist_is_not_found) {
    if (lacks(feature::query)) return;
    const auto found = ledger().find({123'456'789});
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST_P(conformance, other_opening_of_the_store_sees_the_same_jobs) {
    const job_id id = publish(job());
    const auto other = harness().open();
    auto worker = other->subscribe({});
    ASSERT_TRUE(worker);
    EXPECT_EQ(claim_one(**worker).id, id);
    EXPECT_TRUE(claim(*subscribe()).empty());
}

TEST_P(conformance, insert_with_a_fault_is_refused_with_words_that_name_the_field) {
    const auto refused = [&](const char* field, const auto& spoil) {
        new_job bad = job();
        spoil(bad);
        const auto outcome = store().sink().publish({&bad, 1});
        EXPECT_TRUE(is_fault(outcome, store_fault::invalid)) << field;
        if (!outcome) {
            EXPECT_NE(outcome.error().what.find(field), std::string::npos) << outcome.error().what;
        }
    };
    refused("kind", [](new_job& bad) { bad.kind.clear(); });
    refused("queue", [](new_job& bad) { bad.queue = std::string(300, 'q'); });
    refused("key", [](new_job& bad) { bad.key = "\xff"; });
    refused("priority", [](new_job& bad) { bad.priority = 101; });
    refused("tags", [](new_job& bad) { bad.tags = {"a\nb"}; });
    refused("timeout", [](new_job& bad) { bad.timeout = -1s; });
    refused("arguments", [](new_job& bad) { bad.arguments.bytes.resize(64 * 1024 + 1); });
    refused("retry", [](new_job& bad) { bad.retry = retry_policy{.attempts = 0}; });
    EXPECT_TRUE(claim(*subscribe(), 10).empty());
}

TEST_P(conformance, arguments_at_the_limit_are_accepted) {
    new_job big = job();
    big.arguments.bytes.assign(64 * 1024, 'x');
    publish(big);
    EXPECT_EQ(claim_one(*subscribe()).arguments.bytes.size(), 64u * 1024);
}

TEST_P(conformance, limits_given_at_opening_are_kept) {
    reopen({.arguments = 10});
    new_job big = job();
    big.arguments.bytes.assign(11, 'x');
    EXPECT_TRUE(is_fault(store().sink().publish({&big, 1}), store_fault::invalid));
    big.arguments.bytes.pop_back();
    publish(big);
}

TEST_P(conformance, fault_in_one_of_many_inserts_none) {
    std::vector<new_job> some(3, job());
    some[1].kind.clear();
    EXPECT_TRUE(is_fault(store().sink().publish(some), store_fault::invalid));
    some[1] = job();
    if (can(feature::after)) {
        some[2].after = {job_id{123'456'789}};
        const auto outcome = store().sink().publish(some);
        EXPECT_TRUE(is_fault(outcome, store_fault::invalid));
        if (!outcome) {
            EXPECT_NE(outcome.error().what.find("123456789"), std::string::npos) << outcome.error().what;
        }
    }
    EXPECT_TRUE(claim(*subscribe(), 10).empty());
    if (can(feature::query)) {
        EXPECT_EQ(ledger().count({}).value(), 0u);
    }
}

}  // namespace gm::test
