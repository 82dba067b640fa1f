#pragma once
// Arguments of flags that several verbs on a store have. What is wrong with one is the answer; empty: nothing.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/record.hpp>

namespace gm::program {

// 1h30m, 200ms; without a unit they are seconds, as everywhere in this program.
std::string take_time(std::string_view text, std::chrono::microseconds& to);

// A whole number from `least` to `most`.
std::string take_number(std::string_view text, int least, int most, int& to);

// Ids of jobs, separated by commas, are added.
std::string take_ids(std::string_view text, std::vector<jobs::job_id>& to);

}  // namespace gm::program
