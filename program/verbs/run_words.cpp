#include "program/verbs/run_words.hpp"

#include <cstdlib>
#include <string_view>
#include <vector>

#include "program/cli/parse.hpp"
#include "program/run/command_words.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

run_options default_options() {
    run_options options;
    options.slots = *slot_count::parse("auto");
    const char* const temporary = std::getenv("TMPDIR");
    options.temporary_folder = temporary && *temporary ? temporary : "/tmp";
    return options;
}

result<run_options, std::string> options_of(const run_facts& facts) {
    const std::vector<std::string_view> words(facts.words.begin(), facts.words.end());
    run_options options = default_options();
    const parsed flags = parse(run_verb, words, &options);
    if (!flags.error.empty()) return failure(flags.error);
    read_words(flags.rest, options);
    return options;
}

}  // namespace gm::program
