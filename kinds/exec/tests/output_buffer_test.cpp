#include <gristmill/kinds/exec/output_buffer.hpp>

#include <filesystem>
#include <random>

#include <gtest/gtest.h>

namespace {

using namespace gm::kinds::exec;

std::string all_of(const output_buffer& buffer) {
    std::string all;
    EXPECT_FALSE(buffer.each_piece([&](std::string_view piece) {
        all += piece;
        return true;
    }));
    return all;
}

const std::string folder = std::filesystem::temp_directory_path().string();

TEST(output_buffer, stays_in_memory_up_to_its_bound) {
    spill_file spill(folder);
    output_buffer buffer(spill, 10);
    ASSERT_FALSE(buffer.append("12345"));
    ASSERT_FALSE(buffer.append("67890"));
    EXPECT_EQ(spill.held(), 0u);
    EXPECT_EQ(all_of(buffer), "1234567890");
    ASSERT_FALSE(buffer.append("x"));
    EXPECT_EQ(spill.held(), 10u);
    EXPECT_EQ(buffer.in_memory(), 1u);
    EXPECT_EQ(all_of(buffer), "1234567890x");
    EXPECT_EQ(buffer.size(), 11u);
}

TEST(output_buffer, two_that_grow_in_turn_do_not_mix) {
    spill_file spill(folder);
    output_buffer one(spill, 100), two(spill, 100);
    std::string first, second;
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        const std::string a(random() % 300, static_cast<char>('a' + i % 26)),
            b(random() % 50, static_cast<char>('A' + i % 26));
        ASSERT_FALSE(one.append(a));
        ASSERT_FALSE(two.append(b));
        first += a;
        second += b;
    }
    EXPECT_EQ(all_of(one), first);
    EXPECT_EQ(all_of(two), second);
    output_buffer moved(std::move(one));
    EXPECT_TRUE(one.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(all_of(moved), first);
    moved.clear();
    two.clear();
    EXPECT_EQ(spill.held(), 0u);
}

TEST(output_buffer, a_folder_that_is_not_there_is_an_error_and_memory_still_works) {
    spill_file spill("/no/such/folder");
    output_buffer buffer(spill, 3);
    ASSERT_FALSE(buffer.append("abc"));
    EXPECT_TRUE(buffer.append("d"));
    EXPECT_EQ(all_of(buffer), "abc");
}

TEST(output_buffer, leaves_no_file_behind) {
    std::string name = folder + "/gm-spill-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    spill_file spill(name);
    output_buffer buffer(spill, 1);
    ASSERT_FALSE(buffer.append("long enough"));
    EXPECT_TRUE(std::filesystem::is_empty(name));
    EXPECT_TRUE(std::filesystem::remove(name));
    EXPECT_EQ(all_of(buffer), "long enough");
}

}  // namespace
