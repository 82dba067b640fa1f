#include <gristmill/jobs/state.hpp>

#include <gtest/gtest.h>

namespace {

using gm::jobs::state;

TEST(state, names_go_both_ways) {
    for (int i = 0; i != gm::jobs::states; ++i) {
        const auto each = static_cast<state>(i);
        EXPECT_EQ(gm::jobs::state_named(gm::jobs::name_of(each)), each);
    }
    EXPECT_EQ(gm::jobs::state_named("Dead"), std::nullopt);
    EXPECT_EQ(gm::jobs::state_named(""), std::nullopt);
}

TEST(state, only_a_running_job_ends_by_itself) {
    for (int i = 0; i != gm::jobs::states; ++i) {
        const auto from = static_cast<state>(i);
        EXPECT_EQ(gm::jobs::may_step(from, state::completed), from == state::running) << gm::jobs::name_of(from);
        EXPECT_EQ(gm::jobs::may_step(from, state::dead), from == state::running || from == state::retrying);
        EXPECT_FALSE(gm::jobs::may_step(from, from));
        EXPECT_FALSE(gm::jobs::may_step(from, state::waiting)) << "a job waits for others only from the start";
    }
}

TEST(state, what_is_over_is_left_by_hand_alone_and_never_to_run_at_once) {
    for (const state over : {state::completed, state::cancelled, state::dead}) {
        EXPECT_TRUE(gm::jobs::is_over(over));
        for (int i = 0; i != gm::jobs::states; ++i) {
            const auto to = static_cast<state>(i);
            EXPECT_EQ(gm::jobs::may_step(over, to), over != state::completed && to == state::available);
        }
    }
}

TEST(state, every_job_that_is_not_over_can_be_cancelled_and_can_reach_a_worker) {
    for (int i = 0; i != gm::jobs::states; ++i) {
        const auto from = static_cast<state>(i);
        EXPECT_EQ(gm::jobs::may_step(from, state::cancelled), !gm::jobs::is_over(from));
        if (!gm::jobs::is_over(from) && from != state::available) {
            EXPECT_TRUE(gm::jobs::may_step(from, state::available)) << gm::jobs::name_of(from);
        }
        EXPECT_EQ(gm::jobs::may_step(from, state::running), from == state::available);
    }
}

}  // namespace
