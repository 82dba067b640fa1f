#pragma once
// Every job that meets a filter, in steps: between them others have the lock, so that a search through millions holds nobody up.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "house.hpp"

namespace gm::stores::in_memory {

bool meets(const row& job, const filter& which);

// Calls `each` under the lock with every job that meets the filter, until it says false. It may change or remove the job.
// What comes in meanwhile is left out.
void search(house& at, const filter& which, order by, job_id beyond, const std::function<bool(row&)>& each);

}  // namespace gm::stores::in_memory
