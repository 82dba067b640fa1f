// Queues with more keys than a claim looks at, and what stands before the place from which a key is looked at.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <support/seed.hpp>

#include "watched.hpp"

namespace {

using namespace gm;
using namespace gm::test;

class postgres_keys : public watched {
protected:
    const std::unique_ptr<jobs::source> worker = store->subscribe({}).value();

    void limit(const jobs::queue_limits& limits) { ASSERT_TRUE(store->ledger()->limit("default", limits)); }
    // `each` jobs of each of `count` keys; the later ones come after all of the earlier ones.
    void publish(int count, int each, const std::string& prefix = "key ", int priority = 0) {
        std::vector<jobs::new_job> all;
        for (int i = 0; i != count * each; ++i)
            all.push_back({.kind = priority != 0 ? "urgent" : "kind",
                           .key = prefix + std::to_string(i % count),
                           .priority = priority});
        ASSERT_TRUE(store->sink().publish(all));
    }
    std::vector<jobs::delivery> claim(std::size_t most) { return watched::claim(*worker, most); }
    std::vector<std::string> keys_of(std::size_t most) {
        std::vector<std::string> keys;
        for (const jobs::delivery& each : claim(most)) keys.push_back(each.key);
        return keys;
    }
    // As if all that was done so far had been a minute ago: waters rise to where the claims are only after some seconds.
    void let_a_minute_pass() {
        ASSERT_TRUE(look.tell("update " + schema + ".job set okey = okey - 60000000, run_at = run_at - 60000000"));
        ASSERT_TRUE(look.tell("update " + schema + ".key_share set water = greatest(water - 60000000, 0)"));
    }
    // The keys are to be believed for as long as this test takes, or no longer.
    void trust(bool trusted) {
        ASSERT_TRUE(look.tell("update " + schema + ".key_share set trusted = " +
                              (trusted ? schema + ".now_us() + 50000000" : std::string("0"))));
    }
};

TEST_F(postgres_keys, more_than_a_claim_visits_have_their_turns_all_the_same) {
    limit({.fair = true});
    publish(300, 4);
    for (int round = 1; round <= 3; ++round) {
        std::map<std::string, int> had;
        for (std::size_t left = 300, size = 1; left > 0; size = size % 40 + 7) {
            const auto keys = keys_of(std::min(left, size));
            ASSERT_FALSE(keys.empty());
            left -= keys.size();
            for (const std::string& key : keys) ++had[key];
        }
        EXPECT_EQ(had.size(), 300u) << "in round " << round;
    }
}

TEST_F(postgres_keys, by_the_hundred_go_by_their_weights) {
    limit({.fair = true, .weights = {{"key 7", 3}, {"key 8", 0.5}}});
    publish(200, 12);
    std::map<std::string, int> had;
    // Four rounds of 198 keys, of one that has three jobs in each, and of one that has one in two.
    for (int left = 4 * 198 + 12 + 2; left > 0;) {
        const auto keys = keys_of(std::min<std::size_t>(static_cast<std::size_t>(left), 23));
        ASSERT_FALSE(keys.empty());
        left -= static_cast<int>(keys.size());
        for (const std::string& key : keys) ++had[key];
    }
    EXPECT_NEAR(had["key 7"], 12, 3);
    EXPECT_NEAR(had["key 8"], 2, 1);
    for (const auto& [key, count] : had) {
        if (key != "key 7" && key != "key 8") EXPECT_NEAR(count, 4, 1) << key;
    }
}

TEST_F(postgres_keys, newcomer_among_hundreds_waits_for_no_more_than_a_round) {
    limit({.fair = true});
    publish(200, 5);
    for (int i = 0; i != 17; ++i) claim(10);
    publish(1, 5, "new ");
    int its = 0;
    for (int i = 0; i != 41; ++i) its += static_cast<int>(std::ranges::count(keys_of(5), "new 0"));
    EXPECT_GE(its, 1);
    EXPECT_LE(its, 2);
}

TEST_F(postgres_keys, at_their_limit_leave_no_worker_idle_while_another_has_work) {
    limit({.running_per_key = 1, .fair = true});
    publish(500, 2);
    EXPECT_EQ(claim(500).size(), 500u);
    publish(1, 2, "a new ");
    EXPECT_EQ(keys_of(5), std::vector<std::string>{"a new 0"});
    EXPECT_TRUE(claim(5).empty());
}

// Random sizes of claims, some settled and some returned: limits hold at each step, and at the end nothing is left.
TEST_F(postgres_keys, by_the_hundred_keep_their_limits_and_are_all_served) {
    random_source dice(seed());
    limit({.running = 60, .running_per_key = 2, .fair = true, .weights = {{"key 3", 5}}});
    publish(150, 4);
    publish(5, 20, "deep ");
    std::size_t done = 0;
    std::vector<jobs::delivery> held;
    while (done < 700) {
        const std::size_t room = 60 - held.size(), wanted = 1 + dice.below(70);
        auto got = claim(wanted);
        EXPECT_LE(got.size(), room);
        for (jobs::delivery& each : got) held.push_back(std::move(each));
        std::map<std::string, int> of;
        for (const jobs::delivery& each : held) ++of[each.key];
        for (const auto& [key, count] : of) ASSERT_LE(count, 2) << key;
        ASSERT_FALSE(held.empty()) << "after " << done;
        std::vector<jobs::settlement> ends;
        for (std::size_t i = 1 + dice.below(held.size()); i > 0; --i) {
            const std::size_t which = dice.below(held.size());
            const bool returned = dice.below(10) == 0;
            done += !returned;
            ends.push_back(
                {.which = held[which].which, .what = returned ? jobs::verdict::returned : jobs::verdict::completed});
            held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
        }
        ASSERT_TRUE(worker->exchange(ends, {}));
    }
    EXPECT_TRUE(claim(10).empty());
}

// ---- what stands before the place from which a key is looked at ----

TEST_F(postgres_keys, job_whose_transaction_committed_late_is_found) {
    limit({.fair = true});
    plain_connection slow(server::shared().url());
    ASSERT_TRUE(slow.tell("begin"));
    const std::string late = slow.ask("select " + schema + ".insert('late', key => 'key 0')");
    publish(2, 5);
    EXPECT_EQ(claim(6).size(), 6u);
    ASSERT_TRUE(slow.tell("commit"));
    let_a_minute_pass();
    trust(true);
    EXPECT_EQ(claim(1).at(0).kind, "kind") << "the key is not looked at from its start each time";
    trust(false);
    std::vector<std::string> kinds;
    for (const jobs::delivery& each : claim(2)) kinds.push_back(each.kind);
    EXPECT_TRUE(std::ranges::count(kinds, "late")) << "once it is, the first of the key is the first again";
    EXPECT_EQ(claim(9).size(), 2u);
}

TEST_F(postgres_keys, job_that_is_alone_with_having_committed_late_is_found_at_once) {
    limit({.fair = true});
    plain_connection slow(server::shared().url());
    ASSERT_TRUE(slow.tell("begin"));
    slow.ask("select " + schema + ".insert('late', key => 'key 0')");
    publish(1, 5);
    EXPECT_EQ(claim(9).size(), 5u);
    ASSERT_TRUE(slow.tell("commit"));
    let_a_minute_pass();
    trust(true);
    EXPECT_EQ(claim(9).size(), 1u);
}

TEST_F(postgres_keys, job_with_a_priority_or_given_back_is_first_at_once) {
    limit({.fair = true});
    publish(1, 8);
    const auto held = claim(4);
    let_a_minute_pass();
    trust(true);
    publish(1, 1, "key ", 100);
    EXPECT_EQ(claim(1).at(0).kind, "urgent");
    trust(true);
    const jobs::settlement back{.which = held.at(1).which, .what = jobs::verdict::returned};
    ASSERT_TRUE(worker->exchange({&back, 1}, {}));
    EXPECT_EQ(claim(1).at(0).id, held[1].id);
    // More of them than are told from the others key by key.
    publish(1, 120, "key ", 50);
    const auto first = claim(120);
    EXPECT_EQ(std::ranges::count_if(first, [](const jobs::delivery& each) { return each.kind == "urgent"; }), 120);
    EXPECT_EQ(claim(9).size(), 4u);
}

}  // namespace
