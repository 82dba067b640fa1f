#pragma once
// Which jobs: a filter as parameters of one fixed text. What does not matter is null there, and the planner, which sees the
// values, leaves it out.

#include <string>

#include <gristmill/jobs/ledger.hpp>

#include "parameters.hpp"

namespace gm::stores::pg {

// Its parameters are $1 to $12.
inline constexpr const char* filter_sql =
    "($1::bigint[] is null or id = any ($1)) and ($2::smallint[] is null or state = any ($2))"
    " and ($3::text is null or queue = $3) and ($4::text is null or kind = $4) and ($5::text is null or key = $5)"
    " and ($6::text is null or $6 = any (tags)) and ($7::text is null or worker_name = $7)"
    " and ($8::bytea is null or position($8 in arguments) > 0 or position($8 in coalesce((select error from failure"
    " where job = every_job.id order by epoch desc limit 1), '')) > 0)"
    " and ($9::bigint is null or inserted < $9) and ($10::bigint is null or inserted > $10)"
    " and ($11::bigint is null or state >= 5 and finished < $11) and ($12::bigint is null or state >= 5 and finished > "
    "$12)";

parameters filter_parameters(const jobs::filter& which);

// What follows $12: $13 is the last id of the page before, 0 for the start, and $14 how many.
inline constexpr const char* newest_first_sql = " and ($13 = 0 or id < $13) order by id desc limit $14";
inline constexpr const char* oldest_first_sql = " and id > $13 order by id limit $14";

}  // namespace gm::stores::pg
