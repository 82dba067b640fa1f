#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include <gtest/gtest.h>

#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/push/line_batches.hpp"
#include "program/push/made_job.hpp"
#include "program/push/when.hpp"
#include "program/store/arguments.hpp"
#include "program/store/json.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono;
using gm::jobs::wall_time;

// 2026-11-21 12:00 in Berlin.
constexpr wall_time noon = sys_days(2026y / 11 / 21) + 11h;

class when : public ::testing::Test {
protected:
    void SetUp() override { in_zone("Europe/Berlin"); }
    void TearDown() override { in_zone(nullptr); }
    static void in_zone(const char* name) {
        name ? ::setenv("TZ", name, 1) : ::unsetenv("TZ");
        ::tzset();
    }
    static std::string read(const std::string& text) {
        const auto at = parse_when(text, noon);
        return at ? time_text(*at).substr(0, 19) : at.error();
    }
};

TEST_F(when, times_are_local_unless_they_name_a_zone) {
    EXPECT_EQ(read("2026-11-21T15:00:00Z"), "2026-11-21T15:00:00");
    EXPECT_EQ(read("2026-11-21 15:00+05:30"), "2026-11-21T09:30:00");
    EXPECT_EQ(read("2026-11-21 15:00"), "2026-11-21T14:00:00");
    EXPECT_EQ(read("2026-07-21T15:00:05"), "2026-07-21T13:00:05");
    EXPECT_EQ(read("2026-11-23"), "2026-11-22T23:00:00");
}

TEST_F(when, a_time_of_day_is_the_next_one) {
    EXPECT_EQ(read("15:00"), "2026-11-21T14:00:00");
    EXPECT_EQ(read("11:59:30"), "2026-11-22T10:59:30");
    EXPECT_EQ(read("12:00"), "2026-11-22T11:00:00");
}

TEST_F(when, what_is_no_time_is_quoted) {
    for (const char* const text :
         {"", "soon", "25:00", "15:00 x", "2026-02-31 10:00", "2026-13-01 10:00", "2026-11-21 15:00 Mars"})
        EXPECT_TRUE(read(text).starts_with('\'' + std::string(text) + "' is no time")) << text << ": " << read(text);
}

TEST(arguments, times_and_ids) {
    microseconds time{};
    EXPECT_EQ(take_time("1.5", time), "");
    EXPECT_EQ(time, 1500ms);
    EXPECT_EQ(take_time("1h30m", time), "");
    EXPECT_EQ(time, 90min);
    EXPECT_NE(take_time("", time), "");
    std::vector<gm::jobs::job_id> ids;
    EXPECT_EQ(take_ids("3,5", ids), "");
    EXPECT_EQ(ids, (std::vector<gm::jobs::job_id>{{3}, {5}}));
    ids.clear();
    EXPECT_EQ(take_ids("9,3-5", ids), "");
    EXPECT_EQ(ids, (std::vector<gm::jobs::job_id>{{9}, {3}, {4}, {5}}));
    for (const char* const wrong :
         {"", "3,", "0", "-1", "7x", "99999999999999999999", "5-3", "1-", "1-9223372036854775807"})
        EXPECT_NE(take_ids(wrong, ids), "");
}

class input {
public:
    explicit input(std::string_view text) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        from.reset(ends[0]);
        const gm::kinds::exec::unique_fd to(ends[1]);
        EXPECT_EQ(::write(to.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    gm::kinds::exec::unique_fd from;
};

TEST(line_batches, lines_keep_their_numbers_and_empty_ones_are_none) {
    const input in("a\n\n \r\nb \nlast");
    line_batches read(in.from.get());
    std::vector<std::string> lines;
    ASSERT_TRUE(read.next(lines));
    EXPECT_EQ(lines, (std::vector<std::string>{"a", "b "}));
    EXPECT_EQ(read.number_of(1), 4u);
    ASSERT_TRUE(read.next(lines));
    EXPECT_EQ(lines, (std::vector<std::string>{"last"}));
    EXPECT_EQ(read.number_of(0), 5u);
    EXPECT_FALSE(read.next(lines));
    EXPECT_EQ(read.error(), "");
}

TEST(line_batches, a_line_without_an_end_is_bounded) {
    const gm::kinds::exec::unique_fd endless(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    line_batches read(endless.get());
    std::vector<std::string> lines;
    EXPECT_FALSE(read.next(lines));
    EXPECT_EQ(read.error(), "line 1 has more than 1048576 bytes");
}

TEST(json_lines, values_look_as_promised) {
    EXPECT_EQ(time_text(noon + 5us), "2026-11-21T11:00:00.000005Z");
    EXPECT_EQ(gm::program::seconds(1500ms).text(), "1.5");
    EXPECT_EQ(json_of(gm::jobs::body{R"({"a": 1e400})", {}}).text(), R"({"a":1e400})");
    EXPECT_EQ(json_of(gm::jobs::body{"x\ty", "text/plain"}).text(), R"({"type":"text/plain","text":"x\ty"})");
    EXPECT_EQ(json_of(gm::jobs::body{"\xff\xfe!", "image/x"}).text(), R"({"type":"image/x","base64":"//4h"})");
    EXPECT_EQ(json_of(gm::jobs::body{"\xff", "b"}).text(), R"({"type":"b","base64":"/w=="})");
    EXPECT_EQ(json_of(gm::jobs::body{"\xff\xff", "b"}).text(), R"({"type":"b","base64":"//8="})");
    gm::jobs::record job;
    job.id = {7};
    job.kind = "k";
    job.arguments = {"[]", {}};
    job.queue = "q";
    EXPECT_EQ(json_of(job).text(), R"({"id":7,"kind":"k","state":"available","queue":"q","arguments":[]})");
}

TEST(made_job, commands_are_what_they_were) {
    const push_options options;
    const auto maker = job_maker::make(options, noon);
    ASSERT_TRUE(maker);
    const std::string_view words[] = {"echo", "a b", "\"'\\"};
    EXPECT_EQ(maker->from_words(words)->arguments.bytes, R"({"command":["echo","a b","\"'\\"]})");
    EXPECT_EQ(maker->from_line("a | b")->arguments.bytes, R"({"shell":"a | b"})");
    EXPECT_EQ(maker->from_line("a | b")->kind, "exec");
    EXPECT_FALSE(maker->from_line("a \xff"));
    EXPECT_FALSE(maker->from_line(std::string("a\0b", 3)));
}

}  // namespace
