#include <gristmill/jobs/units.hpp>

#include <cstdio>
#include <random>

#include <gtest/gtest.h>

namespace {

using gm::jobs::parse_duration;
using gm::jobs::parse_size;
using namespace std::chrono;

TEST(units, durations_as_people_write_them) {
    const std::pair<const char*, microseconds> right[]{
        {"0", 0us},          {"0s", 0us},      {"1us", 1us},
        {"250ms", 250ms},    {"5s", 5s},       {"1.5s", 1500ms},
        {"0.25m", 15s},      {"1h30m", 90min}, {"1d2h3m4s5ms6us", 26h + 3min + 4s + 5ms + 6us},
        {"7d", 168h},        {"2w", 336h},     {"1.000001s", 1s + 1us},
        {"0.001ms", 1us},    {"010s", 10s},    {"1.500s", 1500ms},
        {"0.0000000s", 0us}, {"90m", 90min},   {"15250284w", microseconds(9'223'371'763'200'000'000)}};
    for (const auto& [text, expected] : right) {
        const auto read = parse_duration(text);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(*read, expected) << text;
    }
}

TEST(units, what_is_no_duration_is_quoted) {
    EXPECT_EQ(parse_duration("soon").error(), "'soon' is no duration, as 1h30m or 250ms is");
    for (const char* text :
         {"",      "5",      "s",  "-5s",  "+5s",  "5 s",  " 5s",  "5s ",  "30m1h", "1h1h", "1.s",  ".5s",
          "1..5s", "1.5.5s", "5S", "5sec", "1h30", "0x5s", "1e3s", "5m s", "00",    "1,5s", "\x05s"})
        EXPECT_FALSE(parse_duration(text)) << text;
    for (const char* text :
         {"0.5us", "1.0000001s", "99999999999999999999s", "15250285w", "15250284w1w", "9223372036854775807s"})
        EXPECT_FALSE(parse_duration(text)) << text;
    EXPECT_LT(parse_duration(std::string(100'000, 'x')).error().size(), 100U);
}

TEST(units, sizes_as_people_write_them) {
    const std::pair<const char*, std::uint64_t> right[]{{"0", 0},
                                                        {"17", 17},
                                                        {"17B", 17},
                                                        {"64k", 65'536},
                                                        {"64K", 65'536},
                                                        {"64KiB", 65'536},
                                                        {"64kB", 64'000},
                                                        {"1M", 1048576},
                                                        {"1.5M", 1'572'864},
                                                        {"10MB", 10'000'000},
                                                        {"2G", 2147483648},
                                                        {"0.5k", 512},
                                                        {"1T", 1'099'511'627'776},
                                                        {"1TB", 1'000'000'000'000},
                                                        {"0.001kB", 1},
                                                        {"9223372036854775807", 9223372036854775807}};
    for (const auto& [text, expected] : right) {
        const auto read = parse_size(text);
        ASSERT_TRUE(read) << read.error();
        EXPECT_EQ(*read, expected) << text;
    }
    EXPECT_EQ(parse_size("big").error(), "'big' is no size, as 64k or 10MB is");
    for (const char* text :
         {"", "k", "-1", "1 k", "1kb", "1m", "1kk", "0.1", "0.3k", "9223372036854775808", "9999999999999T", "1k2"})
        EXPECT_FALSE(parse_size(text)) << text;
}

// Whatever comes: an answer, and for what was put together from parts the right one.
TEST(units, any_text_gets_an_answer) {
    const auto seed = std::random_device{}();
    std::printf("seed %u\n", seed);
    SCOPED_TRACE(seed);
    std::mt19937_64 dice(seed);
    constexpr std::string_view letters = "0123456789..wdhmsukKMGTiB -+e\0\xff";
    for (int round = 0; round != 50'000; ++round) {
        std::string text;
        for (auto length = dice() % 12; length != 0; --length) text += letters[dice() % letters.size()];
        if (const auto read = parse_duration(text)) {
            EXPECT_GE(read->count(), 0) << text;
            EXPECT_TRUE(text.find_first_not_of("0123456789.wdhmsu") == std::string::npos) << text;
        }
        if (const auto read = parse_size(text)) {
            EXPECT_TRUE(text.find_first_not_of("0123456789.kKMGTiB") == std::string::npos) << text;
        }
    }
    for (int round = 0; round != 10'000; ++round) {
        std::string text;
        microseconds expected(0);
        const auto part = [&](const char* name, microseconds worth, std::uint64_t most) {
            if (dice() % 2) return;
            const auto count = static_cast<std::int64_t>(dice() % most);
            text += std::to_string(count) + name;
            expected += count * worth;
        };
        part("w", 168h, 1000);
        part("d", 24h, 100);
        part("h", 1h, 100);
        part("m", 1min, 100);
        part("s", 1s, 100);
        part("ms", 1ms, 10'000);
        part("us", 1us, 10'000);
        if (text.empty()) continue;
        const auto read = parse_duration(text);
        ASSERT_TRUE(read) << read.error();
        ASSERT_EQ(*read, expected) << text;
    }
}

}  // namespace
