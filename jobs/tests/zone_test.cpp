#include <gristmill/jobs/zone.hpp>

#include <cstdlib>
#include <ctime>
#include <random>

#include <gtest/gtest.h>

#include "wall_clock.hpp"

namespace {

using gm::jobs::zone;
using namespace std::chrono;
using wall_clock::moment;
using wall_clock::shown;
using wall_clock::text;

TEST(zone, utc_is_always_known) {
    const zone utc = zone::named("UTC").value();
    EXPECT_EQ(utc.name(), "UTC");
    EXPECT_EQ(text(utc.local(moment("2026-11-21 12:00"))), "2026-11-21 12:00");
    EXPECT_EQ(text(utc.first(shown("2026-11-21 12:00"))), "2026-11-21 12:00");
    EXPECT_EQ(text(utc.furthest(moment("2026-11-21 12:00"))), "2026-11-21 12:00");
    EXPECT_EQ(utc.around({}).end, sys_seconds::max());
}

TEST(zone, an_unknown_name_says_what_is_near) {
    if (wall_clock::only_utc()) {
        EXPECT_EQ(
            zone::named("Europe/Berlin").error(),
            "the time zone 'Europe/Berlin' is not known: this program was built without the rules of time zones, and "
            "knows UTC alone");
        GTEST_SKIP() << "only UTC is known here";
    }
    EXPECT_EQ(zone::named("Berlin").error(), "there is no time zone 'Berlin': did you mean 'Europe/Berlin'?");
    EXPECT_EQ(zone::named("Amerika/New_York").error(),
              "there is no time zone 'Amerika/New_York': did you mean 'America/New_York'?");
    EXPECT_NE(zone::named("utc").error().find("'UTC'"), std::string::npos);
    EXPECT_EQ(zone::named("Utopia").error(), "there is no time zone 'Utopia'");
    for (const char* name : {"", " ", "/", "../../etc/passwd", "Europe/Berlin ", "Europe", "posix/Europe/Berlin"})
        EXPECT_FALSE(zone::named(name)) << name;
}

struct jump {
    const char* place;
    const char* at;      // the moment of the jump
    const char* before;  // what the clock shows a second before
    const char* after;   // and then
};
constexpr jump jumps[]{
    {"Europe/Berlin", "2026-03-29 01:00", "2026-03-29 01:59:59", "2026-03-29 03:00"},
    {"Europe/Berlin", "2026-10-25 01:00", "2026-10-25 02:59:59", "2026-10-25 02:00"},
    {"America/New_York", "2026-03-08 07:00", "2026-03-08 01:59:59", "2026-03-08 03:00"},
    {"Australia/Lord_Howe", "2026-10-03 15:30", "2026-10-04 01:59:59", "2026-10-04 02:30"},
    {"Australia/Lord_Howe", "2026-04-04 15:00", "2026-04-05 01:59:59", "2026-04-05 01:30"},
    {"Pacific/Apia", "2011-12-30 10:00", "2011-12-29 23:59:59", "2011-12-31 00:00"},
    {"America/Sao_Paulo", "2018-11-04 03:00", "2018-11-03 23:59:59", "2018-11-04 01:00"},
    {"America/Sao_Paulo", "2018-02-18 02:00", "2018-02-17 23:59:59", "2018-02-17 23:00"},
    {"Africa/Cairo", "2024-04-25 22:00", "2024-04-25 23:59:59", "2024-04-26 01:00"},
};

TEST(zone, where_the_clock_jumps_the_first_moment_is_taken) {
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
    for (const jump& each : jumps) {
        SCOPED_TRACE(std::string(each.place) + " " + each.at);
        const zone place = zone::named(each.place).value();
        const sys_seconds at = moment(each.at);
        EXPECT_EQ(text(place.local(at - seconds(1))), text(shown(each.before)));
        EXPECT_EQ(text(place.local(at)), text(shown(each.after)));
        EXPECT_EQ(place.around(at).begin, at);
        EXPECT_EQ(place.around(at - seconds(1)).end, at);
        const auto length = shown(each.after) - shown(each.before) - seconds(1);
        if (length.count() > 0) {  // what is left out comes at its end
            for (const auto time : {shown(each.before) + seconds(1), shown(each.after) - seconds(1), shown(each.after)})
                EXPECT_EQ(text(place.first(time)), each.at);
            EXPECT_EQ(text(place.furthest(at)), each.after);
        } else {  // what comes twice counts the first time
            EXPECT_EQ(place.first(shown(each.after)), at + length);
            EXPECT_EQ(place.first(shown(each.before)), at - seconds(1));
            EXPECT_EQ(place.first(shown(each.before) + seconds(1)), at - length);
            EXPECT_EQ(text(place.furthest(at)), text(shown(each.before)));
            EXPECT_EQ(text(place.furthest(at - length - seconds(1))), text(shown(each.before)));
            EXPECT_EQ(place.furthest(at - length), shown(each.before) + seconds(1));
        }
    }
}

// The C library reads the same rules by code of its own.
TEST(zone, agrees_with_the_c_library) {
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    std::mt19937 dice(seed);
    for (const char* name :
         {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu",
          "America/Sao_Paulo", "Africa/Cairo", "Europe/Dublin", "Africa/Casablanca", "Asia/Gaza"}) {
        const zone place = zone::named(name).value();
        ASSERT_EQ(::setenv("TZ", (std::string(":") + name).c_str(), 1), 0);
        ::tzset();
        for (int i = 0; i != 20'000; ++i) {
            const sys_seconds when = moment("1975-01-01 00:00") + seconds(dice() % (62U * 365 * 86'400));
            const std::time_t plain = when.time_since_epoch().count();
            std::tm parts{};
            ::localtime_r(&plain, &parts);
            parts.tm_isdst = 0;
            const local_seconds here(seconds(::timegm(&parts)));
            ASSERT_EQ(text(place.local(when)), text(here)) << name << " " << text(when) << " seed " << seed;
        }
    }
}

TEST(zone, moments_beyond_any_calendar_are_no_trouble) {
    std::vector<zone> places{zone::named("UTC").value()};
    if (!wall_clock::only_utc()) places.push_back(zone::named("Europe/Berlin").value());
    for (const zone& place : places)
        for (const auto when : {gm::jobs::wall_time::min(), gm::jobs::wall_time::max()}) {
            const auto second = floor<seconds>(when);
            const zone::period period = place.around(second);
            EXPECT_TRUE(period.begin <= second && second < period.end);
            EXPECT_LE(abs(place.local(when).time_since_epoch() - second.time_since_epoch()), hours(1));
            EXPECT_LE(abs(place.first(place.local(when)) - second), hours(0));
            EXPECT_EQ(place.furthest(second), place.local(when));
        }
}

}  // namespace
