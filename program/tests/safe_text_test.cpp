#include "program/cli/safe_text.hpp"

#include <gtest/gtest.h>

#include "program/cli/columns.hpp"

namespace {

using namespace gm::program;

TEST(safe_text, nothing_that_steers_a_terminal_comes_through) {
    EXPECT_EQ(printable("a\x1b[31mb\a\r\x7f"), "a\\x1b[31mb\\x07\\r\\x7f");
    EXPECT_EQ(printable("\u009b2J"), "\\u009b2J");  // C1, as UTF-8
    EXPECT_EQ(printable("\x9b"
                        "2J"),
              "\\x9b2J");                                         // C1, as a byte
    EXPECT_EQ(printable("exe\u202egpj.sh"), "exe\\u202egpj.sh");  // turns the line around
    EXPECT_EQ(printable("\U000e0041"), "\\U0e0041");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("grün 日本 🙂 \\n"), "grün 日本 🙂 \\n");
}

TEST(safe_text, lines_stay_where_they_are_wanted) {
    EXPECT_EQ(printable("a\n\tb"), "a\\n\\tb");
    EXPECT_EQ(printable("a\n\tb\r", lines::many), "a\n\tb\\r");
}

TEST(safe_text, every_single_byte_is_shown_or_is_itself) {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string shown = printable(std::string(1, static_cast<char>(byte)));
        const bool plain = byte >= 0x20 && byte < 0x7f;
        EXPECT_EQ(shown.size() == 1, plain) << byte;
        for (const char c : shown) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << byte;
    }
}

TEST(safe_text, json_says_the_same_with_escapes) {
    EXPECT_EQ(printable_json("{\"a\":\"\u009b\x7f\U000e0041é\"}\n"), "{\"a\":\"\\u009b\\u007f\\udb40\\udc41é\"}\n");
}

TEST(safe_text, columns_are_counted_as_a_terminal_has_them) {
    EXPECT_EQ(columns_of("abc"), 3u);
    EXPECT_EQ(columns_of("grün"), 4u);
    EXPECT_EQ(columns_of("u\u0308"), 1u);
    EXPECT_EQ(columns_of("日本"), 4u);
    EXPECT_EQ(cut_to("日本語", 6), "日本語");
    EXPECT_EQ(cut_to("日本語", 5), "日本…");
    EXPECT_EQ(cut_to("日本語", 4), "日…");
    EXPECT_EQ(cut_to("abc", 1), "…");
    EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(safe_text, a_line_is_cut_at_columns_and_says_so) {
    EXPECT_EQ(one_line("abcde", 5), "abcde");
    EXPECT_EQ(one_line("abcdef", 5), "abcd…");
    EXPECT_EQ(one_line("日本語", 6), "日本語");
    EXPECT_EQ(one_line("日本語", 5), "日本…");
    EXPECT_EQ(one_line("日本語", 4), "日…");
    EXPECT_EQ(one_line("a\x1b[2J\n", 100), "a\\x1b[2J\\n");
    EXPECT_EQ(one_line("abc", 1), "…");
    EXPECT_EQ(one_line("abc", 0), "");
    EXPECT_EQ(one_line("", 0), "");
    std::string tower = "a";
    for (int i = 0; i < 100; ++i) tower += "\xcc\x81";
    EXPECT_LT(one_line(tower, 10).size(), 20u);
}

TEST(safe_text, where_there_is_only_ascii_the_rest_is_a_question_mark) {
    EXPECT_EQ(one_line("é漢x", 10, charset::ascii), "??x");
    EXPECT_EQ(one_line("abcdef", 5, charset::ascii), "abc..");
    EXPECT_EQ(one_line("abc", 1, charset::ascii), "");
}

TEST(safe_text, nothing_in_it_becomes_a_part_of_a_page) {
    EXPECT_EQ(for_page("<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
    EXPECT_EQ(for_page(std::string_view("a\0\x1b\xff\nb", 6)), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\nb");
    EXPECT_EQ(for_page("é漢"), "é漢");
}

TEST(columns, are_as_wide_as_what_is_in_them) {
    table_text table({{.title = "ID", .right = true}, {.title = "NAME"}}, 0, false);
    table.add({{"7"}, {"a\nb"}});
    table.add({{"1234"}, {""}});
    EXPECT_EQ(table.take(), "  ID  NAME\n   7  a\\nb\n1234\n");
    table.add({{"1"}, {"c"}});
    EXPECT_EQ(table.take(), "   1  c\n");  // the titles once, and the widths stay
}

TEST(columns, what_may_shrink_does_so_that_a_row_fits) {
    table_text table({{.title = "ID"}, {.title = "A", .may_shrink = true}, {.title = "B", .may_shrink = true}}, 30,
                     false);
    table.add({{"12"}, {std::string(100, 'a')}, {"short"}});
    const std::string text = table.take();
    EXPECT_EQ(text, "ID  A                    B\n12  aaaaaaaaaaaaaaaaaa…  short\n");
}

TEST(columns, colours_take_no_room) {
    table_text table({{.title = "A"}, {.title = "B"}}, 0, true);
    table.add({{"x", colour::red}, {"y"}});
    EXPECT_EQ(table.take(), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

}  // namespace
