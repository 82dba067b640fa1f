#pragma once
// --bar and --eta: one line about the run.

#include <chrono>
#include <cstdint>
#include <string>

namespace gm::program {

struct progress_counts {
    std::uint64_t done = 0, failed = 0, running = 0;
    std::uint64_t total = 0;  // 0: not known yet
};

class progress {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds interval{250};

    // `colours`: the terminal may be sent colours.
    progress(bool bar, bool colours, clock::time_point start) : bar_(bar), colours_(colours), start_(start) {}

    // At most `width` columns.
    std::string line(const progress_counts& now, clock::time_point when, unsigned width);

private:
    const bool bar_, colours_;
    const clock::time_point start_;
    // The rate of the last quarter of a minute or so counts, not that of the whole run.
    double rate_ = 0;
    std::uint64_t last_done_ = 0;
    clock::time_point last_ = start_;
};

// 75 s is "1m15s".
std::string duration_text(double seconds);

}  // namespace gm::program
