#include "program/run/progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace gm::program {

namespace {

constexpr double memory = 15;  // seconds

std::string rate_text(double rate) {
    char text[40];
    if (rate >= 9.95 || rate == 0)
        std::snprintf(text, sizeof(text), "%.0f/s", rate);
    else if (rate >= 0.1)
        std::snprintf(text, sizeof(text), "%.1f/s", rate);
    else
        std::snprintf(text, sizeof(text), "%.1f/min", rate * 60);
    return text;
}

std::string bar_text(double part, unsigned width) {
    const auto full = static_cast<std::size_t>(std::lround(part * width));
    return '[' + std::string(full, '#') + std::string(width - full, '.') + ']';
}

}  // namespace

std::string duration_text(double seconds) {
    const auto whole = static_cast<long long>(std::llround(std::min(seconds, 1e12)));
    if (whole < 60) return std::to_string(whole) + 's';
    if (whole < 3600) return std::to_string(whole / 60) + 'm' + std::to_string(whole % 60) + 's';
    if (whole < 86400) return std::to_string(whole / 3600) + 'h' + std::to_string(whole % 3600 / 60) + 'm';
    return std::to_string(whole / 86400) + 'd' + std::to_string(whole % 86400 / 3600) + 'h';
}

std::string progress::line(const progress_counts& now, clock::time_point when, unsigned width) {
    const double passed = std::chrono::duration<double>(when - last_).count();
    const double whole = std::chrono::duration<double>(when - start_).count();
    if (passed > 0) {
        const double latest = static_cast<double>(now.done - last_done_) / passed;
        // While the run is young its own average is all there is.
        const double weight = 1 - std::exp(-passed / std::min(memory, std::max(whole, passed)));
        rate_ += (latest - rate_) * weight;
        last_done_ = now.done;
        last_ = when;
    }
    std::string text = std::to_string(now.done) + (now.total != 0 ? "/" + std::to_string(now.total) : "") + " done";
    if (now.failed != 0) text += ", " + std::to_string(now.failed) + " failed";
    text += ", " + std::to_string(now.running) + " running, " + rate_text(rate_);
    if (now.total == 0)
        text += ", still reading the input";
    else if (rate_ > 0 && now.done > 0)
        text += ", " + duration_text(static_cast<double>(now.total - now.done) / rate_) + " left";
    else
        text += ", time left unknown";
    if (bar_ && now.total != 0 && width > text.size() + 15)
        text = bar_text(static_cast<double>(now.done) / static_cast<double>(now.total),
                        static_cast<unsigned>(std::min<std::size_t>(40, width - text.size() - 4))) +
               ' ' + text;
    text = text.substr(0, width > 1 ? width - 1 : 0);
    return now.failed != 0 && colours_ ? "\x1b[31m" + text + "\x1b[0m" : text;
}

}  // namespace gm::program
