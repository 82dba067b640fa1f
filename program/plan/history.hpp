#pragma once
// A run that is over, by its log or its journal: what `plan` replays and `report` draws.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <gristmill/result.hpp>

#include "program/journal/journal_file.hpp"
#include "program/run/joblog.hpp"

namespace gm::program {

struct past_job {
    joblog_entry entry;
    unsigned lane;  // from 0

    double end() const noexcept { return entry.start + entry.runtime; }
};

struct run_history {
    std::vector<past_job> jobs;  // in the order of their start
    unsigned lanes = 0;          // as many jobs ran at the same time, at most
    bool knows_workers = false;  // a lane is a worker; else it stands for whoever it was
    std::size_t failed = 0;
    double begin = 0, end = 0;  // seconds since 1970
    double work = 0;            // seconds, of all jobs together

    double took() const noexcept { return end - begin; }
    // Which of the jobs are behind such a share (0 to 1) of all durations.
    double duration_at(double share) const;
    // Of each job, in the order of their numbers: in that order a crew takes them.
    std::vector<std::chrono::nanoseconds> durations_by_number() const;
};

// requires: entries is not empty. Where it is not known which worker ran a job, each job gets the first lane that is free when it
// starts. Times that run backwards count as no time.
run_history make_history(std::vector<joblog_entry> entries);

// The error says what is wrong with the file.
result<run_history, std::string> read_history(const std::string& file);

// `command_of` makes the commands; empty: they are not wanted.
using command_maker = std::function<std::string(const ended_job&)>;
result<run_history, std::string> read_history(journal_file& journal, const command_maker& command_of);

// "350ms", "3.2s", "2m10s", "2m".
std::string time_text(double seconds);

}  // namespace gm::program
