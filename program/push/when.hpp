#pragma once
// Points in time to come, as people write them.

#include <string>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::program {

// When something is to begin: a date as in moments.hpp, or "15:00" by the clock on the wall here, which is the next one after `now`. The error is a sentence that quotes the text.
result<jobs::wall_time, std::string> parse_when(const std::string& text, jobs::wall_time now);

}  // namespace gm::program
