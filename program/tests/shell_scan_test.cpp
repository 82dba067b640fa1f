#include "program/run/shell_scan.hpp"

#include <gtest/gtest.h>

namespace {

using gm::program::place;
using gm::program::quote;
using gm::program::shell_scanner;

// The place at the end of `text`.
std::string at_end_of(std::string_view text) {
    shell_scanner scanner;
    for (std::size_t i = 0; i < text.size(); ++i) scanner.read(text[i], text.substr(i + 1));
    switch (scanner.where()) {
        case place::bare: return "bare";
        case place::double_quoted: return "double";
        case place::single_quoted: return "single";
        case place::fixed: return "fixed";
    }
    return "?";
}

TEST(shell_scan, quotes_open_and_close) {
    EXPECT_EQ(at_end_of("echo "), "bare");
    EXPECT_EQ(at_end_of("echo \""), "double");
    EXPECT_EQ(at_end_of("echo \"it's "), "double");
    EXPECT_EQ(at_end_of("echo '"), "single");
    EXPECT_EQ(at_end_of("echo '\""), "single");
    EXPECT_EQ(at_end_of("echo 'a'\"b\""), "bare");
    EXPECT_EQ(at_end_of("echo \\'"), "bare");
    EXPECT_EQ(at_end_of("echo \"\\\""), "double");
    EXPECT_EQ(at_end_of("echo '\\'"), "bare");  // no backslash in single quotes
}

TEST(shell_scan, a_substitution_begins_anew) {
    EXPECT_EQ(at_end_of("echo \"$(cat "), "bare");
    EXPECT_EQ(at_end_of("echo \"$(cat \""), "double");
    EXPECT_EQ(at_end_of("echo \"$(cat x) "), "double");
    EXPECT_EQ(at_end_of("echo \"$(cat (x) "), "bare");
    EXPECT_EQ(at_end_of("(cd x; "), "bare");
    EXPECT_EQ(at_end_of("echo \"$(echo 'a)' "), "bare");
}

TEST(shell_scan, where_no_quoting_helps_the_place_is_fixed) {
    EXPECT_EQ(at_end_of("echo `cat "), "fixed");
    EXPECT_EQ(at_end_of("echo `cat '"), "fixed");
    EXPECT_EQ(at_end_of("echo \"`cat "), "fixed");
    EXPECT_EQ(at_end_of("echo ${x:-"), "fixed");
    EXPECT_EQ(at_end_of("echo $((1 + "), "fixed");
    EXPECT_EQ(at_end_of("((x = "), "fixed");
    EXPECT_EQ(at_end_of("echo $[1 + "), "fixed");
    EXPECT_EQ(at_end_of("echo $'"), "fixed");
    EXPECT_EQ(at_end_of("cat <<END\n"), "fixed");
    EXPECT_EQ(at_end_of("cat <<'END'\n"), "fixed");
    EXPECT_EQ(at_end_of("echo \\"), "fixed");
    EXPECT_EQ(at_end_of("echo \"\\"), "fixed");
    EXPECT_EQ(at_end_of("echo # it's "), "fixed");
    EXPECT_EQ(at_end_of("echo \"$(case x in x) echo "), "fixed");
}

TEST(shell_scan, after_such_a_place_it_is_as_before) {
    EXPECT_EQ(at_end_of("echo `cat` "), "bare");
    EXPECT_EQ(at_end_of("echo \"${x}"), "double");
    EXPECT_EQ(at_end_of("echo $((1)) "), "bare");
    EXPECT_EQ(at_end_of("cat <<<\""), "double");
    EXPECT_EQ(at_end_of("echo # it's\n"), "bare");
    EXPECT_EQ(at_end_of("echo a#b '"), "single");
    EXPECT_EQ(at_end_of("case x in x) echo "), "bare");
}

std::string quoted(std::string_view value, place at) {
    std::string to;
    return quote(value, at, to) ? to : "refused";
}

TEST(shell_scan, quoting_fits_the_place) {
    EXPECT_EQ(quoted("plain-1.2_x/y+", place::bare), "plain-1.2_x/y+");
    EXPECT_EQ(quoted("", place::bare), "''");
    EXPECT_EQ(quoted("a b", place::bare), "'a b'");
    EXPECT_EQ(quoted("e'f", place::bare), "'e'\"'\"'f'");
    EXPECT_EQ(quoted("a=b", place::bare), "'a=b'");
    EXPECT_EQ(quoted("$HOME `x` \"q\" \\ '", place::double_quoted), "\\$HOME \\`x\\` \\\"q\\\" \\\\ '");
    EXPECT_EQ(quoted("it's $x", place::single_quoted), "it'\\''s $x");
    EXPECT_EQ(quoted("name.txt", place::fixed), "name.txt");
    EXPECT_EQ(quoted("a b", place::fixed), "refused");
    EXPECT_EQ(quoted("a[$(id)]", place::fixed), "refused");
    EXPECT_EQ(quoted("", place::fixed), "refused");
}

}  // namespace
