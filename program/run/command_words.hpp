#pragma once
// What is left of a command line when its flags are read: the words of a command, and the lists of its arguments.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include "program/run/run_options.hpp"
#include "program/run/template.hpp"

namespace gm::program {

// ":::" and its like.
bool begins_source(std::string_view word);

// The command, and the sources of its arguments; without any, standard input.
void read_words(std::span<const std::string_view> words, run_options& options);

// The template's text; and the template. None: each line is a command.
std::string command_text(const run_options& options);
result<std::optional<command_template>, std::string> read_command(const run_options& options,
                                                                  const std::vector<std::string>& names);

}  // namespace gm::program
