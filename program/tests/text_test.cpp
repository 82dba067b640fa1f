#include <gtest/gtest.h>

#include "program/cli/text.hpp"

namespace {

using namespace gm::program;

std::string wide(std::string_view text, std::size_t columns = 1000) { return for_terminal(text, columns, true); }

TEST(text, nothing_in_it_steers_a_terminal) {
    EXPECT_EQ(wide("a\x1b[2Jb"), "a^[[2Jb");
    EXPECT_EQ(wide("a\nb\tc\rd\x07"), "a b c^Md^G");
    EXPECT_EQ(wide(std::string_view("a\0b\x7f", 4)), "a^@b^?");
    EXPECT_EQ(wide("\xc2\x9b"
                   "2J"),
              "?2J");  // the same as ESC [ in one character
    EXPECT_EQ(wide("a\xe2\x80\xae"
                   "b\xef\xbb\xbf"
                   "c"),
              "abc");  // turns the text round; a mark of the byte order
    EXPECT_EQ(wide("\xff\xfe\xc3"), "???");
    EXPECT_EQ(wide("\xed\xa0\x80"), "???");  // half a surrogate pair
    EXPECT_EQ(wide("é漢e\xcc\x81"), "é漢e\xcc\x81");
    std::string tower = "a";
    for (int i = 0; i < 100; ++i) tower += "\xcc\x81";
    EXPECT_LT(wide(tower).size(), 20u);
    EXPECT_EQ(for_terminal("é漢x", 10, false), "??x");
}

TEST(text, is_cut_at_columns_and_says_so) {
    EXPECT_EQ(wide("abcde", 5), "abcde");
    EXPECT_EQ(wide("abcdef", 5), "abcd…");
    EXPECT_EQ(wide("漢漢漢", 6), "漢漢漢");
    EXPECT_EQ(wide("漢漢漢", 5), "漢漢…");
    EXPECT_EQ(wide("漢漢漢", 4), "漢…");
    EXPECT_EQ(wide("abc\x1b", 4), "abc…");
    EXPECT_EQ(wide("abc", 1), "…");
    EXPECT_EQ(wide("abc", 0), "");
    EXPECT_EQ(wide("", 0), "");
    EXPECT_EQ(for_terminal("abcdef", 5, false), "abc..");
}

TEST(text, nothing_in_it_becomes_a_part_of_a_page) {
    EXPECT_EQ(for_page("<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
    EXPECT_EQ(for_page(std::string_view("a\0\x1b\xff\nb", 6)), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\nb");
    EXPECT_EQ(for_page("é漢"), "é漢");
}

}  // namespace
