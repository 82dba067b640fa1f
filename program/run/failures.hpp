#pragma once
// The failures of a run, for its end: what failed, why, and how to run it again.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "program/run/report.hpp"

namespace gm::program {

// "exit 1", "SIGKILL", "timed out". requires: it did not succeed.
std::string why_it_failed(const finish_report& report);

class failures : public run_watcher {
public:
    void finished(const finish_report& report) override;

    // Lines for standard error; empty if nothing failed. `again` is the command that runs all of them again; without one, some
    // are named.
    std::string summary(const std::string& again) const;

private:
    struct failure {
        std::string why;
        std::string command;
        std::string reason;
    };
    mutable std::mutex lock_;  // protects the rest
    std::vector<failure> first_;
    std::uint64_t failed_ = 0;
    std::uint64_t finished_ = 0;
};

}  // namespace gm::program
