#pragma once
// What `gristmill work` and `gristmill drain` were told.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/kinds/exec/kill_ladder.hpp>

#include "program/run/values.hpp"
#include "program/store/open.hpp"

namespace gm::program {

struct work_options : store_options {
    slot_count workers;
    std::vector<std::string> queues{};  // empty: default
    bool allow_exec = false;
    std::vector<std::pair<std::string, std::string>> handlers{};  // KIND=COMMAND
    std::vector<std::string> env_secrets{};                       // variables that jobs may refer to
    std::string name{};
    std::chrono::microseconds grace = std::chrono::seconds(25);
    std::chrono::microseconds lease = std::chrono::seconds(15);
    std::chrono::microseconds timeout{};  // of jobs that say nothing else
    std::optional<int> retries{};         // of jobs that say nothing else
    kinds::exec::kill_ladder ladder{};
    bool quiet = false;
    bool until_idle = false;  // drain
};

}  // namespace gm::program
