#pragma once
// What is wrong with a name of a job's (a kind, a queue, a key, a tag …).

#include <string>
#include <string_view>

#include <gristmill/jobs/record.hpp>

namespace gm::jobs {

// A sentence that begins with `field`; empty: nothing.
std::string fault_of_name(const char* field, std::string_view name, bool may_be_empty, const size_limits& limits);

}  // namespace gm::jobs
