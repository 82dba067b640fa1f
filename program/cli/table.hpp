#pragma once
// The command line, described once. Parsing, --help, the suggestion for a mistyped flag, shell completion and the man
// pages are all made from these tables: a flag that is added here is known everywhere.

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gm::program {

// What a shell offers for a flag's argument.
enum class completes : unsigned char { nothing, file, folder, words };

struct flag {
    std::string_view name;      // "--jobs"
    std::string_view also;      // other spellings, separated by spaces: "-j --max-procs"
    std::string_view argument;  // what it takes, as help shows it: "N"; empty: nothing
    std::string_view help;      // sentences
    // Puts the argument into the verb's options; returns what is wrong with it, or nothing.
    std::string (*apply)(void* options, std::string_view argument);
    completes offers = completes::nothing;
    std::string_view words = {};  // for completes::words, separated by spaces
};

struct flag_group {
    std::string_view title;
    std::span<const flag> flags;
};

struct example {
    std::string_view command;
    std::string_view says;
};

struct verb {
    std::string_view name;
    std::string_view summary;  // one line
    std::string_view usage;    // what may follow the name; lines
    std::string_view about;    // paragraphs, separated by empty lines
    std::span<const flag_group> flags;
    std::span<const example> examples;
    // The part about what is not a flag and not an example: a title and its lines, as they are.
    std::string_view more_title;
    std::string_view more;
    int (*run)(std::span<const std::string_view> arguments);
};

// Every verb there is, in the order in which help lists them.
std::span<const verb* const> verbs();
const verb* find_verb(std::string_view name);

// All spellings of a flag, its name first.
std::vector<std::string_view> spellings(const flag& of);

}  // namespace gm::program
