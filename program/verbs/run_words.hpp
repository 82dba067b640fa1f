#pragma once
// What a run was asked for, now or in the journal of an earlier one.

#include <string>

#include <gristmill/result.hpp>

#include "program/journal/run_facts.hpp"
#include "program/run/run_options.hpp"

namespace gm::program {

run_options default_options();

// What an earlier run was asked for.
result<run_options, std::string> options_of(const run_facts& facts);

}  // namespace gm::program
