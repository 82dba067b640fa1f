// Who fires the entries of a cron table: exactly one, whoever else tries, and whatever the clock does.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <gristmill/jobs/schedule.hpp>

#include "cron_table.hpp"
#include "wall_clock.hpp"

namespace {

using gm::jobs::cron_entry;
using gm::jobs::fire_due;
using gm::jobs::missed;
using gm::jobs::store_error;
using gm::jobs::store_fault;
using gm::jobs::wall_time;
using namespace std::chrono;
using wall_clock::moment;

cron_entry named(std::string name, std::string line, missed policy = missed::once) {
    cron_entry made;
    made.name = std::move(name);
    made.line = std::move(line);
    made.policy = policy;
    made.job.kind = "report";
    return made;
}

class firing : public testing::Test {
protected:
    // How many jobs were inserted.
    std::size_t fire(const char* now) {
        auto done = fire_due(table, moment(now));
        EXPECT_TRUE(done) << done.error().what;
        last = *std::move(done);
        EXPECT_TRUE(last.broken.empty()) << last.broken.front().what;
        return last.count;
    }
    std::vector<std::string> runs() {
        std::vector<std::string> all;
        for (const wall_time at : table.run_times()) all.push_back(wall_clock::text(floor<seconds>(at)));
        return all;
    }
    cron_table table;
    gm::jobs::fired last;
};
using list = std::vector<std::string>;

TEST_F(firing, a_new_entry_is_planned_and_missed_nothing) {
    static_cast<void>(table.put_cron(named("nightly", "0 2 * * *", missed::all)));
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    EXPECT_EQ(last.next, moment("2026-11-22 02:00"));
    EXPECT_EQ(table.get("nightly").next, moment("2026-11-22 02:00"));
    EXPECT_EQ(table.get("nightly").last, std::nullopt);
}

TEST_F(firing, fires_once_at_its_time_and_says_for_which) {
    auto nightly = named("nightly", "0 2 * * *");
    nightly.job.tags = {"report"};
    nightly.job.unique = gm::jobs::unique_key{"one at a time"};
    static_cast<void>(table.put_cron(nightly));
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    EXPECT_EQ(fire("2026-11-22 01:59:59"), 0U);
    EXPECT_EQ(fire("2026-11-22 02:00"), 1U);
    EXPECT_EQ(last.next, moment("2026-11-23 02:00"));
    EXPECT_EQ(fire("2026-11-22 02:00"), 0U);
    EXPECT_EQ(fire("2026-11-22 02:01"), 0U);
    ASSERT_EQ(runs(), list{"2026-11-22 02:00"});
    const gm::jobs::new_job& run = table.inserted.front();
    EXPECT_EQ(run.tags, (list{"report", "cron:nightly", "due:2026-11-22T02:00:00Z"}));
    EXPECT_EQ(gm::jobs::due_time(run.tags), moment("2026-11-22 02:00"));
    EXPECT_EQ(run.unique->key, "one at a time");
    EXPECT_EQ(gm::jobs::fault_of(run), "");
}

TEST_F(firing, missed_times_go_by_the_policy) {
    for (const auto& [name, policy] : {std::pair("all", missed::all), {"once", missed::once}, {"skip", missed::skip}})
        static_cast<void>(table.put_cron(named(name, "0 2 * * *", policy)));
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    EXPECT_EQ(fire("2026-11-24 12:00"), 4U);
    EXPECT_EQ(runs(), (list{"2026-11-22 02:00", "2026-11-23 02:00", "2026-11-24 02:00", "2026-11-24 02:00"}));
    for (const char* name : {"all", "once", "skip"})
        EXPECT_EQ(table.get(name).next, moment("2026-11-25 02:00")) << name;
}

TEST_F(firing, a_minute_late_is_missed_and_less_is_not) {
    static_cast<void>(table.put_cron(named("skip", "0 2 * * *", missed::skip)));
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    EXPECT_EQ(fire("2026-11-24 02:00:59"), 1U);  // two were missed, this one is on time
    EXPECT_EQ(runs(), list{"2026-11-24 02:00"});
    EXPECT_EQ(fire("2026-11-25 02:01"), 0U);
    EXPECT_EQ(table.get("skip").next, moment("2026-11-26 02:00"));
}

TEST_F(firing, of_many_that_were_missed_the_latest_hundred_run) {
    static_cast<void>(table.put_cron(named("all", "* * * * *", missed::all)));
    EXPECT_EQ(fire("2020-01-01 00:00"), 0U);
    EXPECT_EQ(fire("2026-01-01 00:00"), 100U);
    EXPECT_EQ(runs().front(), "2025-12-31 22:21");
    EXPECT_EQ(runs().back(), "2026-01-01 00:00");
    EXPECT_EQ(fire("2026-01-01 00:00:59"), 0U);
    EXPECT_EQ(fire("2026-01-01 00:01"), 1U);
}

TEST_F(firing, a_rare_entry_outlives_restarts_and_is_put_again_each_time) {
    for (const char* start : {"2026-01-02 00:00", "2026-05-01 00:00", "2026-12-31 00:00"}) {
        static_cast<void>(table.put_cron(named("yearly", "@yearly")));
        EXPECT_EQ(fire(start), 0U);
        EXPECT_EQ(last.next, moment("2027-01-01 00:00"));
    }
    static_cast<void>(table.put_cron(named("yearly", "@yearly")));  // down on the day itself
    EXPECT_EQ(fire("2027-03-01 00:00"), 1U);
    EXPECT_EQ(runs(), list{"2027-01-01 00:00"});
}

TEST_F(firing, another_line_is_planned_from_now) {
    static_cast<void>(table.put_cron(named("report", "0 2 * * *")));
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    static_cast<void>(table.put_cron(named("report", "0 3 * * *")));
    EXPECT_EQ(fire("2026-11-25 12:00"), 0U);
    EXPECT_EQ(last.next, moment("2026-11-26 03:00"));
}

TEST_F(firing, a_clock_that_is_set_back_fires_nothing_twice) {
    static_cast<void>(table.put_cron(named("hourly", "@hourly", missed::all)));
    EXPECT_EQ(fire("2026-11-21 11:30"), 0U);
    EXPECT_EQ(fire("2026-11-21 12:00"), 1U);
    for (const char* now : {"2026-11-21 09:00", "2026-11-21 10:00", "2026-11-21 11:59", "2026-11-21 12:00:30"})
        EXPECT_EQ(fire(now), 0U) << now;
    EXPECT_EQ(last.next, moment("2026-11-21 13:00"));
    EXPECT_EQ(fire("2026-11-21 13:00"), 1U);
}

TEST_F(firing, a_clock_that_is_set_forward_is_missed_times_and_its_return_fires_nothing_twice) {
    static_cast<void>(table.put_cron(named("hourly", "@hourly")));
    EXPECT_EQ(fire("2026-11-21 11:30"), 0U);
    EXPECT_EQ(fire("2026-11-23 11:30"), 1U);
    EXPECT_EQ(fire("2026-11-21 12:30"), 0U);
    EXPECT_EQ(last.next, moment("2026-11-23 12:00"));
}

TEST_F(firing, a_paused_entry_waits) {
    auto hourly = named("hourly", "@hourly");
    hourly.paused = true;
    static_cast<void>(table.put_cron(hourly));
    EXPECT_EQ(fire("2026-11-21 11:30"), 0U);
    EXPECT_EQ(last.next, std::nullopt);
    EXPECT_EQ(table.get("hourly").next, wall_time());
}

TEST_F(firing, a_planned_time_counts_though_the_rules_no_longer_say_so) {
    auto odd = named("odd", "0 2 * * *");
    odd.next = moment("2026-11-21 17:23");  // as if the government had moved the clocks meanwhile
    static_cast<void>(table.put_cron(odd));
    EXPECT_EQ(fire("2026-11-21 17:23"), 1U);
    EXPECT_EQ(runs(), list{"2026-11-21 17:23"});
    EXPECT_EQ(last.next, moment("2026-11-22 02:00"));
}

TEST_F(firing, broken_entries_are_told_and_stop_nobody) {
    auto a = named("a", "not a line"), b = named("b", "@hourly"), c = named("c", "@hourly"), d = named("d", "@hourly");
    b.zone = "Nowhere";
    for (cron_entry* each : {&a, &b, &c, &d}) {
        each->next = moment("2026-11-21 12:00");
        static_cast<void>(table.put_cron(*each));
    }
    table.fails.emplace("c", store_error{store_fault::invalid, "kind: is empty"});
    const auto done = fire_due(table, moment("2026-11-21 12:00")).value();
    EXPECT_EQ(done.count, 1U);
    EXPECT_EQ(done.next, moment("2026-11-21 13:00"));
    ASSERT_EQ(done.broken.size(), 3U);
    EXPECT_EQ(done.broken[0].name, "a");
    EXPECT_EQ(done.broken[0].what.substr(0, 5), "line:");
    EXPECT_EQ(done.broken[1].what.substr(0, 5), "zone:");
    EXPECT_EQ(done.broken[2].what, "kind: is empty");
}

TEST_F(firing, the_end_of_the_calendar_is_told) {
    auto last_one = named("last", "@yearly");
    last_one.next = moment("9999-01-01 00:00");
    static_cast<void>(table.put_cron(last_one));
    const auto done = fire_due(table, moment("9999-06-01 00:00")).value();
    EXPECT_EQ(done.count, 0U);
    ASSERT_EQ(done.broken.size(), 1U);
    EXPECT_EQ(done.broken[0].what, "the calendar ends before it fires again");
}

TEST_F(firing, a_lost_answer_is_no_second_run) {
    for (const char* name : {"a", "b"}) {
        auto made = named(name, "@hourly");
        made.next = moment("2026-11-21 12:00");
        static_cast<void>(table.put_cron(made));
    }
    table.answer_lost.emplace("a", store_error{store_fault::unreachable, "the connection is gone"});
    const auto lost = fire_due(table, moment("2026-11-21 12:00"));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().fault, store_fault::unreachable);
    table.answer_lost.clear();
    EXPECT_EQ(fire("2026-11-21 12:00:05"), 1U);  // b
    EXPECT_EQ(fire("2026-11-21 12:00:06"), 0U);
    EXPECT_EQ(runs(), (list{"2026-11-21 12:00", "2026-11-21 12:00"}));
}

