// How many jobs of a queue run at the same time, and how many start in a time.
#include "conformance.hpp"

#include <map>

namespace gm::test {

namespace {

std::vector<new_job> of_keys(const std::string& keys) {
    std::vector<new_job> all;
    for (char key : keys) all.push_back({.kind = "kind", .key = std::string(1, key)});
    return all;
}

std::string keys_of(const std::vector<delivery>& jobs) {
    std::string keys;
    for (const delivery& each : jobs) keys += each.key;
    return keys;
}

}  // namespace

TEST_P(conformance, limit_is_kept_and_shown) {
    if (lacks(feature::limits)) return;
    const queue_limits limits{.running = 3, .running_per_key = 2, .rate = 4.5, .burst = 6, .rate_per_key = 7};
    EXPECT_TRUE(ledger().limit("default", limits).value());
    EXPECT_FALSE(ledger().limit("default", limits).value());
    EXPECT_EQ(queue().limits, limits);
    EXPECT_TRUE(is_fault(ledger().limit("default", {.rate = -1}), store_fault::invalid));
    EXPECT_EQ(queue().limits, limits);
}

TEST_P(conformance, no_more_run_than_the_limit_over_all_workers) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 3}));
    publish(std::vector<new_job>(10, job()));
    const auto one = subscribe(), other = subscribe();
    const auto held = claim(*one, 2);
    EXPECT_EQ(held.size(), 2u);
    EXPECT_EQ(claim(*other, 5).size(), 1u);
    EXPECT_TRUE(claim(*one, 5).empty());
    // Each end makes room for one, in the same exchange; whatever the end is.
    const settlement end = failed(held[0], "no", now() + 1h);
    EXPECT_EQ(exchange(*one, {&end, 1}, {.idle = 5}).jobs.size(), 1u);
    EXPECT_EQ(complete(*one, held[1]), settled::yes);
    EXPECT_EQ(claim(*other, 5).size(), 1u);
    EXPECT_TRUE(claim(*other, 5).empty());
}

TEST_P(conformance, limited_queue_gives_nothing_ahead_while_a_crew_is_of_unknown_size) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("limited", {.running = 100}));
    std::vector<new_job> all(20, job());
    for (std::size_t i = 0; i != 10; ++i) all[i].queue = "limited";
    publish(all);
    const auto worker = subscribe({"limited"}), both = subscribe({"limited", "default"});
    EXPECT_EQ(exchange(*worker, {}, {.idle = 2, .ahead = 5}).jobs.size(), 2u);
    const auto got = exchange(*both, {}, {.idle = 2, .ahead = 5}).jobs;
    EXPECT_EQ(got.size(), 7u);
    std::size_t limited = 0;
    for (std::size_t i = 0; i != got.size(); ++i)
        if (got[i].queue == "limited") {
            ++limited;
            EXPECT_LT(i, 2u) << "one that cannot start at once holds a place";
        }
    EXPECT_GE(limited, 1u);
}

// A job that is had ahead takes a place though it does not run. So a store may give some, as long as each hand of the others finds
// a place.
TEST_P(conformance, limited_queue_gives_ahead_only_what_leaves_places_for_the_hands_of_others) {
    if (lacks(feature::limits)) return;
    for (const queue_limits& limits : {queue_limits{.running = 10}, queue_limits{.running_per_key = 2},
                                       queue_limits{.running = 10, .running_per_key = 3, .fair = true}}) {
        const std::string name = "queue " + std::to_string(limits.running) + std::to_string(limits.running_per_key);
        static_cast<void>(ledger().limit(name, limits));
        std::vector<new_job> all = of_keys("aaaabbbbccccddddeeee");
        for (new_job& each : all) each.queue = name;
        publish(all);
        const auto greedy = subscribe({name}), other = subscribe({name});
        EXPECT_TRUE(greedy->beat({.workers = 2}));
        EXPECT_TRUE(other->beat({.workers = 4}));
        const std::size_t got = exchange(*greedy, {}, {.idle = 2, .ahead = 20}).jobs.size();
        EXPECT_GE(got, 2u) << name;
        EXPECT_LE(got, 6u) << name;
        EXPECT_EQ(claim(*other, 4).size(), 4u) << name;
        EXPECT_EQ(claim(*other, 20).size(), 6 - got) << name;
    }
}

