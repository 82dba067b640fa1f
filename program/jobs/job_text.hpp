#pragma once
// A job as people read it: in a line of a table, and in full. Nothing here is printable yet (cli/safe_text.hpp), unless it says so.

#include <optional>
#include <string>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

#include "program/cli/columns.hpp"
#include "program/jobs/waits.hpp"

namespace gm::program {

colour colour_of(jobs::state state);

// A body in a line: JSON as it is, a text, or how many bytes of what type.
std::string line_of(const jobs::body& what);

// What is to be said of it beside its state: how far it is, why it failed, what it waits for.
std::string remark_on(const jobs::record& job, jobs::wall_time now);

// Of a table, in the order of job_columns.
std::vector<column> job_columns();
std::vector<cell> job_row(const jobs::record& job, jobs::wall_time now);

// Everything, on lines; printable. `why` it waits, if it does.
std::string full_text(const jobs::record& job, const std::vector<jobs::step>& steps,
                      const std::optional<wait_reason>& why, jobs::wall_time now, bool coloured);

}  // namespace gm::program
