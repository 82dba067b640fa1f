// Jobs go in.
#include "conformance.hpp"

namespace gm::test {

TEST_P(conformance, insert_of_one_is_accepted_with_an_id) {
    const published made = publish_one(job());
    EXPECT_EQ(made.outcome, published::accepted);
    if (can_be_asked()) EXPECT_TRUE(made.id);
}

TEST_P(conformance, insert_of_many_gives_rising_ids_in_their_order) {
    if (!can_be_asked()) return;  // it numbers none
    const std::vector<job_id> made = publish(std::vector<new_job>(100, job()));
    for (std::size_t i = 1; i < made.size(); ++i) EXPECT_LT(made[i - 1], made[i]);
    EXPECT_LT(made.back(), publish(job()));
}

TEST_P(conformance, inserted_job_is_delivered_as_it_was_written) {
    new_job wanted{.kind = "image.resize",
                   .arguments = {.bytes = std::string("\0\xff{}", 4), .type = "application/octet-stream"},
                   .queue = "images",
                   .key = "customer 7",
                   .tags = {"red", "green"},
                   .timeout = 90s,
                   .retry = retry_policy{.attempts = 3, .first = 1s}};
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
    EXPECT_EQ(got.attempt, 1);
    EXPECT_EQ(got.crashes, 0);
    EXPECT_FALSE(got.has_steps);
}

TEST_P(conformance, fault_in_one_of_many_inserts_none) {
    std::vector<new_job> some(3, job());
    some[1].kind.clear();
    EXPECT_TRUE(is_fault(store().sink().publish(some), store_fault::invalid));
    EXPECT_TRUE(claim(*subscribe(), 10).empty());
    if (can(feature::query)) EXPECT_EQ(ledger().count({}).value(), 0u);
}

TEST_P(conformance, insert_of_nothing_is_no_error) {
    const auto outcome = store().sink().publish({});
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(outcome->empty());
}

}  // namespace gm::test
