#include "program/run/values.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <gristmill/detail/os.hpp>

#include "program/run/durations.hpp"
#include "program/run/gate.hpp"
#include "program/run/line_identity.hpp"
#include "program/run/results_folder.hpp"

namespace {

using namespace gm::program;
using namespace std::chrono_literals;

TEST(values, times_and_sizes) {
    EXPECT_DOUBLE_EQ(read_time("30")->count(), 30);
    EXPECT_DOUBLE_EQ(read_time("1.5m")->count(), 90);
    EXPECT_DOUBLE_EQ(read_time("200ms")->count(), 0.2);
    EXPECT_DOUBLE_EQ(read_time("1d")->count(), 86400);
    for (const char* text : {"", "x", "-1", "1w", "1 m", "1e99", "inf", "nan"}) EXPECT_FALSE(read_time(text)) << text;
    EXPECT_EQ(*read_size("64k"), 65536u);
    EXPECT_EQ(*read_size("1.5GB"), 3u << 29);
    EXPECT_EQ(*read_size("12"), 12u);
    for (const char* text : {"", "G", "1X", "1GBB", "-1", "9999999P"}) EXPECT_FALSE(read_size(text)) << text;
    EXPECT_EQ(*read_character("\\t"), '\t');
    EXPECT_EQ(*read_character("\\x1f"), '\x1f');
    EXPECT_EQ(*read_character("\\0"), '\0');
    EXPECT_FALSE(read_character("ab"));
    EXPECT_FALSE(read_character("\\xg1"));
}

TEST(values, the_number_of_jobs_is_seen_from_the_cpus) {
    const unsigned cpus = gm::detail::os::usable_cpus();
    EXPECT_EQ(slot_count::parse("3")->now(), 3u);
    EXPECT_EQ(slot_count::parse("auto")->now(), cpus);
    EXPECT_EQ(slot_count::parse("+2")->now(), cpus + 2);
    EXPECT_EQ(slot_count::parse("-1000")->now(), 1u);
    EXPECT_EQ(slot_count::parse("200%")->now(), 2 * cpus);
    EXPECT_GT(slot_count::parse("0")->now(), 10000u);
    EXPECT_FALSE(slot_count::parse("many"));
    EXPECT_FALSE(slot_count::parse(""));
}

TEST(values, a_file_with_the_number_of_jobs_is_read_again) {
    const std::string file = ::testing::TempDir() + "gm-slots";
    std::ofstream(file) << "3\n";
    auto slots = slot_count::parse(file);
    ASSERT_TRUE(slots);
    EXPECT_EQ(slots->now(), 3u);
    std::ofstream(file) << "5";
    slots->refresh();
    EXPECT_EQ(slots->now(), 5u);
    std::ofstream(file) << "nonsense";
    slots->refresh();
    EXPECT_EQ(slots->now(), 5u);
    EXPECT_FALSE(slot_count::parse(file));
    std::filesystem::remove(file);
    slots->refresh();
    EXPECT_EQ(slots->now(), 5u);
}

TEST(line_identity, depends_on_what_a_line_is_and_not_on_where_it_stands) {
    using strings = std::vector<std::string>;
    const line_identities one("gzip {}", "/a"), other("gzip {}", "/a"), elsewhere("gzip {}", "/b"),
        command("xz {}", "/a");
    const auto first = one.of(strings{"x"});
    EXPECT_EQ(one.of(strings{"x"}), first);
    EXPECT_EQ(other.of(strings{"x"}), first);
    EXPECT_NE(elsewhere.of(strings{"x"}), first);
    EXPECT_NE(command.of(strings{"x"}), first);
    EXPECT_NE(one.of(strings{"ab", "c"}).hash, one.of(strings{"a", "bc"}).hash);
    EXPECT_NE(one.of(strings{"", ""}).hash, one.of(strings{""}).hash);
    EXPECT_NE(one.of(strings{std::string("ab\0c", 4)}).hash, one.of(strings{"abc"}).hash);
}

TEST(durations, the_median_is_near) {
    durations all;
    for (int i = 1; i <= 999; ++i) all.add(std::chrono::milliseconds(i));
    EXPECT_EQ(all.count(), 999u);
    EXPECT_NEAR(std::chrono::duration<double>(all.median()).count(), 0.5, 0.5 / 30);
    durations one;
    one.add(0ns);
    EXPECT_LT(one.median(), 1us);
}

TEST(gate, what_the_kernel_says_is_understood) {
    EXPECT_EQ(wanting_cpu("cpu 1 2\nprocs_running 5\nprocs_blocked 2\n"), 6u);
    EXPECT_EQ(wanting_cpu("cpu 1 2\n"), std::nullopt);
    EXPECT_EQ(available_memory("MemTotal: 9 kB\nMemAvailable:   2048 kB\n"), 2048u * 1024);
    EXPECT_EQ(available_memory(""), std::nullopt);
}

TEST(gate, starts_keep_their_distance) {
    gate one(seconds_f(10), {}, {});
    const auto now = gate::clock::now();
    EXPECT_FALSE(one.closed_until(now));
    one.started(now);
    EXPECT_EQ(one.closed_until(now), now + 10s);
    EXPECT_FALSE(one.closed_until(now + 10s));
}

TEST(results_folder, an_argument_is_one_name) {
    EXPECT_EQ(results_folder::folder_name("a b"), "a b");
    EXPECT_EQ(results_folder::folder_name("a/b\\c\td"), "a\\_b\\\\c\\td");
    EXPECT_EQ(results_folder::folder_name(".."), "\\.\\.");
    EXPECT_EQ(results_folder::folder_name("."), "\\.");
    EXPECT_EQ(results_folder::folder_name("..."), "...");
    EXPECT_EQ(results_folder::folder_name(""), "\\0");
    const std::string large(1000, 'x');
    EXPECT_LE(results_folder::folder_name(large).size(), 255u);
    EXPECT_NE(results_folder::folder_name(large), results_folder::folder_name(large + "y"));
}

TEST(results_folder, nothing_is_made_outside) {
    const std::filesystem::path top = ::testing::TempDir() + "gm-results";
    std::filesystem::remove_all(top);
    const auto folder = results_folder::open(top / "in" / "deep");
    ASSERT_TRUE(folder);
    for (const char* nasty : {"..", "../..", "/etc", "", ".", "a/../../b"})
        EXPECT_TRUE(folder->make({}, std::vector<std::string>{nasty, nasty}, 7)) << nasty;
    std::size_t inside = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(top))
        if (entry.is_regular_file()) {
            EXPECT_TRUE(entry.path().string().starts_with((top / "in/deep/1/").string())) << entry.path();
            ++inside;
        }
    EXPECT_EQ(inside, 6u * 3);
    std::filesystem::create_directory_symlink("/", top / "in/deep/1/link");
    EXPECT_FALSE(folder->make({}, std::vector<std::string>{"link"}, 8));
    std::filesystem::remove_all(top);
}

}  // namespace
