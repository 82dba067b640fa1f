// The storm's verdict, on stories that are known: each fault is planted once and has to be seen.
#include "faults/audit.hpp"

#include <gtest/gtest.h>

namespace {

using faults::line;
constexpr std::int64_t second = 1'000'000'000;
constexpr int one = 101, other = 102;

line at(double seconds, int process, char what, std::int64_t about, std::int64_t more = 0) {
    return {static_cast<std::int64_t>(seconds * second), process, what, about, more};
}

TEST(audit, job_that_runs_once_breaks_no_rule) {
    const auto said =
        faults::judge({at(1, 1, 'I', 7), at(2, one, 'S', 7), at(3, one, 'E', 7, 1), at(3, one, 'F', 7, 1)});
    EXPECT_EQ(said.accepted, 1u);
    EXPECT_EQ(said.started, 1u);
    EXPECT_EQ(said.reruns, 0u);
    EXPECT_TRUE(said.wrong.empty());
}

TEST(audit, rerun_is_explained_by_a_kill_a_freeze_or_a_failure) {
    const auto killed = faults::judge({at(2, one, 'S', 7), at(3, 1, 'K', one), at(4, other, 'S', 7)});
    EXPECT_EQ(killed.explained, 1u);
    const auto frozen = faults::judge(
        {at(2, one, 'S', 7), at(3, 1, 'Z', one), at(6, other, 'S', 7), at(7, one, 'E', 7, 1), at(8, other, 'E', 7, 1)});
    EXPECT_EQ(frozen.explained, 1u);
    const auto failed = faults::judge({at(2, one, 'S', 7), at(3, one, 'E', 7, 0), at(4, one, 'S', 7)});
    EXPECT_EQ(failed.explained, 1u);
    for (const auto& each : {killed, frozen, failed}) {
        EXPECT_EQ(each.reruns, 1u);
        EXPECT_TRUE(each.wrong.empty());
    }
}

TEST(audit, rerun_without_a_reason_is_seen) {
    const auto said =
        faults::judge({at(2, one, 'S', 7), at(3, one, 'E', 7, 1), at(3.5, 1, 'K', other), at(4, other, 'S', 7)});
    EXPECT_EQ(said.reruns - said.explained, 1u);
    EXPECT_EQ(said.two_owners, 0u);
    EXPECT_FALSE(said.wrong.empty());
}

TEST(audit, two_owners_are_seen) {
    const auto said = faults::judge({at(2, one, 'S', 7), at(3, other, 'S', 7), at(4, one, 'E', 7, 1)});
    EXPECT_EQ(said.two_owners, 1u);
}

TEST(audit, two_accepted_finishes_are_seen) {
    const auto said = faults::judge({at(2, one, 'F', 7, 1), at(3, other, 'F', 7, 2), at(4, other, 'F', 7, 2)});
    EXPECT_EQ(said.finished_twice, 1u);
    EXPECT_EQ(faults::judge({at(2, one, 'F', 7, 1), at(3, one, 'F', 7, 1)}).finished_twice, 0u);
}

TEST(audit, start_after_an_accepted_finish_is_seen) {
    const auto said = faults::judge(
        {at(2, one, 'S', 7), at(3, one, 'E', 7, 1), at(3, one, 'F', 7, 1), at(3.5, 1, 'K', one), at(4, other, 'S', 7)});
    EXPECT_EQ(said.started_after_finish, 1u);
}

}  // namespace
