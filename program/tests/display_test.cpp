#include <gtest/gtest.h>

#include "program/run/display.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono_literals;

const auto start = display::clock::now();

void fail(display& one, const std::string& command, int code = 1) {
    const job of;
    one.finished({of, command, verdict::failed, false, 1, 1, {.exit_code = code}, "", {}, 0});
}

picture seen(std::uint64_t done, std::uint64_t failed, std::uint64_t total, std::vector<lane> lanes,
             std::size_t running, std::chrono::seconds after, terminal_size size) {
    return {start + after, size, done, failed, total, std::move(lanes), std::vector<double>(running, 0.0)};
}

std::vector<std::string> lines_of(const std::string& frame) {
    std::vector<std::string> all(1);
    for (const char c : frame) {
        if (c == '\n')
            all.emplace_back();
        else
            all.back() += c;
    }
    return all;
}

TEST(display, has_failures_lanes_and_the_bar_below) {
    display one(display_style::full, {}, start);
    for (const char* what : {"a", "b", "c", "d"}) fail(one, what);
    const auto lines = lines_of(one.frame(seen(4, 4, 40, {{2, 3.2, "gzip b"}, {10, 75, "gzip c"}}, 2, 4s, {80, 24})));
    EXPECT_EQ(lines, (std::vector<std::string>{"! exit 1  b", "! exit 1  c", "! exit 1  d", " 2     3s  gzip b",
                                               "10  1m15s  gzip c", lines.back()}));
    EXPECT_TRUE(lines.back().starts_with("[") || lines.back().starts_with("#")) << lines.back();
    EXPECT_NE(lines.back().find("10%  4/40  4 failed  "), std::string::npos) << lines.back();
}

TEST(display, fits_any_terminal) {
    for (const bool unicode : {false, true})
        for (unsigned columns = 1; columns < 120; ++columns)
            for (unsigned rows = 1; rows < 30; ++rows) {
                display one(display_style::full, {.colours = false, .unicode = unicode}, start);
                for (int i = 0; i < 3; ++i) fail(one, "a command of some length that has failed");
                std::vector<lane> lanes;
                for (unsigned i = 0; i < std::min<std::size_t>(20, one.room_for_lanes({columns, rows})); ++i)
                    lanes.push_back({i + 1, 1.0 * i, "a command that runs on " + std::to_string(i)});
                const std::string frame = one.frame(seen(30, 3, 90, lanes, 20, 9s, {columns, rows}));
                const auto lines = lines_of(frame);
                EXPECT_LE(lines.size(), std::max(1u, rows * 2 / 3)) << columns << 'x' << rows;
                for (const std::string& line : lines) {
                    std::size_t width = 0;
                    for (const char c : line) width += (c & 0xc0) != 0x80;
                    EXPECT_LE(width, std::max(1u, columns - 1)) << line;
                }
            }
}

TEST(display, more_lanes_than_room_are_counted) {
    display one(display_style::full, {}, start);
    const terminal_size small{40, 6};
    ASSERT_EQ(one.room_for_lanes(small), 3u);
    const auto lines = lines_of(one.frame(seen(0, 0, 0, {{4, 9, "x"}, {1, 8, "y"}, {2, 7, "z"}}, 9, 9s, small)));
    EXPECT_EQ(lines, (std::vector<std::string>{"4     9s  x", "1     8s  y", "and 7 more",
                                               "0 done  still reading the input  0/s"}));
}

TEST(display, commands_do_not_steer_it) {
    display one(display_style::full, {}, start);
    fail(one, "printf '\x1b[2J\nmore'");
    const std::string frame = one.frame(seen(1, 1, 2, {{1, 1, "a\x1b[Hb\rc"}}, 1, 1s, {80, 24}));
    EXPECT_EQ(frame.find('\x1b'), std::string::npos);
    EXPECT_EQ(frame.find('\r'), std::string::npos);
    EXPECT_EQ(lines_of(frame).size(), 3u);
}

TEST(display, one_line_styles_are_one_line) {
    display eta(display_style::eta, {}, start), bar(display_style::bar, {}, start);
    for (int i = 0; i < 50; ++i) fail(eta, "x");
    EXPECT_EQ(eta.room_for_lanes({80, 24}), 0u);
    EXPECT_EQ(eta.frame(seen(50, 50, 100, {}, 2, 10s, {100, 24})),
              "50%  50/100  50 failed  10s left  5.0/s  2 running");
    const std::string with = bar.frame(seen(1, 0, 2, {}, 2, 10s, {100, 24}));
    EXPECT_EQ(with.find('\n'), std::string::npos);
    EXPECT_TRUE(with.starts_with("#####")) << with;
}

TEST(display, says_farewell_only_if_it_was_seen) {
    display one(display_style::full, {}, start);
    fail(one, "x");
    EXPECT_EQ(one.farewell(start + 2s), "");
    (void)one.frame(seen(1, 1, 2, {}, 0, 1s, {80, 24}));
    EXPECT_EQ(one.farewell(start + 2s), "gristmill: 1 job in 2s, 0.5/s\n");
}

}  // namespace
