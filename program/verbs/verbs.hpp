#pragma once
// One of these for each verb; each is described, and done, in a file of its own.

#include "program/cli/table.hpp"

namespace gm::program {

extern const verb run_verb;
extern const verb plan_verb;
extern const verb report_verb;
extern const verb help_verb;
extern const verb version_verb;
extern const verb completion_verb;

}  // namespace gm::program
