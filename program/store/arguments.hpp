#pragma once
// Arguments of flags that several verbs on a store have. What is wrong with one is the answer; empty: nothing.

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::program {

// 1h30m, 200ms; without a unit they are seconds, as everywhere in this program.
std::string take_time(std::string_view text, std::chrono::microseconds& to);

// A whole number from `least` to `most`.
std::string take_number(std::string_view text, int least, int most, int& to);

// Numbers of jobs: "17" is one, "20-29" are ten.
struct id_range {
    std::int64_t first, last;
};
result<id_range, std::string> read_ids(std::string_view word);

// The same, several with commas between them, added one by one in the order of the text; at most so many of one range.
inline constexpr std::int64_t most_of_a_range = 10'000;
std::string take_ids(std::string_view text, std::vector<jobs::job_id>& to);

}  // namespace gm::program