TEST_P(conformance, places_that_no_other_hand_could_take_are_had_ahead) {
    if (lacks(feature::limits)) return;
    for (const queue_limits& limits : {queue_limits{.running = 10}, queue_limits{.running = 10, .running_per_key = 2},
                                       queue_limits{.running_per_key = 1, .fair = true}}) {
        const std::string name = "queue " + std::to_string(limits.running) + std::to_string(limits.running_per_key);
        static_cast<void>(ledger().limit(name, limits));
        std::vector<new_job> all = of_keys("abcdefghijabcdefghijabcdefghij");
        for (new_job& each : all) each.queue = name;
        publish(all);
        const auto worker = subscribe({name});
        const auto get = [&](const demand& wanted) { return exchange(*worker, {}, wanted).jobs.size(); };
        EXPECT_EQ(get({.idle = 1, .ahead = 20}), 1u) << name << ": nobody knows its crew yet";
        EXPECT_TRUE(worker->beat({.workers = 2}));
        {
            const auto other = subscribe({name}), elsewhere = subscribe();
            EXPECT_EQ(get({.idle = 1, .ahead = 20}), 1u) << name << ": the other's crew may be of any size";
            EXPECT_TRUE(other->beat({.workers = 3}));
            EXPECT_EQ(get({.idle = 1, .ahead = 20}), 5u) << name;
            EXPECT_EQ(get({.idle = 0, .ahead = 20}), 0u) << name;
            EXPECT_EQ(claim(*other, 3).size(), 3u) << name;
        }
        EXPECT_EQ(get({.idle = 0, .ahead = 20}), 3u) << name << ": it is gone, and its places are free";
    }
}

TEST_P(conformance, limit_holds_for_what_is_had_ahead) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 10, .running_per_key = 4}));
    publish(of_keys("aaaaaaaabbbbbbbbcccccccc"));
    const auto alone = subscribe();
    EXPECT_TRUE(alone->beat({.workers = 2}));
    auto held = exchange(*alone, {}, {.idle = 2, .ahead = 20}).jobs;
    for (int i = 0; i != 3; ++i) {
        std::map<std::string, int> of;
        for (const delivery& each : held) ++of[each.key];
        EXPECT_LE(held.size(), 10u);
        for (const auto& [key, count] : of) EXPECT_LE(count, 4) << key;
        const settlement end = completed(held.front());
        held.erase(held.begin());
        for (delivery& each : exchange(*alone, {&end, 1}, {.idle = 1, .ahead = 20}).jobs)
            held.push_back(std::move(each));
    }
}

TEST_P(conformance, rate_gives_nothing_ahead) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.rate = 1 / 3600.0, .burst = 10}));
    static_cast<void>(ledger().limit("by key", {.rate_per_key = 1 / 3600.0, .burst_per_key = 10}));
    publish(std::vector<new_job>(10, job()));
    publish(std::vector<new_job>(10, {.kind = "kind", .queue = "by key"}));
    for (const char* const name : {"default", "by key"}) {
        const auto worker = subscribe({name});
        EXPECT_TRUE(worker->beat({.workers = 2}));
        EXPECT_EQ(exchange(*worker, {}, {.idle = 2, .ahead = 5}).jobs.size(), 2u) << name;
    }
}

TEST_P(conformance, slots_of_a_dead_worker_come_back) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 1, .running_per_key = 1}));
    publish(of_keys("a"));
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    die_under(std::move(victim), *witness);
    EXPECT_EQ(claim(*witness, 1, jobs::claim::suspect).size(), 1u);
}

