#pragma once
// The words after `gristmill run`, now or in the journal of an earlier run, and what they ask for.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include "program/journal/run_facts.hpp"
#include "program/run/run_options.hpp"
#include "program/run/template.hpp"

namespace gm::program {

run_options default_options();

// ":::" and its like.
bool begins_source(std::string_view word);

// What comes after the flags: the command, and the sources of its arguments; without any, standard input.
void read_words(std::span<const std::string_view> words, run_options& options);

// The template's text; and the template. None: each line is a command.
std::string command_text(const run_options& options);
result<std::optional<command_template>, std::string> read_command(const run_options& options,
                                                                  const std::vector<std::string>& names);

// What an earlier run was asked for.
result<run_options, std::string> options_of(const run_facts& facts);

}  // namespace gm::program
