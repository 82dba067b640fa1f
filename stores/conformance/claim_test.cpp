// Who gets which job, in which order.
#include "conformance.hpp"

#include <algorithm>

namespace gm::test {

TEST_P(conformance, claim_takes_the_oldest_first) {
    const std::vector<job_id> made = publish(std::vector<new_job>(20, job()));
    const auto worker = subscribe();
    std::vector<delivery> got = claim(*worker, 7);
    EXPECT_EQ(got.size(), 7u);
    for (delivery& each : claim(*worker, 100)) got.push_back(std::move(each));
    if (can_be_asked()) EXPECT_EQ(ids(got), made);
    EXPECT_TRUE(claim(*worker, 1).empty());
}

TEST_P(conformance, claimed_job_is_nobody_elses) {
    publish(std::vector<new_job>(10, job()));
    const auto one = subscribe(), other = subscribe();
    std::vector<job_id> all = ids(claim(*one, 4));
    for (job_id each : ids(claim(*other, 100))) all.push_back(each);
    EXPECT_EQ(all.size(), 10u);
    std::ranges::sort(all);
    EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end() || !can_be_asked());
}

TEST_P(conformance, completed_job_is_over_with_its_result) {
    const job_id id = publish(job());
    const auto worker = subscribe();
    const delivery got = claim_one(*worker);
    EXPECT_EQ(settle(*worker, {.which = got.which, .result = {"7", ""}}), settled::yes);
    EXPECT_TRUE(claim(*worker, 10).empty());
    if (!can(feature::query)) return;
    const record over = find(id);
    EXPECT_EQ(over.state, state::completed);
    EXPECT_EQ(over.result.bytes, "7");
    EXPECT_EQ(over.attempts, 1);
    EXPECT_EQ(over.worker, "tester");
    EXPECT_GE(over.finished, over.started);
    EXPECT_EQ(queue().completed, 1u);
    expect_counters_true();
}

TEST_P(conformance, job_of_a_dead_worker_is_rescued_and_claimed_alone) {
    publish({job(), job()});
    auto victim = subscribe();
    const auto witness = subscribe();
    const delivery held = claim_one(*victim);
    harness().crash(std::move(victim));
    EXPECT_EQ(rescue_by(*witness).rescued, 1u);
    const exchanged ordinary = exchange(*witness, {}, {.idle = 10});
    ASSERT_EQ(ordinary.jobs.size(), 1u);
    EXPECT_TRUE(ordinary.suspects);
    EXPECT_TRUE(claim(*witness, 10, jobs::claim::suspect).empty());  // it holds something
    EXPECT_EQ(complete(*witness, ordinary.jobs[0]), settled::yes);
    const std::vector<delivery> alone = claim(*witness, 10, jobs::claim::suspect);
    ASSERT_EQ(alone.size(), 1u);
    EXPECT_EQ(alone[0].id, held.id);
    EXPECT_EQ(alone[0].crashes, 1);
    EXPECT_EQ(alone[0].attempt, 1);
    EXPECT_EQ(complete(*witness, alone[0]), settled::yes);
}

}  // namespace gm::test
