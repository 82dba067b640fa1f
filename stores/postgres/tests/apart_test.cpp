// An exchange with much to settle and much to claim does both at once, on two connections. Whatever becomes of the one, the other
// one is not lost.

#include <algorithm>

#include <gtest/gtest.h>

#include "crew.hpp"
#include "proxy.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

constexpr std::size_t many = 600;

std::vector<jobs::settlement> ends_of(const std::vector<jobs::delivery>& all) {
    std::vector<jobs::settlement> ends;
    for (const jobs::delivery& each : all) ends.push_back({.which = each.which});
    return ends;
}

std::size_t settled_of(const jobs::exchanged& made) {
    return static_cast<std::size_t>(std::ranges::count(made.outcomes, jobs::settled::yes));
}

// A worker that has claimed `many` jobs, all that it wanted, on a connection that can be cut.
class postgres_apart : public testing::Test {
protected:
    explicit postgres_apart(std::size_t jobs_in_all = 3 * many) {
        EXPECT_TRUE(store->sink().publish(some_jobs(jobs_in_all)));
    }

    std::vector<jobs::settlement> first_ends(std::size_t wanted = many) {
        const auto first = source->exchange({}, {.idle = wanted});
        EXPECT_TRUE(first) << first.error().what;
        EXPECT_EQ(first->jobs.size(), wanted);
        return ends_of(first->jobs);
    }
    std::uint64_t count(jobs::state which) { return store->ledger()->count({.states = {which}}).value(); }
    // Of the jobs that ended last and of those that run: how many transactions have written them.
    std::string transactions_of(const std::string& where) {
        return look.ask("select count(distinct x) from (select xmin::text from " + where +
                        ".finished where finished = (select max(finished) from " + where +
                        ".finished) union all select xmin::text from " + where + ".job where state = 3) w (x)");
    }

    const std::string schema = fresh_schema();
    proxy between{server::shared().url()};
    const std::unique_ptr<jobs::store> store = open_store(between.url(), {.schema = schema});
    const std::unique_ptr<jobs::source> source = store->subscribe({}).value();
    plain_connection look{server::shared().url()};
};

