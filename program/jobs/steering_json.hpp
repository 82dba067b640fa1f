#pragma once
// Queues, workers and cron entries under --json, by the conventions of store/json.hpp. Counts and switches are always there.

#include <optional>

#include <gristmill/jobs/ledger.hpp>

#include "program/store/json.hpp"

namespace gm::program {

jobs::json json_of(const jobs::queue_limits& of);
jobs::json json_of(const jobs::queue_report& of);
jobs::json json_of(const jobs::worker_report& of);
jobs::json json_of(const jobs::cron_entry& of, std::optional<jobs::wall_time> next);

}  // namespace gm::program
