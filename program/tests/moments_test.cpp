#include "program/cli/moments.hpp"

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include "program/store/json.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono_literals;

class moments : public testing::Test {
protected:
    moments() { set("Europe/Berlin"); }
    ~moments() override { set("UTC"); }
    static void set(const char* zone) {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
};

std::string read(std::string_view text) {
    const auto got = read_moment(text);
    return got ? time_text(got->at(gm::jobs::wall_time(1'000'000s))) : got.error().substr(0, text.size() + 16);
}

TEST_F(moments, are_ages_or_times) {
    EXPECT_EQ(read("1h30m"), "1970-01-12T12:16:40.000000Z");
    EXPECT_EQ(read("2026-11-21"), "2026-11-20T23:00:00.000000Z");
    EXPECT_EQ(read("2026-11-21 14:30"), "2026-11-21T13:30:00.000000Z");
    EXPECT_EQ(read("2026-07-21T14:30:05"), "2026-07-21T12:30:05.000000Z");
    EXPECT_EQ(read("2026-07-21T14:30:05.25Z"), "2026-07-21T14:30:05.250000Z");
    EXPECT_EQ(read("2026-07-21 14:30+05:30"), "2026-07-21T09:00:00.000000Z");
    EXPECT_EQ(read("2026-07-21 14:30-0100"), "2026-07-21T15:30:00.000000Z");
}

TEST_F(moments, others_are_refused) {
    for (const char* text : {"", "soon", "2026", "2026-02-30", "2026-13-01", "2026-01-01 24:00", "2026-01-01 1:00",
                             "2026-01-01T", "2026-01-01T10:00:00.", "2026-01-01Zz", "2026-01-01+1", "-1h", "1969-01-01",
                             "1970-01-01+01:00", "9999-12-31T23:00-14:00"})
        EXPECT_EQ(read(text), "'" + std::string(text) + "' is no time; w") << text;
}

TEST_F(moments, are_told_by_the_clock_here_and_with_their_age) {
    const auto at = read_moment("2026-07-21T12:30:05Z")->fixed;
    EXPECT_EQ(local_text(at), "2026-07-21 14:30:05");
    EXPECT_EQ(with_age(at, at + 200s), "2026-07-21 14:30:05 (3m20s ago)");
    EXPECT_EQ(with_age(at, at - 2h), "2026-07-21 14:30:05 (in 2h)");
    EXPECT_EQ(age_text(at, at - 1s), "0s");
}

}  // namespace