TEST_F(firing, who_comes_second_fires_nothing_and_knows_when_it_goes_on) {
    static_cast<void>(table.put_cron(named("hourly", "@hourly")));
    EXPECT_EQ(fire("2026-11-21 11:30"), 0U);
    std::size_t others = 0;
    table.between = [&] { others = fire_due(table, moment("2026-11-21 12:00")).value().count; };
    EXPECT_EQ(fire("2026-11-21 12:00"), 0U);
    EXPECT_EQ(others, 1U);
    EXPECT_EQ(last.next, moment("2026-11-21 13:00"));
    table.between = [&] { static_cast<void>(table.remove_cron("hourly")); };
    EXPECT_EQ(fire("2026-11-21 13:00"), 0U);
    EXPECT_EQ(runs(), list{"2026-11-21 12:00"});
}

// Many fire the same entries at the same moments; each of them sees the table as it was a while ago.
TEST(firing_race, each_time_is_fired_by_exactly_one) {
    cron_table table;
    for (const auto& [name, line] :
         {std::pair("minutely", "* * * * *"), {"quarterly", "*/15 * * * *"}, {"odd", "1-59/2 * * * *"}})
        static_cast<void>(table.put_cron(named(name, line, missed::all)));
    const wall_time begin = moment("2026-11-21 12:00");
    static_cast<void>(fire_due(table, begin).value());
    constexpr int crew = 4, steps = 600;  // of ten seconds
    std::atomic<std::size_t> count = 0;
    {
        std::vector<std::jthread> firers;
        for (int i = 0; i != crew; ++i)
            firers.emplace_back([&] {
                for (int step = 1; step <= steps; ++step)
                    count += fire_due(table, begin + seconds(10) * step).value().count;
            });
    }
    EXPECT_EQ(count, 100U + 6 + 50);
    ASSERT_EQ(table.inserted.size(), 100U + 6 + 50);
    std::vector<std::pair<std::string, wall_time>> all;
    for (const auto& job : table.inserted) all.emplace_back(job.tags.at(0), job.run_at);
    std::ranges::sort(all);
    EXPECT_EQ(std::ranges::adjacent_find(all), all.end()) << "a time was fired twice";
    EXPECT_EQ(std::ranges::count_if(all, [](const auto& each) { return each.first == "cron:minutely"; }), 100);
}

}  // namespace
