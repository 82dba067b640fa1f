#pragma once
// A verb that has the words of the filter and no others: for the tests of those words, and for their fuzzing.

#include <string>
#include <string_view>
#include <vector>

#include "program/cli/parse.hpp"
#include "program/jobs/filter_words.hpp"

namespace gm::test {

struct filter_options : program::job_filter {};
inline constexpr program::flag_group filter_groups[] = {{"Which", program::filter_flags<filter_options>}};
inline constexpr program::verb filter_verb{.name = "any",
                                           .summary = {},
                                           .usage = {},
                                           .about = {},
                                           .flags = filter_groups,
                                           .examples = {},
                                           .more_title = {},
                                           .more = {},
                                           .run = nullptr};

// What is wrong with the words, or nothing.
inline std::string read_filter(const std::vector<std::string_view>& words, filter_options& to) {
    program::parsed_words given = program::parse_mixed(filter_verb, words, &to);
    if (given.help) return "help";
    for (const std::string_view word : given.words)
        if (given.error.empty()) given.error = program::take_ids(to, word);
    return given.error;
}

}  // namespace gm::test
