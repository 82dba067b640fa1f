// Where a worker begins in its queues, what it gives back when it stops, and the chores that may take long.

#include <gtest/gtest.h>

#include "crew.hpp"
#include "proxy.hpp"
#include "watched.hpp"

namespace {

using namespace gm;
using namespace gm::test;
using namespace std::chrono_literals;

class postgres_waters : public watched {
protected:
    std::unique_ptr<jobs::source> first = store->subscribe({}).value();

    // Ten jobs, of an hour ago: a claim looks back by two seconds in any case.
    std::int64_t publish_ten() {
        const auto made = store->sink().publish(some_jobs(10));
        EXPECT_TRUE(made);
        EXPECT_TRUE(look.tell("update " + schema + ".job set okey = okey - 3600000000"));
        return made ? made->back().id.number : 0;
    }
    void move_back(std::int64_t job) {
        ASSERT_TRUE(
            look.tell("update " + schema + ".job set okey = okey - 3600000000 where id = " + std::to_string(job)));
    }
    // A newcomer does not see what lies behind the others until it has looked for that, a second later.
    void expect_begins_behind_five(std::int64_t moved) {
        const auto second = store->subscribe({}).value();
        const auto got = claim(*second, 1);
        ASSERT_EQ(got.size(), 1u);
        EXPECT_NE(got[0].id.number, moved);
        EXPECT_TRUE(eventually([&] {
            EXPECT_TRUE(second->sweep());
            const auto then = claim(*second, 1);
            return !then.empty() && then[0].id.number == moved;
        }));
    }
};

TEST_F(postgres_waters, newcomer_begins_where_the_others_are) {
    const std::int64_t last = publish_ten();
    EXPECT_EQ(claim(*first, 5).size(), 5u);
    ASSERT_TRUE(first->sweep());
    move_back(last);
    expect_begins_behind_five(last);
}

TEST_F(postgres_waters, newcomer_begins_where_those_were_that_have_left) {
    const std::int64_t last = publish_ten();
    const auto held = claim(*first, 5);
    std::vector<jobs::settlement> ends;
    for (const jobs::delivery& each : held) ends.push_back({.which = each.which});
    ASSERT_TRUE(first->exchange(ends, {}));
    first.reset();
    move_back(last);
    expect_begins_behind_five(last);
}

// The slower of two tells where it is, too: others begin where the quicker one is.
TEST_F(postgres_waters, place_of_the_one_who_has_come_furthest_is_kept) {
    const std::int64_t last = publish_ten();
    const auto slow = store->subscribe({}).value();
    EXPECT_EQ(claim(*slow, 1).size(), 1u);
    EXPECT_EQ(claim(*first, 4).size(), 4u);
    ASSERT_TRUE(first->sweep());
    ASSERT_TRUE(slow->sweep());
    move_back(last);
    expect_begins_behind_five(last);
}

TEST_F(postgres_waters, worker_that_stops_gives_back_what_it_holds) {
    ASSERT_TRUE(store->sink().publish(some_jobs(3)));
    EXPECT_EQ(claim(*first, 2).size(), 2u);
    first.reset();
    EXPECT_EQ(store->ledger()->count({.states = {jobs::state::available}}).value(), 3u);
}

// The answer to its claim was lost, and the one to the question what it was.
TEST_F(postgres_waters, worker_that_stops_gives_back_what_it_does_not_know_of) {
    proxy between(server::shared().url());
    const auto other = open_store(between.url(), {.schema = schema});
    auto unsure = other->subscribe({}).value();
    ASSERT_TRUE(store->sink().publish(some_jobs(3)));
    between.swallow_next_answers({"select * from hand_out", "select * from forgotten"});
    EXPECT_FALSE(unsure->exchange({}, {.idle = 2}));
    ASSERT_TRUE(between.has_swallowed());
    EXPECT_EQ(store->ledger()->count({.states = {jobs::state::running}}).value(), 2u);
    ASSERT_TRUE(eventually([&] { return unsure->beat({}).has_value(); }));
    unsure.reset();
    EXPECT_EQ(store->ledger()->count({.states = {jobs::state::available}}).value(), 3u);
}

TEST_F(postgres_waters, chore_that_takes_long_is_not_done_again_at_once_and_holds_up_no_other) {
    ASSERT_TRUE(store->sink().publish(some_jobs(2)));
    EXPECT_EQ(claim(*first, 1).size(), 1u);
    ASSERT_TRUE(look.tell("create sequence " + schema + ".looks"));
    ASSERT_TRUE(look.tell("create or replace function " + schema +
                          ".stragglers(names text[], waters bigint[]) returns bigint[] language sql as "
                          "$$ select array[nextval('" +
                          schema + ".looks')] from pg_sleep(1) $$"));
    const auto sweep = [&] {
        const auto swept = first->sweep();
        ASSERT_TRUE(swept) << swept.error().what;
        EXPECT_LE(swept->again_in, 1s);
    };
    const auto looks = [&] { return look.ask("select count(*) from " + schema + ".looks where is_called"); };
    EXPECT_TRUE(eventually([&] {
        sweep();
        return looks() == "1";
    }));
    sweep();
    sweep();
    // Once more would be right if the machine took 19 s for two sweeps.
    EXPECT_EQ(look.ask("select last_value from " + schema + ".looks"), "1");
}

}  // namespace
