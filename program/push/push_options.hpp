#pragma once
// What `gristmill push` was told.

#include <chrono>
#include <optional>
#include <string>

#include <gristmill/jobs/record.hpp>

#include "program/store/open.hpp"

namespace gm::program {

struct push_options : store_options {
    // All but kind, arguments, run_at and unique as each job gets it; what its line says is stronger.
    jobs::new_job each{};
    std::string kind;                             // empty: exec
    std::optional<std::string> arguments;         // of --args
    std::optional<std::string> at;                // of --at
    std::optional<std::chrono::microseconds> in;  // of --in
    std::optional<jobs::unique_key> unique;       // {} in its key is the line
    std::optional<std::string> directory;         // of commands
    bool lines = false;                           // jobs come on standard input, one a line
    bool jsonl = false;                           // each line is a job as JSON
    bool quiet = false;
};

}  // namespace gm::program
