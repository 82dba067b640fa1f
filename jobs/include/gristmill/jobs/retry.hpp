#pragma once
// When a job that failed is tried again: after `first`, then after `factor` times as long each time, up to `longest`; each
// delay is drawn from ± `jitter` of itself, so that jobs that failed together do not come back together.

#include <chrono>
#include <cstdint>
#include <optional>

namespace gm::jobs {

struct retry_policy {
    int attempts = 20;  // in all, the first one included
    std::chrono::microseconds first = std::chrono::seconds(5);
    double factor = 2;
    std::chrono::microseconds longest = std::chrono::hours(1);
    double jitter = 0.2;

    // What is wrong with it; null: nothing.
    const char* fault() const noexcept;

    // How long to wait after the given attempt, from 1, has failed; none: that was the last. `dice` is any random number:
    // the same one gives the same delay.
    // requires: no fault().
    std::optional<std::chrono::microseconds> delay_after(int attempt, std::uint64_t dice) const noexcept;
};

}  // namespace gm::jobs
