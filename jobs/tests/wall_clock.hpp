#pragma once
// Moments and times on the wall for tests, written as people write them: "2018-11-04 00:30". Moments are in UTC.

#include <chrono>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include <gristmill/jobs/zone.hpp>

namespace wall_clock {

inline std::chrono::sys_seconds moment(const char* text) {
    int year = 0, hour = 0, minute = 0, second = 0;
    unsigned month = 0, day = 0;
    EXPECT_GE(std::sscanf(text, "%d-%u-%u %d:%d:%d", &year, &month, &day, &hour, &minute, &second), 5) << text;
    const auto date = std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day);
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}
inline std::chrono::local_seconds shown(const char* text) {
    return std::chrono::local_seconds(moment(text).time_since_epoch());
}

inline std::string text(std::chrono::sys_seconds when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(when - day);
    char room[96];
    int length = std::snprintf(room, sizeof(room), "%04d-%02u-%02u %02d:%02d", static_cast<int>(date.year()),
                               static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                               static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
    if (time.seconds().count() != 0)
        std::snprintf(room + length, sizeof(room) - static_cast<std::size_t>(length), ":%02d",
                      static_cast<int>(time.seconds().count()));
    return room;
}
inline std::string text(std::chrono::local_seconds when) {
    return text(std::chrono::sys_seconds(when.time_since_epoch()));
}

// Whether this build knows no zones but UTC, as where it was cross-compiled. Whatever else is wrong with them is no excuse.
inline bool only_utc() {
    const auto berlin = gm::jobs::zone::named("Europe/Berlin");
    return !berlin && berlin.error().find("knows UTC alone") != std::string::npos;
}

}  // namespace wall_clock
