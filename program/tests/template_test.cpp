#include "program/run/template.hpp"

#include <array>
#include <cstdio>
#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace {

using namespace gm::program;
using strings = std::vector<std::string>;

std::string fill(std::string_view text, strings arguments, bool repeat_words = false, strings names = {}) {
    const auto made = command_template::parse(text, names, repeat_words);
    if (!made) return "parse: " + made.error();
    auto done = made->render({arguments, 5, 2});
    return done ? *done : "refused";
}

TEST(template, replacement_strings_are_those_of_gnu_parallel) {
    EXPECT_EQ(fill("x {} {.} {/} {//} {/.}", {"/a/b.c/d.e.f"}), "x /a/b.c/d.e.f /a/b.c/d.e d.e.f /a/b.c d.e");
    EXPECT_EQ(fill("x {.}|{/}|{//}|{/.}", {"a/b/"}), "x a/b/|''|a|''");
    EXPECT_EQ(fill("x {.}|{/}|{//}|{/.}", {".rc"}), "x ''|.rc|.|''");
    EXPECT_EQ(fill("x {//}", {"/r"}), "x /");
    EXPECT_EQ(fill("x {.}", {"x."}), "x x");
    EXPECT_EQ(fill("{#}-{%}", {"a"}), "5-2");
    EXPECT_EQ(fill("{2} {1/.} {-1} {3}x {9}", {"d/a.b", "c"}), "c a c x ");
    EXPECT_EQ(fill("{} {.}", {"a.x", "b.y"}), "a.x b.y a b");
    EXPECT_EQ(fill("{x}{}{0}{1.5}{", {"a"}), "{x}a{0}{1.5}{");
}

TEST(template, columns_have_names) {
    EXPECT_EQ(fill("{name} {size.} {other}", {"n", "s.t"}, false, {"name", "size"}), "n s {other}");
}

TEST(template, words_are_repeated_with_their_context) {
    EXPECT_EQ(fill("cp pre-{}.post {#} x", {"a", "b c"}, true), "cp pre-a.post pre-'b c'.post 5 x");
    EXPECT_EQ(fill("cp \"pre {}\" x", {"a", "b"}, true), "cp \"pre a\" \"pre b\" x");
    EXPECT_EQ(fill("a x{}|b {};c", {"1", "2"}, true), "a x1 x2|b 1 2;c");
    EXPECT_EQ(fill("cp pre-{}.post", {"a", "b"}, false), "cp pre-a b.post");
}

TEST(template, values_are_quoted_by_their_place) {
    const strings nasty{"$HOME \"x\" it's"};
    EXPECT_EQ(fill("echo \"{}\"", nasty), "echo \"\\$HOME \\\"x\\\" it's\"");
    EXPECT_EQ(fill("echo '{}'", nasty), "echo '$HOME \"x\" it'\\''s'");
    EXPECT_EQ(fill("echo `{}`", nasty), "refused");
    EXPECT_EQ(fill("echo `{}`", {"plain"}), "echo `plain`");
}

TEST(template, what_cannot_be_meant_is_refused) {
    EXPECT_TRUE(fill("echo ${}", {"HOME"}).starts_with("parse: a $ before {}"));
    EXPECT_TRUE(fill("echo \"${1}\"", {"HOME"}).starts_with("parse: a $ before {1}"));
    EXPECT_EQ(fill("awk '{print ${1}}'", {"3"}), "awk '{print $3}'");
    EXPECT_TRUE(fill("echo {= s/a/b/ =}", {"a"}).starts_with("parse: expressions in Perl"));
}

std::string words(std::string_view command) {
    const auto all = words_without_shell(command);
    if (!all) return "shell";
    std::string text;
    for (const std::string& word : *all) text += '<' + word + '>';
    return text;
}

TEST(template, a_command_without_metacharacters_needs_no_shell) {
    EXPECT_EQ(words("gzip -9  a.txt"), "<gzip><-9><a.txt>");
    EXPECT_EQ(words("printf '%s\\n' \"a b\" c\\ d ''"), "<printf><%s\\n><a b><c d><>");
    EXPECT_EQ(words("echo \"\\$x \\n\""), "<echo><$x \\n>");
    EXPECT_EQ(words("echo a#b a=b"), "<echo><a#b><a=b>");
    for (const char* text :
         {"",        " ",        "a | b", "a; b",   "a &",  "a > b",      "a < b", "echo $x", "echo \"$x\"", "echo `x`",
          "a *",     "a ?",      "a [x]", "echo ~", "a\nb", "a # b",      "x=1 a", "cd x",    "if",          "exit 3",
          "echo 'a", "echo \"a", "a \\",  "(a)",    "{ a",  "echo {1,2}", "! a",   "a \\\nb"})
        EXPECT_EQ(words(text), "shell") << text;
}

// Whatever the argument is, the shell sees exactly one word in it.
TEST(template, a_real_shell_reads_back_every_argument) {
    std::mt19937 random(11);
    constexpr std::string_view alphabet = "ab $`\"'\\\n;&|<>(){}[]*?~#!=-%\t\xc3\xff";
    const std::array<const char*, 6> places{
        "{}", "\"{}\"", "'{}'", "\"$(printf '%s.' {})\"", "x{}y'{}'\"{}\"", "\"$(printf '%s.' \"{}\")\""};
    for (int round = 0; round < 120; ++round) {
        std::string value;
        for (auto left = random() % 12; left > 0; --left) value += alphabet[random() % alphabet.size()];
        const std::string form = places[static_cast<std::size_t>(round) % places.size()];
        const std::string command = fill("printf '%s.' " + form, {value});
        ASSERT_NE(command, "refused");
        std::string expected = value + ".";
        if (form.find("$(") != std::string::npos) expected += ".";
        if (form.starts_with('x')) expected = "x" + value + "y" + value + value + ".";
        for (const std::string shell : {"sh", "bash"}) {
            const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
                ::popen((shell + " -c " + shell_word(command)).c_str(), "r"), &::pclose);
            std::string got;
            for (int c; (c = std::fgetc(pipe.get())) != EOF;) got += static_cast<char>(c);
            EXPECT_EQ(got, expected) << shell << ": " << command;
        }
    }
}

}  // namespace