TEST_F(postgres_apart, much_to_settle_and_to_claim_is_done_at_once) {
    const auto ends = first_ends();
    const auto next = source->exchange(ends, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_EQ(settled_of(*next), many);
    EXPECT_EQ(next->jobs.size(), many);
    EXPECT_EQ(transactions_of(schema), "2");
}

TEST_F(postgres_apart, little_is_one_transaction) {
    const auto ends = first_ends(10);
    const auto next = source->exchange(ends, {.idle = 10});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_EQ(settled_of(*next), 10u);
    EXPECT_EQ(next->jobs.size(), 10u);
    EXPECT_EQ(transactions_of(schema), "1");
}

TEST_F(postgres_apart, lost_answer_about_the_ends_is_asked_for_again) {
    const auto ends = first_ends();
    between.swallow_next_answer("select settle");
    const auto next = source->exchange(ends, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_TRUE(between.has_swallowed());
    EXPECT_EQ(settled_of(*next), many);
    EXPECT_EQ(next->jobs.size(), many);  // those that came beside it
    EXPECT_EQ(count(jobs::state::completed), many);
    EXPECT_EQ(count(jobs::state::running), many);
}

TEST_F(postgres_apart, lost_claim_is_delivered_and_the_ends_stay_settled) {
    const auto ends = first_ends();
    between.swallow_next_answer("select * from hand_out");
    const auto next = source->exchange(ends, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_TRUE(between.has_swallowed());
    EXPECT_EQ(settled_of(*next), many);
    EXPECT_EQ(next->jobs.size(), many);
    EXPECT_EQ(count(jobs::state::completed), many);
    EXPECT_EQ(count(jobs::state::running), many);
}

TEST_F(postgres_apart, end_that_the_server_does_not_take_costs_no_claim) {
    auto ends = first_ends();
    ends.back().result = {.bytes = "x", .type = "\xff"};  // no text
    const auto refused = source->exchange(ends, {.idle = many});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, jobs::store_fault::invalid) << refused.error().what;
    ends.back().result.type = "text";
    const auto next = source->exchange(ends, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_EQ(settled_of(*next), many);
    EXPECT_EQ(next->jobs.size(), many);  // claimed beside the ends that were refused
    EXPECT_EQ(count(jobs::state::completed), many);
    EXPECT_EQ(count(jobs::state::running), many);
}

// It wants more than the limit lets it have. If it did not know of the ends, half a batch would be all.
TEST_F(postgres_apart, claim_has_the_places_that_the_ends_beside_it_make_free) {
    constexpr unsigned places = many + many / 2;
    for (const jobs::queue_limits& limits :
         {jobs::queue_limits{.running = places}, {.running_per_key = places}, {.running = places, .fair = true}}) {
        ASSERT_TRUE(store->sink().publish(some_jobs(3 * many)));
        ASSERT_TRUE(store->ledger()->limit("default", limits));
        ASSERT_TRUE(source->beat({.workers = 1}));  // nothing is had ahead as long as it has not told how many it is
        const auto held = source->exchange(first_ends(), {.idle = 1, .ahead = 4 * many});
        ASSERT_TRUE(held) << held.error().what;
        EXPECT_EQ(settled_of(*held), many);
        EXPECT_EQ(held->jobs.size(), places);
        EXPECT_EQ(transactions_of(schema), "2");
        EXPECT_EQ(count(jobs::state::running), places);
        const auto none = source->exchange(ends_of(held->jobs), {});
        ASSERT_TRUE(none) << none.error().what;
        EXPECT_EQ(settled_of(*none), places);
    }
}

// Who names as ended what is not its own any more gets no place for it.
TEST_F(postgres_apart, end_that_is_refused_makes_no_place_free) {
    ASSERT_TRUE(store->ledger()->limit("default", {.running = many}));
    auto late = first_ends();
    for (jobs::settlement& each : late) --each.which.second;
    const auto next = source->exchange(late, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_EQ(settled_of(*next), 0u);
    EXPECT_EQ(next->jobs.size(), 0u);
    EXPECT_EQ(count(jobs::state::running), many);
}

// A claim does not see what comes back beside it.
TEST_F(postgres_apart, jobs_that_are_given_back_can_be_claimed_in_the_same_exchange) {
    const auto held = source->exchange({}, {.idle = 3 * many});
    ASSERT_TRUE(held) << held.error().what;
    auto ends = ends_of(held->jobs);
    for (jobs::settlement& each : ends) each.what = jobs::verdict::returned;
    const auto next = source->exchange(ends, {.idle = many});
    ASSERT_TRUE(next) << next.error().what;
    EXPECT_EQ(settled_of(*next), 3 * many);
    EXPECT_EQ(next->jobs.size(), many);
}

TEST_F(postgres_apart, connections_cut_in_the_midst_of_large_batches_lose_nothing) {
    constexpr std::size_t total = 40 * many;
    ASSERT_TRUE(store->sink().publish(some_jobs(total - count(jobs::state::available))));
    const auto direct = open_store(server::shared().url(), {.schema = schema});
    crew workers(*direct, 2, many);
    for (std::size_t i = 1; i <= 10; ++i) {
        ASSERT_TRUE(eventually([&] { return workers.finished() > i * 3 * many; }));
        look.ask(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where application_name = 'gristmill' and pid <> pg_backend_pid()");
    }
    ASSERT_TRUE(eventually([&] { return workers.finished() >= total; }));
    workers.stop();
    EXPECT_EQ(count(jobs::state::completed), total);
    EXPECT_EQ(workers.twice(), 0u);
}

TEST_F(postgres_apart, worker_without_a_connection_to_spare_does_both_on_one) {
    const std::string role = "role_" + schema;
    const std::string own = fresh_schema();
    ASSERT_TRUE(look.tell("create role " + role + " login"));
    ASSERT_TRUE(look.tell("grant create on database " + look.ask("select current_database()") + " to " + role));
    std::string url = server::shared().url();
    url.replace(url.find("//") + 2, url.find('@') - url.find("//") - 2, role);
    {
        const auto poor = open_store(url, {.schema = own});
        ASSERT_TRUE(poor->sink().publish(some_jobs(2 * many)));
        const auto worker = poor->subscribe({}).value();
        const auto first = worker->exchange({}, {.idle = many});
        ASSERT_TRUE(first) << first.error().what;
        ASSERT_TRUE(look.tell("alter role " + role + " connection limit 1"));
        const auto next = worker->exchange(ends_of(first->jobs), {.idle = many});
        ASSERT_TRUE(next) << next.error().what;
        EXPECT_EQ(settled_of(*next), many);
        EXPECT_EQ(next->jobs.size(), many);
        EXPECT_EQ(transactions_of(own), "1");
    }
    ASSERT_TRUE(look.tell("drop owned by " + role));
    ASSERT_TRUE(look.tell("drop role " + role));
}

}  // namespace
