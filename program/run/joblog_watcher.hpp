#pragma once
// Writes the log of jobs while they end.

#include <cstdint>
#include <mutex>
#include <vector>

#include "program/run/joblog.hpp"
#include "program/run/report.hpp"

namespace gm::program {

class joblog_watcher : public run_watcher {
public:
    // `numbers`: what the log calls job 1, 2, …; empty: that.
    joblog_watcher(joblog_writer to, std::vector<std::uint64_t> numbers)
        : to_(std::move(to)), numbers_(std::move(numbers)) {}

    void finished(const finish_report& report) override;
    // The first that went wrong.
    std::error_code error() const;

private:
    joblog_writer to_;
    const std::vector<std::uint64_t> numbers_;
    mutable std::mutex lock_;
    std::error_code error_;  // protected by the lock
};

}  // namespace gm::program
