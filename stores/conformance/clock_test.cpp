// Somebody sets the clock on the wall, or the machine finds out that it was wrong: by an hour, forward or back. Leases go by the
// time that passes.
#include "conformance.hpp"

#include <algorithm>

namespace gm::test {

TEST_P(conformance, clock_that_is_set_makes_nobody_dead) {
    const job_id id = publish(job());
    const auto worker = subscribe(), witness = subscribe();
    const delivery held = claim_one(*worker);
    for (const microseconds by : {microseconds(1h), microseconds(-2h)}) {
        if (!harness().set_clock(by)) GTEST_SKIP() << "this store's clock cannot be set";
        for (int i = 0; i != 6; ++i) {
            EXPECT_TRUE(beat_lost(*witness).empty());
            EXPECT_TRUE(beat_lost(*worker).empty());
            const auto swept = witness->sweep();
            ASSERT_TRUE(swept) << swept.error().what;
            EXPECT_EQ(swept->rescued, 0u);
            let_pass(harness().lease() / 4);
        }
    }
    EXPECT_TRUE(beat_lost(*worker).empty());
    EXPECT_EQ(complete(*worker, held), settled::yes);
    if (!can_be_asked()) return;
    EXPECT_EQ(state_of(id), state::completed);
    EXPECT_EQ(find(id).crashes, 0);
}

TEST_P(conformance, worker_that_died_before_the_clock_was_set_back_is_found_dead) {
    const job_id id = publish(job());
    auto victim = subscribe();
    const auto witness = subscribe();
    EXPECT_EQ(claim_one(*victim).id, id);
    crash(std::move(victim));
    if (!harness().set_clock(-1h)) GTEST_SKIP() << "this store's clock cannot be set";
    EXPECT_EQ(rescue_by(*witness), 1u);
    EXPECT_EQ(claim_one(*witness, jobs::claim::suspect).id, id);
}

TEST_P(conformance, jobs_from_before_and_after_the_clock_was_set_back_are_claimed) {
    const auto worker = subscribe();
    publish(job());
    const delivery first = claim_one(*worker);
    std::vector<job_id> expected{publish(job())};
    if (!harness().set_clock(-1h)) GTEST_SKIP() << "this store's clock cannot be set";
    expected.push_back(publish(job()));
    beat(*worker);
    EXPECT_EQ(complete(*worker, first), settled::yes);
    std::vector<job_id> got;
    for (int i = 0; i != 20 && got.size() < expected.size(); ++i) {
        for (const delivery& each : claim(*worker, 5)) got.push_back(each.id);
        ASSERT_TRUE(worker->sweep());
    }
    std::ranges::sort(got);
    EXPECT_EQ(got, expected);
}

TEST_P(conformance, rates_go_on_when_the_clock_was_set_back) {
    if (lacks(feature::limits)) return;
    const double rate = 1e6 / static_cast<double>(moment().count());
    EXPECT_TRUE(ledger().limit("default", {.rate = rate, .burst = 1}));
    EXPECT_TRUE(ledger().limit("by key", {.rate_per_key = rate, .burst_per_key = 1}));
    const auto worker = subscribe({"default", "by key"});
    for (int i = 0; i != 2; ++i)
        for (const char* const queue : {"default", "by key"}) {
            new_job one = job();
            one.queue = queue;
            one.key = "key";
            publish(one);
        }
    EXPECT_EQ(claim(*worker, 4).size(), 2u);
    if (!harness().set_clock(-1h)) GTEST_SKIP() << "this store's clock cannot be set";
    std::size_t got = 0;
    for (int i = 0; i != 20 && got < 2; ++i) {
        beat(*worker);
        ASSERT_TRUE(worker->sweep());
        let_pass(moment());
        got += claim(*worker, 4).size();
    }
    EXPECT_EQ(got, 2u);
}

}  // namespace gm::test
