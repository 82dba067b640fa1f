#pragma once
// One of these for each verb; each is described, and done, in a file of its own.

#include "program/cli/table.hpp"

namespace gm::program {

extern const verb run_verb;
extern const verb plan_verb;
extern const verb report_verb;
extern const verb push_verb;
extern const verb work_verb;
extern const verb drain_verb;
extern const verb wait_verb;
extern const verb migrate_verb;
extern const verb ls_verb;
extern const verb show_verb;
extern const verb logs_verb;
extern const verb retry_verb;
extern const verb cancel_verb;
extern const verb rm_verb;
extern const verb priority_verb;
extern const verb queues_verb;
extern const verb pause_verb;
extern const verb resume_verb;
extern const verb limit_verb;
extern const verb workers_verb;
extern const verb scale_verb;
extern const verb cron_verb;
extern const verb doctor_verb;
extern const verb help_verb;
extern const verb version_verb;
extern const verb completion_verb;

}  // namespace gm::program
