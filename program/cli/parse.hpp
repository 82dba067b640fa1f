#pragma once
// Reads flags by a verb's table, as GNU programs do: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -abc. The first word
// that is no flag ends them, and so does --.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "program/cli/table.hpp"

namespace gm::program {

struct parsed {
    std::span<const std::string_view> rest;  // from the first word that is no flag
    bool help = false;                       // --help or -h stood among them, and nothing else counts
    bool dashes = false;                     // it was -- that ended them
    std::string error;                       // what is wrong; empty: nothing
};

parsed parse(const verb& by, std::span<const std::string_view> words, void* options);

// The same for a verb whose words and flags may come in any order; -- ends the flags.
struct parsed_words {
    std::vector<std::string_view> words;           // what is no flag, before --
    std::span<const std::string_view> after = {};  // what comes after --
    bool help = false;
    std::string error;
};

parsed_words parse_mixed(const verb& by, std::span<const std::string_view> words, void* options);

// The nearest of `known`, if it is near enough to be what was meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace gm::program