TEST_P(conformance, suspects_keep_to_the_limits) {
    if (lacks(feature::limits)) return;
    publish(of_keys("a"));
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    die_under(std::move(victim), *witness);
    static_cast<void>(ledger().limit("default", {.running_per_key = 1}));
    publish(of_keys("a"));
    const auto other = subscribe();
    const delivery running = claim_one(*other);
    const exchanged none = exchange(*witness, {}, {.idle = 1, .which = jobs::claim::suspect});
    EXPECT_TRUE(none.jobs.empty());
    EXPECT_FALSE(none.suspects);
    EXPECT_EQ(complete(*other, running), settled::yes);
    EXPECT_EQ(claim(*witness, 1, jobs::claim::suspect).size(), 1u);
}

TEST_P(conformance, key_at_its_limit_lets_others_by) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running_per_key = 2}));
    publish(of_keys("aaaaaabac"));
    const auto worker = subscribe();
    const auto held = claim(*worker, 9);
    EXPECT_EQ(keys_of(held), "aabc");
    EXPECT_TRUE(claim(*worker, 9).empty());
    EXPECT_EQ(complete(*worker, held[0]), settled::yes);
    EXPECT_EQ(keys_of(claim(*worker, 9)), "a");
}

TEST_P(conformance, jobs_without_a_key_count_as_one_key) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running_per_key = 2}));
    publish(std::vector<new_job>(5, job()));
    EXPECT_EQ(claim(*subscribe(), 9).size(), 2u);
}

TEST_P(conformance, many_jobs_behind_a_saturated_key_do_not_hide_the_others) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running_per_key = 1}));
    publish(std::vector<new_job>(harness().scaled(20'000), {.kind = "kind", .key = "full"}));
    publish(of_keys("bc"));
    const auto worker = subscribe();
    EXPECT_EQ(keys_of(claim(*worker, 5)), "fullbc");
}

TEST_P(conformance, limit_that_is_lifted_lets_all_go) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 1, .running_per_key = 1}));
    publish(of_keys("aaab"));
    const auto worker = subscribe();
    EXPECT_EQ(claim(*worker, 9).size(), 1u);
    EXPECT_TRUE(ledger().limit("default", {}).value());
    EXPECT_EQ(claim(*worker, 9).size(), 3u);
}

TEST_P(conformance, limit_that_comes_later_counts_what_runs_already) {
    if (lacks(feature::limits)) return;
    publish(of_keys("aaab"));
    const auto worker = subscribe();
    EXPECT_EQ(claim(*worker, 2).size(), 2u);
    static_cast<void>(ledger().limit("default", {.running = 3, .running_per_key = 2}));
    EXPECT_EQ(keys_of(claim(*worker, 9)), "b");
}

// ---- rates ----

TEST_P(conformance, rate_gives_its_burst_and_then_one_after_the_other) {
    if (lacks(feature::limits)) return;
    const double a_moment = 1 / std::chrono::duration<double>(moment()).count();
    static_cast<void>(ledger().limit("default", {.rate = a_moment, .burst = 3}));
    publish(std::vector<new_job>(10, job()));
    const auto worker = subscribe();
    const exchanged first = exchange(*worker, {}, {.idle = 9});
    EXPECT_GE(first.jobs.size(), 3u);
    if (harness().time_is_virtual()) {
        EXPECT_EQ(first.jobs.size(), 3u);
        EXPECT_EQ(first.next_in, moment());
    }
    let_pass(moment());
    const auto next = claim(*worker, 9);
    EXPECT_GE(next.size(), 1u);
    if (harness().time_is_virtual()) {
        EXPECT_EQ(next.size(), 1u);
    }
}

TEST_P(conformance, rate_that_is_used_up_tells_when_the_next_may_start) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.rate = 1 / 3600.0, .burst = 2}));
    publish(std::vector<new_job>(5, job()));
    const auto worker = subscribe();
    const exchanged got = exchange(*worker, {}, {.idle = 9});
    EXPECT_EQ(got.jobs.size(), 2u);
    ASSERT_TRUE(got.next_in);
    EXPECT_GT(*got.next_in, 50min);
    EXPECT_LE(*got.next_in, 1h);
}

