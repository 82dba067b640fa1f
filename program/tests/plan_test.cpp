#include <algorithm>

#include <gtest/gtest.h>

#include "program/plan/history.hpp"
#include "program/plan/page.hpp"
#include "program/plan/replay.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono_literals;

joblog_entry entry(std::uint64_t number, double start, double runtime, std::string command = "x", int code = 0) {
    joblog_entry one;
    one.number = number;
    one.start = start;
    one.runtime = runtime;
    one.command = std::move(command);
    one.exit_code = code;
    return one;
}

TEST(history, jobs_get_the_first_lane_that_is_free) {
    const auto run = make_history({entry(1, 100, 3), entry(2, 100.5, 1), entry(3, 101.4995, 5), entry(4, 103, 1)});
    std::vector<unsigned> lanes;
    for (const past_job& job : run.jobs) lanes.push_back(job.lane);
    EXPECT_EQ(lanes, (std::vector<unsigned>{0, 1, 1, 0}));  // times in the log are milliseconds: job 3 follows job 2
    EXPECT_EQ(run.lanes, 2u);
    EXPECT_DOUBLE_EQ(run.took(), 6.4995);
    EXPECT_DOUBLE_EQ(run.work, 10);
    EXPECT_DOUBLE_EQ(run.duration_at(0.5), 1);
    EXPECT_DOUBLE_EQ(run.duration_at(1), 5);
}

TEST(history, a_lane_is_a_worker_where_all_are_known) {
    std::vector<joblog_entry> entries{entry(1, 100, 3), entry(2, 104, 1)};
    entries[0].worker = 3;
    EXPECT_FALSE(make_history(entries).knows_workers);
    entries[1].worker = 2;
    const auto run = make_history(entries);
    EXPECT_TRUE(run.knows_workers);
    EXPECT_EQ(run.jobs[0].lane, 2u);
    EXPECT_EQ(run.jobs[1].lane, 1u);
    EXPECT_EQ(run.lanes, 3u);
}

TEST(history, is_sorted_by_start_and_replayed_by_number) {
    const auto run = make_history({entry(2, 50, 1), entry(1, 60, 2), entry(3, 55, -1)});
    EXPECT_EQ(run.jobs[1].entry.number, 3u);
    EXPECT_EQ(run.durations_by_number(), (std::vector<std::chrono::nanoseconds>{2s, 1s, 0s}));
}

TEST(history, times_are_told_as_exactly_as_they_matter) {
    EXPECT_EQ(time_text(0.35), "350ms");
    EXPECT_EQ(time_text(0.9999), "1.0s");
    EXPECT_EQ(time_text(3.21), "3.2s");
    EXPECT_EQ(time_text(75), "1m15s");
    EXPECT_EQ(time_text(7200), "2h");
}

// The tests of what runs in coroutines: the compiler has to be sound for them.
#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST(replay, a_crew_takes_the_jobs_in_their_order) {
    const std::vector<std::chrono::nanoseconds> jobs{3s, 1s, 1s, 1s, 2s};
    EXPECT_DOUBLE_EQ(replay(jobs, 1).seconds, 8);
    EXPECT_DOUBLE_EQ(replay(jobs, 1).busy, 1);
    EXPECT_DOUBLE_EQ(replay(jobs, 2).seconds, 5);
    EXPECT_DOUBLE_EQ(replay(jobs, 2).busy, 0.8);
    EXPECT_DOUBLE_EQ(replay(jobs, 100).seconds, 3);
}

TEST(replay, the_table_says_who_does_what) {
    const std::vector<std::chrono::nanoseconds> jobs{2s, 1s, 1s};
    EXPECT_EQ(replay_table(jobs, 2),
              "| Time | Jobs queue | Worker 1 | Worker 2 |\n"
              "|------|------------|----------|----------|\n"
              "| 0s   | [1,2,3]    | Idle     | Idle     |\n"
              "| 0s   | [3]        | Job 1    | Job 2    |\n"
              "| 1s   | [3]        | Job 1    | Done (2) |\n"
              "| 1s   | []         | Job 1    | Job 3    |\n"
              "| 2s   | []         | Done (1) | Done (3) |\n");
}

