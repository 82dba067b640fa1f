#pragma once
// How fast a run is, and how long the rest will take. The answer is a range, for durations are skewed: among a thousand jobs of a second
// one of an hour may be waiting. Between seven and nine times out of ten the truth lies inside (the tests
// hold it to that); less often where a few jobs are far longer than all that have ended.
//
// What runs counts, too: what has ended would tell of the short jobs only, as long as the long ones run.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "program/run/durations.hpp"

namespace gm::program {

// Thread safety: none.
class estimate {
public:
    using clock = std::chrono::steady_clock;

    explicit estimate(clock::time_point start) : start_(start), last_(start) {}

    // A job came to its end after so many seconds.
    void finished(double seconds) noexcept;
    // So many are done by now, and others have been running for these seconds. Called again and again; `when` does not go back.
    void observe(std::uint64_t done, std::span<const double> running, clock::time_point when) noexcept;

    double rate() const noexcept { return rate_; }  // jobs a second

    struct seconds_left {
        double low, high;
    };
    // None while too little is known. As of the last observe(); `total` is the number of all jobs.
    std::optional<seconds_left> left(std::uint64_t total) const;

private:
    void look_at_running(std::span<const double> running) noexcept;
    double seconds_at(double share) const { return std::chrono::duration<double>(durations_.quantile(share)).count(); }

    const clock::time_point start_;
    clock::time_point last_;
    double last_done_ = 0, last_parts_ = 0;
    std::uint64_t ended_ = 0;
    double mean_ = 0, squares_ = 0;  // of the durations; Welford's sum
    durations durations_;

    // At the last observe():
    double rate_ = 0;   // jobs a second, also for the eye
    double speed_ = 0;  // the same, with the parts of those that run
    double parts_ = 0;  // how much of those that run is done, in jobs
    double skew_ = 0;   // variance of the durations by the square of their mean
    double known_ = 0;  // how many jobs the speed rests on
    double likely_mean_ = 0;
    double longest_ = 0;
    std::size_t running_ = 0;
};

// 75 s is "1m15s", an hour is "1h".
std::string duration_text(double seconds);
// "2m10s left", "2m to 5m left".
std::string left_text(const estimate::seconds_left& left);
// "23/s", "1.5/min".
std::string rate_text(double rate);

}  // namespace gm::program