TEST_P(conformance, rate_token_of_a_returned_job_comes_back) {
    if (lacks(feature::limits)) return;
    static_cast<void>(
        ledger().limit("default", {.rate = 1 / 3600.0, .burst = 2, .rate_per_key = 1 / 3600.0, .burst_per_key = 2}));
    publish(of_keys("aaaa"));
    const auto worker = subscribe();
    const auto held = claim(*worker, 9);
    ASSERT_EQ(held.size(), 2u);
    const settlement back = returned(held[0]);
    EXPECT_EQ(exchange(*worker, {&back, 1}, {.idle = 9}).jobs.size(), 1u);
    EXPECT_TRUE(claim(*worker, 9).empty());
}

// A worker without a handler for its kind puts it off. Each time that took a token, so that a few such jobs used up the rate of all others.
TEST_P(conformance, rate_token_of_a_job_that_is_put_off_comes_back) {
    if (lacks(feature::limits)) return;
    static_cast<void>(
        ledger().limit("default", {.rate = 1 / 3600.0, .burst = 2, .rate_per_key = 1 / 3600.0, .burst_per_key = 2}));
    publish(of_keys("aaaa"));
    const auto worker = subscribe();
    const auto held = claim(*worker, 9);
    ASSERT_EQ(held.size(), 2u);
    settlement back = returned(held[0]);
    back.at = now() + 1h;
    const auto next = exchange(*worker, {&back, 1}, {.idle = 9}).jobs;
    ASSERT_EQ(next.size(), 1u);
    EXPECT_NE(next[0].id, held[0].id);
    EXPECT_TRUE(claim(*worker, 9).empty());
    EXPECT_EQ(state_of(held[0].id), state::scheduled);
}

TEST_P(conformance, rate_token_of_a_job_that_started_does_not_come_back) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.rate = 1 / 3600.0, .burst = 1}));
    publish({job(), job()});
    const auto worker = subscribe();
    EXPECT_EQ(complete(*worker, claim_one(*worker)), settled::yes);
    EXPECT_TRUE(claim(*worker, 9).empty());
}

TEST_P(conformance, rate_token_does_not_come_back_after_a_crash) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.rate = 1 / 3600.0, .burst = 1}));
    publish(job());
    const auto witness = subscribe();
    auto victim = subscribe();
    static_cast<void>(claim_one(*victim));
    die_under(std::move(victim), *witness);
    const exchanged none = exchange(*witness, {}, {.idle = 1, .which = jobs::claim::suspect});
    EXPECT_TRUE(none.jobs.empty());
    EXPECT_TRUE(none.next_in);
}

TEST_P(conformance, rate_of_a_key_lets_other_keys_by) {
    if (lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.rate_per_key = 1 / 3600.0, .burst_per_key = 2}));
    publish(of_keys("aaaabc"));
    const auto worker = subscribe();
    const exchanged got = exchange(*worker, {}, {.idle = 9});
    EXPECT_EQ(keys_of(got.jobs), "aabc");
    EXPECT_TRUE(got.next_in);
}

TEST_P(conformance, rate_of_a_key_comes_back_with_time) {
    if (lacks(feature::limits)) return;
    const double a_moment = 1 / std::chrono::duration<double>(moment()).count();
    static_cast<void>(ledger().limit("default", {.rate_per_key = a_moment}));
    publish(of_keys("aaab"));
    const auto worker = subscribe();
    EXPECT_GE(claim(*worker, 9).size(), 2u);
    let_pass(moment());
    EXPECT_EQ(claim_one(*worker).key, "a");
}

// ---- fair shares ----

TEST_P(conformance, fair_queue_gives_each_key_its_turn) {
    if (lacks(feature::fair_shares)) return;
    static_cast<void>(ledger().limit("default", {.fair = true}));
    publish(of_keys(std::string(50, 'a') + std::string(10, 'b') + std::string(10, 'c')));
    const auto worker = subscribe();
    std::map<char, int> had;
    for (int i = 0; i != 27; ++i) ++had[claim_one(*worker).key[0]];
    for (char key : {'a', 'b', 'c'}) {
        EXPECT_GE(had[key], 8) << key;
        EXPECT_LE(had[key], 10) << key;
    }
}

