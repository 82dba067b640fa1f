#pragma once
// The run that `plan` and `report` are asked about: the one whose log is named, or one whose journal is kept.

#include <span>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

#include "program/plan/history.hpp"

namespace gm::program {

struct past_run {
    run_history history;
    std::string name;   // of the run; empty if it is read from a log
    std::string title;  // the file of the log; or the run, and its command line
    std::string retry;  // the command line that runs the failures again
};

// `files`: at most one log. Without one the run of that name; without a name the last one that was started in this folder.
result<past_run, std::string> read_past_run(std::span<const std::string_view> files, const std::string& name,
                                            bool with_commands);

}  // namespace gm::program
