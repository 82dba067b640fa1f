#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/run/run_options.hpp"
#include "program/verbs/run_flags.hpp"
#include "program/verbs/verbs.hpp"

namespace {

using namespace gm::program;
using words = std::vector<std::string_view>;

std::string error_of(const words& given) {
    run_options options;
    return parse(run_verb, given, &options).error;
}

run_options options_of(const words& given, std::size_t rest = 0) {
    run_options options;
    const parsed done = parse(run_verb, given, &options);
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.rest.size(), rest);
    return options;
}

TEST(cli, flags_are_read_as_gnu_programs_do) {
    EXPECT_EQ(options_of({"-j", "3"}).slots.now(), 3u);
    EXPECT_EQ(options_of({"-j3"}).slots.now(), 3u);
    EXPECT_EQ(options_of({"--jobs=3"}).slots.now(), 3u);
    EXPECT_EQ(options_of({"--jobs", "3"}).slots.now(), 3u);
    const auto many = options_of({"-k0j3", "echo", "-k"}, 2);
    EXPECT_TRUE(many.keep_order);
    EXPECT_EQ(many.input.delimiter, '\0');
    EXPECT_EQ(many.slots.now(), 3u);
    EXPECT_FALSE(options_of({"--", "-k"}, 1).keep_order);
    EXPECT_FALSE(options_of({"-", "-k"}, 2).keep_order);
}

TEST(cli, what_is_wrong_is_told) {
    EXPECT_EQ(error_of({"--keep-oder"}), "there is no flag --keep-oder; did you mean --keep-order?");
    EXPECT_EQ(error_of({"--keep"}), "there is no flag --keep; did you mean --keep-order?");
    EXPECT_EQ(error_of({"--jbos", "3"}), "there is no flag --jbos; did you mean --jobs?");
    EXPECT_EQ(error_of({"--zzzzzzzz"}), "there is no flag --zzzzzzzz");
    EXPECT_EQ(error_of({"-J"}), "there is no flag -J");
    EXPECT_EQ(error_of({"--jobs"}), "--jobs wants a value: N");
    EXPECT_EQ(error_of({"--bar=3"}), "--bar takes no value");
    EXPECT_EQ(error_of({"--timeout", "soon"}),
              "--timeout: 'soon' is no time; write for example 30, 1.5s, 200ms, 10m, 2h");
    EXPECT_EQ(error_of({"--retries", "0"}), "--retries: tries are counted from 1");
    EXPECT_EQ(error_of({"--env", "=x"}), "--env: write NAME=VALUE");
}

// From the case of this verb to that of the next one: what other verbs have does not count.
std::string part_of(const std::string& script, const std::string& begin, const std::string& end) {
    const std::size_t from = script.find(begin);
    return from == std::string::npos ? std::string() : script.substr(from, script.find(end, from) - from);
}

std::string lines_with(const std::string& text, const std::string& part) {
    std::istringstream in(text);
    std::string all;
    for (std::string line; std::getline(in, line);)
        if (line.find(part) != std::string::npos) all += line + '\n';
    return all;
}

std::string in_roff(std::string_view text) {
    std::string all;
    for (const char c : text) all += c == '-' ? "\\-" : std::string(1, c);
    return all;
}

TEST(cli, every_flag_is_in_help_in_completion_and_on_the_man_page) {
    const std::string all_bash = *completion("bash"), all_zsh = *completion("zsh"), all_fish = *completion("fish");
    const std::string program_page = *man_page("gristmill");
    for (const verb* of : verbs()) {
        const std::string verb_name(of->name);
        const std::string help = help_of(*of), man = man_page("gristmill-" + verb_name).value_or("");
        const std::string bash = part_of(all_bash, "\n    " + verb_name + ")\n", "\n        ;;\n");
        const std::string zsh = part_of(all_zsh, "\n    " + verb_name + ")\n", "\n        ;;\n");
        const std::string fish = lines_with(all_fish, "_from " + verb_name + "'");
        EXPECT_NE(program_page.find(in_roff(verb_name)), std::string::npos) << verb_name;
        for (const flag_group& group : of->flags)
            for (const flag& one : group.flags) {
                const std::string name(one.name), which = verb_name + ' ' + name;
                EXPECT_NE(help.find("\n  " + name), std::string::npos) << which;
                EXPECT_NE(bash.find(' ' + name), std::string::npos) << which;
                EXPECT_NE(zsh.find("'" + name), std::string::npos) << which;
                EXPECT_NE(fish.find(" -l " + name.substr(2) + " "), std::string::npos) << which;
                EXPECT_NE(man.find(".B " + in_roff(name)), std::string::npos) << which;
                EXPECT_TRUE(one.help.ends_with('.')) << which;
            }
    }
    EXPECT_FALSE(completion("tcsh"));
    EXPECT_FALSE(man_page("gristmill-nonsense"));
}

TEST(cli, no_two_flags_have_the_same_spelling) {
    for (const verb* one : verbs()) {
        words found{"--help", "-h"};
        for (const flag_group& group : one->flags)
            for (const flag& f : group.flags)
                for (const std::string_view spelling : spellings(f)) found.push_back(spelling);
        std::ranges::sort(found);
        EXPECT_EQ(std::ranges::adjacent_find(found), found.end()) << one->name;
    }
}

TEST(cli, help_fits_the_terminal_and_has_examples) {
    for (const verb* one : verbs()) {
        const std::string help = help_of(*one);
        for (std::size_t begin = 0; begin < help.size();) {
            const std::size_t end = help.find('\n', begin);
            EXPECT_LE(end - begin, 130u) << help.substr(begin, end - begin);
            begin = end + 1;
        }
    }
    EXPECT_NE(help_of(run_verb).find("Examples:"), std::string::npos);
    EXPECT_NE(help_of_program().find("gristmill run"), std::string::npos);
}

TEST(cli, the_nearest_is_near) {
    const words known{"run", "help", "version"};
    EXPECT_EQ(nearest("rnu", known), "run");
    EXPECT_EQ(nearest("vresion", known), "version");
    EXPECT_EQ(nearest("xyz", known), std::nullopt);
    EXPECT_EQ(nearest(std::string(1000, 'v'), known), std::nullopt);
}

}  // namespace
