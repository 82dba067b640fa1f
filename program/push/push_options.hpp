#pragma once
// What `gristmill push` was told.

#include <chrono>
#include <optional>
#include <string>

#include "program/push/job_options.hpp"
#include "program/store/open.hpp"

namespace gm::program {

// What a line says is stronger than what the flags say.
struct push_options : store_options, job_options {
    std::optional<std::string> at;                // of --at
    std::optional<std::chrono::microseconds> in;  // of --in
    bool lines = false;                           // jobs come on standard input, one a line
    bool jsonl = false;                           // each line is a job as JSON
    bool zero_ends = false;                       // a zero byte ends each record of the files after ::::, not a newline
    bool quiet = false;
};

}  // namespace gm::program
