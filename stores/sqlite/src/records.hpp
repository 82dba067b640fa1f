#pragma once
// All there is to know about a job, read from its tables.

#include <optional>

#include <gristmill/jobs/record.hpp>

#include "connection.hpp"

namespace gm::stores::sqlite {

std::optional<jobs::record> read_record(connection& in, jobs::job_id id);

}  // namespace gm::stores::sqlite
