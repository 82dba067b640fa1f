#pragma once
// Reads flags by a verb's table, as GNU programs do: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -abc. The first word
// that is no flag ends them, and so does --.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "program/cli/table.hpp"

namespace gm::program {

struct parsed {
    std::span<const std::string_view> rest;  // from the first word that is no flag
    bool help = false;                       // --help or -h stood among them, and nothing else counts
    std::string error;                       // what is wrong; empty: nothing
};

parsed parse(const verb& by, std::span<const std::string_view> words, void* options);

// The nearest of `known`, if it is near enough to be what was meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace gm::program
