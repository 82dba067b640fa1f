#pragma once
// Points in time as people write them.

#include <string>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::program {

// "2026-11-21T15:00:00Z", "2026-11-21 15:00+01:00"; without a zone by the clock on the wall here: "2026-11-21 15:00", or "15:00",
// which is the next one after `now`. The error is a sentence that quotes the text.
result<jobs::wall_time, std::string> parse_when(const std::string& text, jobs::wall_time now);

}  // namespace gm::program
