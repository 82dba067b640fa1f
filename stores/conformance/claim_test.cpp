// Who gets which job, in which order, and when.
#include "conformance.hpp"

#include <algorithm>
#include <atomic>

namespace gm::test {

TEST_P(conformance, claim_takes_the_oldest_first) {
    const std::vector<job_id> made = publish(std::vector<new_job>(20, job()));
    const auto worker = subscribe();
    std::vector<delivery> got = claim(*worker, 7);
    EXPECT_EQ(got.size(), 7u);
    for (delivery& each : claim(*worker, 100)) got.push_back(std::move(each));
    EXPECT_EQ(got.size(), 20u);
    if (can_be_asked()) {
        EXPECT_EQ(ids(got), made);
    }
    EXPECT_TRUE(claim(*worker, 1).empty());
}

TEST_P(conformance, claimed_job_is_nobody_elses) {
    publish(std::vector<new_job>(10, job()));
    const auto one = subscribe(), other = subscribe();
    std::vector<token> all;
    for (const delivery& each : claim(*one, 4)) all.push_back(each.which);
    for (const delivery& each : claim(*other, 100)) all.push_back(each.which);
    EXPECT_EQ(all.size(), 10u);
    std::ranges::sort(all);
    EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
}

TEST_P(conformance, claim_of_nothing_gives_nothing) {
    publish(job());
    const auto worker = subscribe();
    EXPECT_TRUE(exchange(*worker, {}, {}).jobs.empty());
    EXPECT_EQ(exchange(*worker, {}, {.idle = 0, .ahead = 1}).jobs.size(), 1u);
}

// A worker may then sleep until its bell rings.
TEST_P(conformance, claim_where_nothing_waits_for_its_time_says_so) {
    const auto worker = subscribe();
    EXPECT_FALSE(exchange(*worker, {}, {.idle = 1}).next_in);
    publish(job());
    settle(*worker, completed(claim_one(*worker)));
    const exchanged nothing = exchange(*worker, {}, {.idle = 1});
    EXPECT_FALSE(nothing.next_in);
    EXPECT_FALSE(nothing.suspects);
}

TEST_P(conformance, claim_gives_what_idle_workers_need_and_what_is_wanted_ahead) {
    publish(std::vector<new_job>(10, job()));
    const auto worker = subscribe();
    EXPECT_EQ(exchange(*worker, {}, {.idle = 2, .ahead = 3}).jobs.size(), 5u);
    EXPECT_EQ(exchange(*worker, {}, {.idle = 2, .ahead = 30}).jobs.size(), 5u);
}

TEST_P(conformance, claim_leaves_other_queues_alone) {
    new_job elsewhere = job();
    elsewhere.queue = "elsewhere";
    publish(elsewhere);
    EXPECT_TRUE(claim(*subscribe(), 10).empty());
    EXPECT_EQ(claim(*subscribe({"elsewhere"}), 10).size(), 1u);
}

TEST_P(conformance, claim_makes_it_running_and_counts_the_claim) {
    if (lacks(feature::query)) return;
    const job_id id = publish(job());
    const auto worker = subscribe();
    const wall_time before = now();
    const delivery got = claim_one(*worker);
    record is = find(id);
    EXPECT_EQ(is.state, state::running);
    EXPECT_EQ(is.epoch, 1);
    EXPECT_EQ(is.worker, "tester");
    EXPECT_GE(is.started, before);
    settle(*worker, returned(got));
    EXPECT_NE(claim_one(*worker).which, got.which);
    EXPECT_EQ(find(id).epoch, 2);
}

TEST_P(conformance, queues_of_a_worker_take_turns) {
    std::vector<new_job> all(12, job());
    for (std::size_t i = 0; i != 12; ++i) all[i].queue = i < 9 ? "full" : "short";
    publish(all);
    const auto worker = subscribe({"full", "short"});
    std::string order;
    for (const delivery& each : claim(*worker, 12)) order += each.queue[0];
    EXPECT_EQ(order.size(), 12u);
    EXPECT_EQ(std::ranges::count(order.substr(0, 6), 's'), 3) << order;  // as long as both have some, one each
    EXPECT_EQ(order.substr(6), "ffffff");
}

TEST_P(conformance, turns_of_the_queues_go_on_from_claim_to_claim) {
    std::vector<new_job> all(40, job());
    for (std::size_t i = 0; i != 40; ++i) all[i].queue = i < 20 ? "one" : "two";
    publish(all);
    const auto worker = subscribe({"one", "two"});
    std::string order;
    for (int i = 0; i != 20; ++i) order += claim_one(*worker).queue[0];
    const auto ones = std::ranges::count(order, 'o');
    EXPECT_GE(ones, 9) << order;
    EXPECT_LE(ones, 11) << order;
}

// ---- priority ----

TEST_P(conformance, higher_priority_goes_first) {
    if (lacks(feature::priority)) return;
    std::vector<new_job> all(5, job());
    const int wanted[] = {0, -5, 100, 3, -100};
    for (std::size_t i = 0; i != 5; ++i) all[i].priority = wanted[i];
    const std::vector<job_id> made = publish(all);
    EXPECT_EQ(ids(claim(*subscribe(), 5)), (std::vector<job_id>{made[2], made[3], made[0], made[1], made[4]}));
}

TEST_P(conformance, equal_priority_keeps_the_order_of_insertion) {
    if (lacks(feature::priority)) return;
    std::vector<new_job> all(20, job());
    for (new_job& each : all) each.priority = 9;
    const std::vector<job_id> made = publish(all);
    EXPECT_EQ(ids(claim(*subscribe(), 20)), made);
}

// One step of priority is worth a minute: who waits is overtaken for a bounded time only.
TEST_P(conformance, priority_is_worth_a_minute_a_step) {
    if (lacks(feature::priority) || !harness().time_is_virtual()) return;
    new_job high = job();
    high.priority = 2;
    const job_id old = publish(job());
    let_pass(119s);
    const job_id early = publish(high);
    let_pass(2s);
    const job_id late = publish(high);
    EXPECT_EQ(ids(claim(*subscribe(), 3)), (std::vector<job_id>{early, old, late}));
}

TEST_P(conformance, priority_that_is_changed_changes_the_order) {
    if (lacks(feature::priority) || lacks(feature::query)) return;
    const std::vector<job_id> made = publish(std::vector<new_job>(3, job()));
    EXPECT_EQ(ledger().set_priority({.ids = {made[2]}}, 10).value(), 1u);
    EXPECT_EQ(find(made[2]).priority, 10);
    EXPECT_TRUE(is_fault(ledger().set_priority({}, 101), store_fault::invalid));
    const auto worker = subscribe();
    EXPECT_EQ(ids(claim(*worker, 3)), (std::vector<job_id>{made[2], made[0], made[1]}));
    EXPECT_EQ(ledger().set_priority({}, 5).value(), 0u);  // they run
}

// ---- its time ----

TEST_P(conformance, job_with_a_later_time_waits_and_the_worker_is_told_when_to_look) {
    if (lacks(feature::run_at)) return;
    new_job later = job();
    later.run_at = now() + 1h;
    const job_id id = publish(later);
    const auto worker = subscribe();
    const exchanged got = exchange(*worker, {}, {.idle = 5});
    EXPECT_TRUE(got.jobs.empty());
    ASSERT_TRUE(got.next_in);
    EXPECT_LE(*got.next_in, 1h);
    EXPECT_GT(*got.next_in, 0s);
    if (can(feature::query)) {
        EXPECT_EQ(state_of(id), state::scheduled);
    }
}

TEST_P(conformance, job_is_claimed_when_its_time_has_come) {
    if (lacks(feature::run_at)) return;
    new_job later = job();
    later.run_at = now() + moment();
    const job_id id = publish(later);
    const auto worker = subscribe();
    let_pass(moment());
    const delivery got = claim_one(*worker);
    EXPECT_EQ(got.id, id);
    EXPECT_EQ(got.run_at, later.run_at);
}

TEST_P(conformance, jobs_whose_time_has_come_go_by_their_times) {
    if (lacks(feature::run_at)) return;
    const wall_time start = now();
    std::vector<new_job> all(4, job());
    for (std::size_t i = 0; i != 3; ++i) all[i].run_at = start + moment() - microseconds(1000 * i);
    all[3].run_at = start + 1h;
    const std::vector<job_id> made = publish(all);
    let_pass(moment());
    EXPECT_EQ(ids(claim(*subscribe(), 9)), (std::vector<job_id>{made[2], made[1], made[0]}));
}

// ---- pause ----

TEST_P(conformance, paused_queue_gives_nothing_until_it_is_resumed) {
    if (lacks(feature::pause)) return;
    publish({job(), job()});
    const auto worker = subscribe();
    const delivery running = claim_one(*worker);
    EXPECT_TRUE(ledger().pause("default", true).value());
    EXPECT_FALSE(ledger().pause("default", true).value());
    EXPECT_TRUE(queue().paused);
    EXPECT_TRUE(claim(*worker, 5).empty());
    publish(job());
    EXPECT_TRUE(claim(*worker, 5).empty());
    EXPECT_EQ(complete(*worker, running), settled::yes);  // what runs is not touched
    EXPECT_TRUE(ledger().pause("default", false).value());
    EXPECT_FALSE(queue().paused);
    EXPECT_EQ(claim(*worker, 5).size(), 2u);
}

TEST_P(conformance, pause_of_one_queue_leaves_the_others) {
    if (lacks(feature::pause)) return;
    new_job elsewhere = job();
    elsewhere.queue = "elsewhere";
    publish({job(), elsewhere});
    EXPECT_TRUE(ledger().pause("default", true).value());  // before it has a worker
    const auto worker = subscribe({"default", "elsewhere"});
    EXPECT_EQ(claim_one(*worker).queue, "elsewhere");
    EXPECT_TRUE(claim(*worker, 5).empty());
}

// ---- the bell ----

TEST_P(conformance, bell_rings_when_there_is_something_to_claim) {
    std::atomic<int> rings = 0;
    const auto worker = subscribe({"default"}, [&] { ++rings; });
    const auto rang = [&](const char* why) {
        for (int i = 0; i != 2000 && rings == 0; ++i) let_pass(5ms);
        EXPECT_NE(rings, 0) << why;
    };
    const auto look = [&] {
        rings = 0;
        return claim(*worker, 1);
    };
    EXPECT_TRUE(look().empty());
    publish(job());
    rang("a job came");
    ASSERT_EQ(look().size(), 1u);

    if (!can(feature::pause)) return;
    static_cast<void>(ledger().pause("default", true));
    publish(job());
    EXPECT_TRUE(look().empty());
    static_cast<void>(ledger().pause("default", false));
    rang("the queue goes on");
    EXPECT_EQ(look().size(), 1u);
}

TEST_P(conformance, bell_rings_for_what_another_worker_gives_back_or_makes_room_for) {
    std::atomic<int> rings = 0;
    const bool limited = can(feature::limits);
    if (limited) static_cast<void>(ledger().limit("default", {.running = 1}));
    publish({job(), job()});
    auto other = subscribe();
    const auto held = claim(*other, limited ? 1 : 2);
    const auto worker = subscribe({"default"}, [&] { ++rings; });
    EXPECT_TRUE(claim(*worker, 1).empty());
    rings = 0;
    if (limited) {
        EXPECT_EQ(complete(*other, held[0]), settled::yes);
    } else
        other.reset();
    for (int i = 0; i != 2000 && rings == 0; ++i) let_pass(5ms);
    EXPECT_NE(rings, 0);
    EXPECT_EQ(claim(*worker, 1).size(), 1u);
}

TEST_P(conformance, bell_is_silent_once_its_source_has_gone) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    auto worker = subscribe({"default"}, [alive] { EXPECT_TRUE(*alive); });
    EXPECT_TRUE(claim(*worker, 1).empty());
    worker.reset();
    *alive = false;
    publish(job());
    let_pass(moment());
}

TEST_P(conformance, subscription_without_queues_or_lease_is_refused) {
    EXPECT_TRUE(is_fault(store().subscribe({.queues = {}}), store_fault::invalid));
    EXPECT_TRUE(is_fault(store().subscribe({.lease = 0s}), store_fault::invalid));
}

}  // namespace gm::test
