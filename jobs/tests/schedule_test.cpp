#include <gristmill/jobs/schedule.hpp>

#include <cstdio>
#include <random>

#include <gtest/gtest.h>

#include "wall_clock.hpp"

namespace {

using gm::jobs::cron_entry;
using gm::jobs::due_time;
using gm::jobs::schedule;
using gm::jobs::wall_time;
using gm::jobs::zone;
using namespace std::chrono;
using wall_clock::moment;
using wall_clock::text;

cron_entry nameless(std::string line, std::string place = "UTC") {
    cron_entry made;
    made.name = "nightly";
    made.line = std::move(line);
    made.zone = std::move(place);
    made.job.kind = "report";
    return made;
}

// The times in UTC, from just after `from` to `to`.
std::vector<std::string> times(const cron_entry& which, const char* from, const char* to) {
    const schedule made = schedule::of(which).value();
    std::vector<std::string> all;
    for (auto at = made.next_after(moment(from)); at && *at <= moment(to); at = made.next_after(*at))
        all.push_back(text(floor<seconds>(*at)));
    return all;
}

struct day_of_change {
    const char* what;
    const char *line, *place;
    const char *from, *to;  // in UTC
    std::vector<std::string> expected;
};

const day_of_change days_of_change[]{
    {"a time in the gap fires at its end",
     "30 2 * * *",
     "Europe/Berlin",
     "2026-03-28 00:00",
     "2026-03-30 12:00",
     {"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}},
    {"a time that comes twice fires the first time",
     "30 2 * * *",
     "Europe/Berlin",
     "2026-10-24 00:00",
     "2026-10-26 12:00",
     {"2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"}},
    {"several times in the gap fire together",
     "*/10 2 * * *",
     "Europe/Berlin",
     "2026-03-28 12:00",
     "2026-03-29 12:00",
     {"2026-03-29 01:00"}},
    {"and together with a time at its end",
     "30 2,3 * * *",
     "Europe/Berlin",
     "2026-03-28 12:00",
     "2026-03-29 12:00",
     {"2026-03-29 01:00", "2026-03-29 01:30"}},
    {"a step in the hours is a time of the day: none less",
     "0 */2 * * *",
     "Europe/Berlin",
     "2026-03-28 22:59",
     "2026-03-29 04:00",
     {"2026-03-28 23:00", "2026-03-29 01:00", "2026-03-29 02:00", "2026-03-29 04:00"}},
    {"and none more",
     "0 */2 * * *",
     "Europe/Berlin",
     "2026-10-24 21:59",
     "2026-10-25 05:00",
     {"2026-10-24 22:00", "2026-10-25 00:00", "2026-10-25 03:00", "2026-10-25 05:00"}},
    {"a rhythm goes on over the gap",
     "*/20 * * * *",
     "Europe/Berlin",
     "2026-03-29 00:30",
     "2026-03-29 01:40",
     {"2026-03-29 00:40", "2026-03-29 01:00", "2026-03-29 01:20", "2026-03-29 01:40"}},
    {"a rhythm goes on through the hour that comes twice",
     "30 * * * *",
     "Europe/Berlin",
     "2026-10-24 23:00",
     "2026-10-25 03:00",
     {"2026-10-24 23:30", "2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 02:30"}},
    {"New York, spring",
     "15 2 * * *",
     "America/New_York",
     "2026-03-07 12:00",
     "2026-03-09 12:00",
     {"2026-03-08 07:00", "2026-03-09 06:15"}},
    {"New York, autumn",
     "15 1 * * *",
     "America/New_York",
     "2026-10-31 12:00",
     "2026-11-02 12:00",
     {"2026-11-01 05:15", "2026-11-02 06:15"}},
    {"Lord Howe leaves out half an hour",
     "15 2 * * *",
     "Australia/Lord_Howe",
     "2026-10-02 20:00",
     "2026-10-04 20:00",
     {"2026-10-03 15:30", "2026-10-04 15:15"}},
    {"a time after it is as always",
     "45 2 * * *",
     "Australia/Lord_Howe",
     "2026-10-03 00:00",
     "2026-10-04 00:00",
     {"2026-10-03 15:45"}},
    {"Lord Howe shows half an hour twice",
     "45 1 * * *",
     "Australia/Lord_Howe",
     "2026-04-03 20:00",
     "2026-04-05 20:00",
     {"2026-04-04 14:45", "2026-04-05 15:15"}},
    {"a rhythm on Lord Howe",
     "*/15 * * * *",
     "Australia/Lord_Howe",
     "2026-04-04 14:40",
     "2026-04-04 15:30",
     {"2026-04-04 14:45", "2026-04-04 15:00", "2026-04-04 15:15", "2026-04-04 15:30"}},
    {"Apia had no 30 December 2011",
     "0 12 * * *",
     "Pacific/Apia",
     "2011-12-29 00:00",
     "2012-01-01 00:00",
     {"2011-12-29 22:00", "2011-12-30 10:00", "2011-12-30 22:00", "2011-12-31 22:00"}},
    {"what was for that day only comes when it is over",
     "0 9 30 12 *",
     "Pacific/Apia",
     "2010-12-31 00:00",
     "2013-01-01 00:00",
     {"2011-12-30 10:00", "2012-12-29 19:00"}},
    {"midnight and all of that day fall together",
     "0 0,6,12 * * *",
     "Pacific/Apia",
     "2011-12-29 23:00",
     "2011-12-30 17:00",
     {"2011-12-30 10:00", "2011-12-30 16:00"}},
    {"a midnight that is left out",
     "@daily",
     "America/Sao_Paulo",
     "2018-11-03 00:00",
     "2018-11-05 12:00",
     {"2018-11-03 03:00", "2018-11-04 03:00", "2018-11-05 02:00"}},
    {"on the day of the week that it belongs to",
     "0 0 * * sun",
     "America/Sao_Paulo",
     "2018-10-29 00:00",
     "2018-11-12 00:00",
     {"2018-11-04 03:00", "2018-11-11 02:00"}},
    {"and on no other",
     "0 0 * * mon-sat",
     "America/Sao_Paulo",
     "2018-11-03 12:00",
     "2018-11-05 12:00",
     {"2018-11-05 02:00"}},
    {"an hour before midnight that comes twice",
     "30 23 * * *",
     "America/Sao_Paulo",
     "2018-02-17 12:00",
     "2018-02-19 12:00",
     {"2018-02-18 01:30", "2018-02-19 02:30"}},
    {"and the midnight after it comes once",
     "@daily",
     "America/Sao_Paulo",
     "2018-02-17 12:00",
     "2018-02-19 12:00",
     {"2018-02-18 03:00", "2018-02-19 03:00"}},
    {"Cairo begins summer at midnight",
     "@monthly",
     "Africa/Cairo",
     "2024-04-01 00:00",
     "2024-06-01 00:00",
     {"2024-04-30 21:00", "2024-05-31 21:00"}},
    {"a midnight in its gap",
     "0 0 * * 5",
     "Africa/Cairo",
     "2024-04-20 00:00",
     "2024-05-01 00:00",
     {"2024-04-25 22:00"}},
    {"Cairo ends it at midnight",
     "10 23 * * *",
     "Africa/Cairo",
     "2024-10-30 22:00",
     "2024-11-01 22:00",
     {"2024-10-31 20:10", "2024-11-01 21:10"}},
};

TEST(schedule, days_on_which_the_clock_jumps) {
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
    for (const day_of_change& each : days_of_change)
        EXPECT_EQ(times(nameless(each.line, each.place), each.from, each.to), each.expected)
            << each.what << ": " << each.line << " in " << each.place;
}

TEST(schedule, next_is_after_and_not_at) {
    const auto noon = nameless("0 12 * * *");
    EXPECT_EQ(next_after(noon, moment("2026-11-21 11:59:59") + microseconds(999'999)).value(),
              moment("2026-11-21 12:00"));
    EXPECT_EQ(next_after(noon, moment("2026-11-21 12:00")).value(), moment("2026-11-22 12:00"));
    EXPECT_EQ(next_after(noon, moment("2026-11-21 12:00") + microseconds(1)).value(), moment("2026-11-22 12:00"));
    EXPECT_EQ(next_after(noon, moment("1965-03-01 12:00") - microseconds(1)).value(), moment("1965-03-01 12:00"));
}

TEST(schedule, rare_lines_are_found_and_the_calendar_ends) {
    EXPECT_EQ(next_after(nameless("0 0 29 2 *"), moment("2096-03-01 00:00")).value(), moment("2104-02-29 00:00"));
    EXPECT_EQ(next_after(nameless("* * 29 2 *"), moment("2096-03-01 00:00")).value(), moment("2104-02-29 00:00"));
    for (const char* line : {"@yearly", "* * * * *"}) {
        EXPECT_EQ(next_after(nameless(line), moment("9999-12-31 23:59")).value(), std::nullopt);
        EXPECT_EQ(next_after(nameless(line), wall_time::max()).value(), std::nullopt);
        EXPECT_EQ(next_after(nameless(line), wall_time::min()).value(), std::nullopt);
    }
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
    EXPECT_EQ(next_after(nameless("* * 29 2 *", "Europe/Berlin"), moment("2096-03-01 00:00")).value(),
              moment("2104-02-28 23:00"));
}

TEST(schedule, the_latest_times_are_the_last_of_all) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::mt19937 dice(seed);
    for (const char* line :
         {"* * * * *", "*/15 8-18 * * mon-fri", "0 3 * * *", "@monthly", "* * 1 1 *", "30 4 29 2 *"}) {
        const schedule made = schedule::of(nameless(line)).value();
        for (const std::size_t most : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
            const wall_time until = moment("2026-01-01 00:00") + minutes(dice() % 500'000);
            const wall_time after = until - minutes(dice() % 200'000);
            std::vector<wall_time> all;
            for (auto at = made.next_after(after); at && *at <= until; at = made.next_after(*at)) all.push_back(*at);
            if (all.size() > most) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(most));
            EXPECT_EQ(made.latest(after, until, most), all) << line << " " << most;
        }
        EXPECT_TRUE(made.latest(moment("2026-01-02 00:00"), moment("2026-01-01 00:00"), 5).empty());
        EXPECT_LE(made.latest(wall_time::min(), moment("2026-01-01 00:00"), 3).size(), 3U);
    }
}

TEST(schedule, a_hundred_of_many_years_are_found_without_walking_them_all) {
    const schedule made = schedule::of(nameless("* * * * *")).value();
    const auto latest = made.latest(moment("1970-01-01 00:00"), moment("2026-01-01 00:00"), 100);  // 29 million minutes
    ASSERT_EQ(latest.size(), 100U);
    EXPECT_EQ(latest.front(), moment("2025-12-31 22:21"));
    EXPECT_EQ(latest.back(), moment("2026-01-01 00:00"));
}

// ---- against looking at every minute ----

// Knows nothing but what the clock shows at each minute, and the sets of the fields.
class minute_by_minute {
public:
    explicit minute_by_minute(std::mt19937& dice) {
        const auto some = [&](unsigned size) {  // few, many, or all
            std::uint64_t set = 0;
            const auto how = static_cast<unsigned>(dice() % 3);
            for (unsigned i = 0; i != size; ++i)
                set |= std::uint64_t{how == 2 || dice() % (how == 0 ? size : 2) == 0} << i;
            return set != 0 ? set : std::uint64_t{1} << dice() % size;
        };
        minutes_ = some(60);
        hours_ = some(24);
        weekdays_ = dice() % 2 == 0 ? 0x7f : some(7);
    }

    std::string line() const { return list(minutes_) + ' ' + list(hours_) + " * * " + list(weekdays_); }

    // The first time after `from` within `most`.
    std::optional<sys_seconds> next(const zone& place, sys_seconds from, minutes most) const {
        if (hours_ == (1U << 24) - 1) {
            for (auto at = from + minutes(1); at <= from + most; at += minutes(1))
                if (shows(place.local(at))) return at;
            return std::nullopt;
        }
        local_seconds furthest = place.local(from - days(3));
        for (auto at = from - days(3); at <= from + most; at += minutes(1))
            for (const auto here = place.local(at); furthest < here;) {
                furthest += minutes(1);
                if (at > from && shows(furthest)) return at;
            }
        return std::nullopt;
    }

private:
    bool shows(local_seconds time) const {
        const auto day = floor<days>(time);
        const auto of_day = static_cast<unsigned>(floor<minutes>(time - day).count());
        return minutes_ >> of_day % 60 & hours_ >> of_day / 60 & weekdays_ >> weekday(day).c_encoding() & 1;
    }
    static std::string list(std::uint64_t set) {
        std::string text;
        for (unsigned i = 0; i != 64; ++i)
            if (set >> i & 1) text += (text.empty() ? "" : ",") + std::to_string(i);
        return text;
    }
    std::uint64_t minutes_, hours_, weekdays_;
};

TEST(schedule, agrees_with_looking_at_every_minute) {
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
#ifdef GRISTMILL_SLOW_BUILD
    constexpr int rounds = 100;
#else
    constexpr int rounds = 1000;
#endif
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::mt19937 dice(seed);
    constexpr const char* places[]{"Europe/Berlin",     "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
                                   "America/Sao_Paulo", "Africa/Cairo",     "Africa/Casablanca",   "Asia/Gaza",
                                   "Antarctica/Troll",  "Asia/Kathmandu",   "Pacific/Chatham",     "UTC"};
    int found = 0;
    for (int round = 0; round != rounds; ++round) {
        const zone place = zone::named(places[dice() % std::size(places)]).value();
        sys_seconds from = moment("1975-01-01 00:00") + minutes(dice() % (62U * 365 * 24 * 60));
        if (round % 4 != 0)  // close to where the clock jumps
            if (const sys_seconds jump = place.around(from).end; jump < moment("2038-01-01 00:00"))
                from = jump + minutes(dice() % 600) - minutes(300);
        const minute_by_minute brute(dice);
        const auto expected = brute.next(place, from, minutes(3 * 24 * 60));
        const auto next = next_after(nameless(brute.line(), place.name()), from).value();
        ASSERT_TRUE(next);
        if (expected)
            ASSERT_EQ(text(floor<seconds>(*next)), text(*expected))
                << brute.line() << " in " << place.name() << " after " << text(from) << ", seed " << seed;
        else
            ASSERT_GT(*next, from + days(3))
                << brute.line() << " in " << place.name() << " after " << text(from) << ", seed " << seed;
        found += expected.has_value();
    }
    EXPECT_GT(found, rounds / 2);
}

// ---- what can be wrong with an entry, and what a run knows ----

TEST(schedule, a_wrong_entry_is_told_by_its_field) {
    EXPECT_EQ(fault_of(nameless("0 2 * * *")), "");
    EXPECT_EQ(fault_of(nameless("61 2 * * *")), "line: the minute, '61': '61' is not in 0 to 59");
    EXPECT_EQ(fault_of(nameless("0 2 * * *", "Nowhere")).substr(0, 6), "zone: ");
    auto wrong = nameless("@daily");
    wrong.name = "";
    EXPECT_EQ(fault_of(wrong), "name: is empty");
    wrong.name = std::string(251, 'n');  // with "cron:" before it, it is too long for a tag
    EXPECT_EQ(fault_of(wrong), "name: is 251 bytes long, of 250 allowed");
    wrong.name = std::string(250, 'n');
    EXPECT_EQ(fault_of(wrong), "");
    wrong.job.kind = "";
    EXPECT_EQ(fault_of(wrong), "job: kind: is empty");
    wrong.job.kind = "report";
    wrong.job.tags.assign(31, "tag");  // and two of ours
    EXPECT_EQ(fault_of(wrong), "job: tags: 33, of 32 allowed");
    wrong.job.tags.assign(30, "tag");
    EXPECT_EQ(fault_of(wrong), "");
    wrong.job.after.push_back({1});
    EXPECT_EQ(fault_of(wrong), "job: after: a run of an entry waits for no other jobs");
}

TEST(schedule, the_time_that_a_run_stands_for_is_read_back) {
    using list = std::vector<std::string>;
    EXPECT_EQ(due_time(list{"cron:nightly", "due:2026-11-21T02:30:00Z"}), moment("2026-11-21 02:30"));
    EXPECT_EQ(due_time(list{"due:2020-02-29T23:59:59Z"}), moment("2020-02-29 23:59:59"));
    EXPECT_EQ(due_time(list{"due:2019-01-01T00:00:00Z", "x", "due:2026-11-21T02:30:00Z"}), moment("2026-11-21 02:30"));
    for (const char* tag : {"due:", "due:soon", "due:2026-11-21T02:30:00", "due:2026-02-30T02:30:00Z",
                            "due:2026-11-21 02:30:00Z", "due:2026-11-21T24:00:00Z", "due:-026-11-21T02:30:00Z"})
        EXPECT_EQ(due_time(list{tag}), std::nullopt) << tag;
    EXPECT_EQ(due_time(list{}), std::nullopt);
}

}  // namespace
