#pragma once
// How things look under --json, the same in every verb. One value a line, nothing else on standard output.
//
//     names       those of the library's fields, in snake_case; what is empty or has not happened is left out
//     ids         numbers
//     times       "2026-11-21T15:02:03.123456Z"
//     durations   seconds, a number
//     bodies      JSON as it is; else {"type": …, "text": …}, or {"type": …, "base64": …} if it is no UTF-8

#include <chrono>
#include <string>
#include <string_view>

#include <gristmill/jobs/json.hpp>
#include <gristmill/jobs/record.hpp>

namespace gm::program {

std::string time_text(jobs::wall_time when);
jobs::json seconds(std::chrono::microseconds time);

jobs::json json_of(const jobs::body& of);
jobs::json json_of(const jobs::new_job& of);
jobs::json json_of(const jobs::record& of);

// As it goes to standard output: if that is a terminal, with what would steer it escaped.
std::string text_for_output(const jobs::json& value);
// A line on standard output; false if it could not be written. Buffered as stdio does: flush before waiting.
bool print_json(const jobs::json& value);
bool print_line(std::string_view text);

}  // namespace gm::program
