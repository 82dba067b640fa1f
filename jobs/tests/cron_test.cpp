#include <gristmill/jobs/cron.hpp>

#include <cstdio>
#include <random>

#include <gtest/gtest.h>

namespace {

using gm::jobs::cron;
using namespace std::chrono;

local_seconds at(int year, unsigned month, unsigned day, int hour = 0, int minute = 0, int second = 0) {
    return local_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day)) + hours(hour) +
           minutes(minute) + seconds(second);
}

std::string text(local_seconds when) {
    const auto day = floor<days>(when);
    const year_month_day date(day);
    const hh_mm_ss time(when - day);
    char room[64];
    std::snprintf(room, sizeof(room), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
    return room;
}

std::string next(std::string_view line, local_seconds after) {
    auto made = cron::parse(line);
    if (!made) return made.error();
    const auto when = made->next(after);
    return when ? text(*when) : "never";
}

TEST(cron, fires_at_the_next_minute_that_fits) {
    const auto noon = at(2026, 11, 21, 12, 0);  // a Saturday
    EXPECT_EQ(next("* * * * *", noon), "2026-11-21 12:01");
    EXPECT_EQ(next("* * * * *", at(2026, 11, 21, 11, 59, 59)), "2026-11-21 12:00");
    EXPECT_EQ(next("0 12 * * *", noon), "2026-11-22 12:00");
    EXPECT_EQ(next("*/15 * * * *", at(2026, 11, 21, 12, 46)), "2026-11-21 13:00");
    EXPECT_EQ(next("5/20 * * * *", noon), "2026-11-21 12:05");
    EXPECT_EQ(next("10-12,40 8-9 * * *", at(2026, 11, 21, 9, 40)), "2026-11-22 08:10");
    EXPECT_EQ(next("59 23 31 12 *", at(2026, 12, 31, 23, 59)), "2027-12-31 23:59");
    EXPECT_EQ(next("0 0 29 2 *", noon), "2028-02-29 00:00");
    EXPECT_EQ(next("0 0 29 2 *", at(2096, 3, 1)), "2104-02-29 00:00");  // 2100 is no leap year
    EXPECT_EQ(next("0 0 31 * *", at(2026, 4, 1)), "2026-05-31 00:00");
    EXPECT_EQ(next("@monthly", noon), "2026-12-01 00:00");
    EXPECT_EQ(next("@weekly", noon), "2026-11-22 00:00");
    EXPECT_EQ(next("@hourly", noon), "2026-11-21 13:00");
}

TEST(cron, names_and_sunday_twice) {
    const auto saturday = at(2026, 11, 21);
    EXPECT_EQ(next("0 0 * * mon-FRI", saturday), "2026-11-23 00:00");
    EXPECT_EQ(next("0 0 * * 7", saturday), "2026-11-22 00:00");
    EXPECT_EQ(next("0 0 * * 0", saturday), "2026-11-22 00:00");
    EXPECT_EQ(next("0 0 * * 5-7", at(2026, 11, 22)), "2026-11-27 00:00");
    EXPECT_EQ(next("0 0 1 Jan,jul *", saturday), "2027-01-01 00:00");
    EXPECT_EQ(cron::parse("0 0 * * 0").value(), cron::parse("0 0 * * 7").value());
}

TEST(cron, either_kind_of_day_will_do_if_both_are_restricted) {
    EXPECT_EQ(next("0 0 13 * 5", at(2026, 11, 7)), "2026-11-13 00:00");   // the 13th, a Friday
    EXPECT_EQ(next("0 0 13 * 5", at(2026, 11, 13)), "2026-11-20 00:00");  // a Friday
    EXPECT_EQ(next("0 0 13 * 5", at(2026, 12, 11)), "2026-12-13 00:00");  // the 13th
    EXPECT_EQ(next("0 0 13 * *", at(2026, 11, 13)), "2026-12-13 00:00");
    EXPECT_EQ(next("0 0 */2 * 5", at(2026, 11, 6)),
              "2026-11-13 00:00");  // * with a step restricts, but leaves both to be met
}

TEST(cron, knows_which_lines_fire_in_every_hour) {
    for (const char* line : {"* * * * *", "*/15 * * * *", "0 */1 * * mon", "7 0-23 * * *", "0 0-11,12-23 1 1 *"})
        EXPECT_TRUE(cron::parse(line).value().every_hour()) << line;
    for (const char* line : {"0 2 * * *", "*/15 2 * * *", "0 */2 * * *", "* 1-23 * * *", "@daily"})
        EXPECT_FALSE(cron::parse(line).value().every_hour()) << line;
}

TEST(cron, wrong_lines_say_where) {
    EXPECT_EQ(next("* * * *", {}),
              "a cron line has five fields (minute, hour, day, month, day of the week), this one has 4");
    EXPECT_EQ(next("", {}), "a cron line has five fields (minute, hour, day, month, day of the week), this one has 0");
    EXPECT_EQ(next("60 * * * *", {}), "the minute, '60': '60' is not in 0 to 59");
    EXPECT_EQ(next("* 5-25 * * *", {}), "the hour, '5-25': '25' is not in 0 to 23");
    EXPECT_EQ(next("* * 0 * *", {}), "the day of the month, '0': '0' is not in 1 to 31");
    EXPECT_EQ(next("* * * foo *", {}), "the month, 'foo': 'foo' is not in 1 to 12");
    EXPECT_EQ(next("* * * * 5-1", {}), "the day of the week, '5-1': a range goes upwards");
    EXPECT_EQ(next("*/0 * * * *", {}), "the minute, '*/0': a step is a number from 1, as in */5");
    EXPECT_EQ(next("1, * * * *", {}), "the minute, '1,': '' is not in 0 to 59");
    EXPECT_EQ(next("-5 * * * *", {}), "the minute, '-5': '' is not in 0 to 59");
    EXPECT_EQ(next("1-2-3 * * * *", {}), "the minute, '1-2-3': '2-3' is not in 0 to 59");
    EXPECT_EQ(next("99999999999 * * * *", {}), "the minute, '99999999999': '99999999999' is not in 0 to 59");
    EXPECT_EQ(next("0 0 30 2 *", {}), "there is no such day: it would never fire");
    EXPECT_EQ(next("@often", {}), "there is no shorthand '@often'");
}

// Against a search minute by minute that knows nothing of the shortcuts.
TEST(cron, agrees_with_looking_at_every_minute) {
#ifdef GRISTMILL_SLOW_BUILD
    constexpr int rounds = 50;
#else
    constexpr int rounds = 300;
#endif
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    SCOPED_TRACE(seed);
    std::mt19937 dice(seed);
    const auto one_of = [&](unsigned least, unsigned most) {
        return least + static_cast<unsigned>(dice() % (most - least + 1));
    };
    for (int round = 0; round != rounds; ++round) {
        const unsigned minute = one_of(0, 59), hour = one_of(0, 23), day = one_of(1, 28), month = one_of(1, 12),
                       weekday = one_of(0, 6);
        const auto which = static_cast<unsigned>(dice());
        const bool by_minute = which & 1, by_hour = which & 2, by_day = which & 4, by_month = which & 8,
                   by_weekday = which & 16;
        const auto field = [](bool restricted, unsigned value) { return restricted ? std::to_string(value) : "*"; };
        const std::string line = field(by_minute, minute) + ' ' + field(by_hour, hour) + ' ' + field(by_day, day) +
                                 ' ' + field(by_month, month) + ' ' + field(by_weekday, weekday);
        const auto fires = [&](local_seconds when) {
            const auto of = floor<days>(when);
            const year_month_day date(of);
            const auto time = static_cast<unsigned>(floor<minutes>(when - of).count());
            const bool day_fits = static_cast<unsigned>(date.day()) == day;
            const bool weekday_fits = std::chrono::weekday(of).c_encoding() == weekday;
            return (!by_minute || time % 60 == minute) && (!by_hour || time / 60 == hour) &&
                   (!by_month || static_cast<unsigned>(date.month()) == month) &&
                   (by_day && by_weekday ? day_fits || weekday_fits
                                         : (!by_day || day_fits) && (!by_weekday || weekday_fits));
        };
        const local_seconds after = at(2026, 1, 1) + minutes(dice() % (60 * 24 * 365 * 2)) + seconds(dice() % 60);
        local_seconds expected = floor<minutes>(after) + minutes(1);
        while (!fires(expected)) expected += minutes(1);
        ASSERT_EQ(next(line, after), text(expected)) << line << " after " << text(after);
    }
}

}  // namespace