#endif

TEST(replay, sizes_grow_by_half_or_double) {
    EXPECT_EQ(sizes_to_try(14, false), (std::vector<unsigned>{1, 2, 3, 4, 6, 8, 12, 14}));
    EXPECT_EQ(sizes_to_try(16, true), (std::vector<unsigned>{1, 2, 4, 8, 16}));
    EXPECT_EQ(sizes_to_try(1, false), (std::vector<unsigned>{1}));
}

TEST(replay, the_choice_is_fast_and_still_busy) {
    const std::vector<replayed> scales{{1, 100, 1}, {2, 50, 1}, {4, 25, 1}};
    EXPECT_EQ(choice(scales), 2u);
    const std::vector<replayed> knee{{1, 100, 1}, {2, 51, 0.98}, {4, 30, 0.83}, {8, 20, 0.62}};
    EXPECT_EQ(choice(knee), 2u);
    const std::vector<replayed> flat{{1, 100, 1}, {2, 52, 0.96}, {3, 50, 0.95}};
    EXPECT_EQ(choice(flat), 1u);
    const std::vector<replayed> lazy{{4, 100, 0.5}, {8, 90, 0.3}};
    EXPECT_EQ(choice(lazy), 0u);
}

// requires: a page of ours. Its tags are closed in the order in which they were opened.
bool is_well_formed(const std::string& page) {
    std::vector<std::string> open;
    for (std::size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
        const std::size_t end = page.find('>', at);
        if (end == std::string::npos) return false;
        std::string tag = page.substr(at + 1, end - at - 1);
        if (tag.starts_with('!') || tag.starts_with("meta") || tag.ends_with('/')) continue;
        const bool closes = tag.starts_with('/');
        tag = tag.substr(closes, tag.find(' ') - closes);
        if (!closes) {
            open.push_back(tag);
        } else {
            if (open.empty() || open.back() != tag) return false;
            open.pop_back();
        }
    }
    return open.empty();
}

TEST(page, nothing_of_a_command_becomes_a_part_of_it) {
    const std::string nasty = "echo '</title><script>alert(1)</script>\" onload=x' & \x1b[2J\xff";
    const auto run = make_history({entry(1, 100, 3, nasty, 1), entry(2, 101, 1, nasty)});
    const std::string page = page_of(run, {"<u>" + nasty, nasty});
    EXPECT_TRUE(is_well_formed(page));
    for (const char* text : {"<script", "<u>", "onload=x'<", "\x1b", "\xff"})
        EXPECT_EQ(page.find(text), std::string::npos) << text;
    EXPECT_NE(page.find("&lt;script&gt;alert(1)&lt;/script&gt;"), std::string::npos);
    for (const char* outside : {"http://", "https://", "src=", "url(", "@import", "href="})
        EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(page, is_whole_for_the_smallest_and_for_large_runs) {
    EXPECT_TRUE(is_well_formed(page_of(make_history({entry(1, 0, 0)}), {"log", "again"})));
    EXPECT_TRUE(
        is_well_formed(page_of(make_history({entry(1, -1e14, 1e14), entry(2, 1e14, 0.001)}), {"log", "again"})));
    std::vector<joblog_entry> many;
    for (unsigned i = 1; i <= 50'000; ++i)
        many.push_back(entry(i, 1000 + i * 0.01, i % 7 == 0 ? 3 : 0.1, "a command", i % 100 == 0));
    const std::string page = page_of(make_history(std::move(many)), {"log", "again"});
    EXPECT_TRUE(is_well_formed(page));
    EXPECT_LT(page.size(), 4u << 20);  // what cannot be told apart is drawn together
    EXPECT_NE(page.find("<b>500</b><span>failed"), std::string::npos);
}

TEST(page, a_command_is_cut_between_characters) {
    joblog_entry one = entry(1, 0, 1, "ab\xc3\xa9");
    EXPECT_EQ(command_text(one, 3), "ab…");
    EXPECT_EQ(command_text(one, 4), "ab\xc3\xa9");
}

}  // namespace
