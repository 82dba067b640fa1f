#pragma once
// What `gristmill run` understands.

#include <span>

#include "program/cli/table.hpp"

namespace gm::program {

// Their apply() wants a run_options.
std::span<const flag_group> run_flags();

}  // namespace gm::program
