#pragma once
// One of these for each verb; each is described, and done, in a file of its own.

#include "program/cli/table.hpp"

namespace gm::program {

extern const verb run_verb;
extern const verb push_verb;
extern const verb work_verb;
extern const verb drain_verb;
extern const verb wait_verb;
extern const verb migrate_verb;
extern const verb help_verb;
extern const verb version_verb;
extern const verb completion_verb;

}  // namespace gm::program
