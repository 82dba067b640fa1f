#pragma once
// What a run shows of itself on a terminal, at its bottom: a bar, what each worker runs and for how long, the latest failures. Or, by
// --bar and --eta, one line of it. Here is what it looks like; the printer draws it.
//
//     ✗ 2 failed, exit 1  convert b.png b.jpg
//     1   3s  convert a.png a.jpg
//     2   1s  convert c.png c.jpg
//     ████████████████░░░░░░░░░░░░░░  41%  412/1000  23/s  20s to 30s left

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "program/run/estimate.hpp"
#include "program/run/report.hpp"
#include "program/run/terminal.hpp"

namespace gm::program {

enum class display_style : unsigned char { none, eta, bar, full };

// A command that runs.
struct lane {
    unsigned slot;
    double seconds;  // for how long
    std::string command;
};

// What there is to show at a moment.
struct picture {
    std::chrono::steady_clock::time_point when;
    terminal_size size;
    std::uint64_t done = 0, failed = 0;
    std::uint64_t total = 0;  // 0: not known yet
    std::vector<lane>
        lanes;  // in the order in which they are shown; if there is no room for all, those that have run for longest
    std::vector<double> ages;  // of all that run, in seconds
};

// Thread safety: any thread.
class display final : public run_watcher {
public:
    using clock = estimate::clock;
    // A shorter run than that shows nothing.
    static constexpr std::chrono::milliseconds first{300};
    static constexpr std::chrono::milliseconds interval{100};

    display(display_style style, terminal_abilities can, clock::time_point start)
        : style_(style), can_(can), start_(start), estimate_(start) {}

    void finished(const finish_report& report) override;

    // How many lanes are shown on a terminal of that size now, at most.
    std::size_t room_for_lanes(terminal_size size) const;

    // Its lines, without a newline at the end, none wider than the terminal less one.
    std::string frame(const picture& now);

    // What is left of it at the end of the run: a line, or nothing if the run was over before anything was shown.
    std::string farewell(clock::time_point when) const;

private:
    std::size_t failures_shown_locked(terminal_size size) const;
    std::string painted(const char* colour, const std::string& text) const;
    std::string bar(double part, std::size_t columns) const;
    std::string upper_locked(const picture& now, std::size_t columns) const;
    std::string summary_locked(const picture& now, std::size_t columns) const;
    std::string failure_locked(std::size_t which, std::size_t columns) const;
    std::string fitted(std::string_view text, std::size_t columns) const;
    std::string lane_line(const lane& one, std::size_t slot_width, std::size_t columns) const;

    const display_style style_;
    const terminal_abilities can_;
    const clock::time_point start_;

    mutable std::mutex lock_;  // protects the rest
    estimate estimate_;
    std::deque<std::string> failures_;  // the latest: why, and the command
    std::uint64_t done_ = 0;
    bool shown_ = false;
};

}  // namespace gm::program
