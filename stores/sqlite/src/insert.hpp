#pragma once
// Jobs go in.

#include <span>
#include <vector>

#include "session.hpp"

namespace gm::stores::sqlite {

// Refuses all of them if one is at fault; called before a transaction is made.
void refuse_faults(std::span<const jobs::new_job> jobs, const jobs::size_limits& limits);

// One for each, in their order. Throws trouble with store_fault::invalid if a parent does not exist.
std::vector<jobs::published> insert(session& in, std::span<const jobs::new_job> jobs);

}  // namespace gm::stores::sqlite