TEST_P(conformance, fair_queue_goes_by_weights) {
    if (lacks(feature::fair_shares)) return;
    static_cast<void>(ledger().limit("default", {.fair = true, .weights = {{"a", 3}, {"b", 1}}}));
    publish(of_keys(std::string(60, 'b') + std::string(60, 'a')));
    const auto worker = subscribe();
    int a = 0;
    for (const delivery& each : claim(*worker, 40)) a += each.key == "a";
    EXPECT_GE(a, 28);
    EXPECT_LE(a, 32);
}

TEST_P(conformance, fair_queue_leaves_no_worker_idle_while_there_is_work) {
    if (lacks(feature::fair_shares)) return;
    static_cast<void>(ledger().limit("default", {.fair = true, .weights = {{"a", 1}, {"b", 100}}}));
    publish(of_keys(std::string(30, 'a') + "b"));
    EXPECT_EQ(claim(*subscribe(), 40).size(), 31u);
}

// Most keys have less than their part of what is wanted, and one has much more.
TEST_P(conformance, fair_queue_with_one_deep_key_gives_all_that_is_wanted) {
    if (lacks(feature::fair_shares)) return;
    static_cast<void>(ledger().limit("default", {.fair = true, .weights = {{"a", 5}}}));
    publish(of_keys(std::string(80, 'a') + "bcdefghijkl" + "bc"));
    const std::string got = keys_of(claim(*subscribe(), 90));
    EXPECT_EQ(got.size(), 90u);
    EXPECT_EQ(std::count(got.begin(), got.end(), 'a'), 77);
    const std::string first = got.substr(0, 12);
    for (char key = 'a'; key <= 'l'; ++key) EXPECT_NE(first.find(key), std::string::npos) << key << " in " << got;
}

TEST_P(conformance, newcomer_in_a_fair_queue_is_served_soon_but_not_for_what_it_did_not_ask_for) {
    if (lacks(feature::fair_shares)) return;
    static_cast<void>(ledger().limit("default", {.fair = true}));
    publish(of_keys(std::string(60, 'a')));
    const auto worker = subscribe();
    EXPECT_EQ(claim(*worker, 30).size(), 30u);
    publish(of_keys(std::string(30, 'b')));
    const std::string next = keys_of(claim(*worker, 20));
    EXPECT_LE(next.find('b'), 2u) << next;
    EXPECT_GE(std::count(next.begin(), next.end(), 'a'), 8) << next;
    EXPECT_GE(std::count(next.begin(), next.end(), 'b'), 8) << next;
}

TEST_P(conformance, priority_in_a_fair_queue_orders_within_a_key_only) {
    if (lacks(feature::fair_shares) || lacks(feature::priority)) return;
    static_cast<void>(ledger().limit("default", {.fair = true}));
    std::vector<new_job> all = of_keys("aaaabbbb");
    for (std::size_t i = 0; i != 4; ++i) all[i].priority = 50 + static_cast<int>(i);
    const auto made = publish(all);
    const auto worker = subscribe();
    const auto got = claim(*worker, 8);
    std::vector<job_id> of_a;
    for (const delivery& each : got)
        if (each.key == "a") of_a.push_back(each.id);
    EXPECT_EQ(of_a, (std::vector<job_id>{made[3], made[2], made[1], made[0]}));
    const std::string first = keys_of(got).substr(0, 4);
    EXPECT_EQ(std::count(first.begin(), first.end(), 'b'), 2) << first;
}

TEST_P(conformance, fair_queue_with_limits_keeps_both) {
    if (lacks(feature::fair_shares) || lacks(feature::limits)) return;
    static_cast<void>(ledger().limit("default", {.running = 5, .running_per_key = 2, .fair = true}));
    publish(of_keys("aaaaaabbbbbbcccccc"));
    const auto worker = subscribe();
    const auto held = claim(*worker, 18);
    std::map<std::string, int> had;
    for (const delivery& each : held) ++had[each.key];
    EXPECT_EQ(held.size(), 5u);
    for (const auto& [key, count] : had) EXPECT_LE(count, 2) << key;
}

}  // namespace gm::test
