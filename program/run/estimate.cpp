#include "program/run/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace gm::program {

namespace {

constexpr double memory = 15;      // seconds that the rate remembers at least
constexpr double remembered = 50;  // jobs that it remembers at least
constexpr unsigned least = 3;      // jobs that make an estimate
constexpr double eight_of_ten = 1.28;

// To two digits or so: a range is no place for seconds after hours.
double rounded(double seconds) {
    for (const auto& [below, step] : {std::pair{10., 1.}, {60., 5.}, {600., 10.}, {3600., 60.}, {36000., 600.}})
        if (seconds < below) return std::max(1., std::round(seconds / step) * step);
    return std::round(seconds / 3600) * 3600;
}

std::string rough_text(double seconds) { return duration_text(rounded(seconds)); }

// 1 + 1/2 + … + 1/count: how much longer than the mean the longest of so many random times is.
double harmonic(double count) { return count < 1 ? 0 : std::log(count) + 0.5772 + 0.5 / count; }

}  // namespace

void estimate::finished(double seconds) noexcept {
    ++ended_;
    const double off = seconds - mean_;
    mean_ += off / static_cast<double>(ended_);
    squares_ += off * (seconds - mean_);
    durations_.add(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds)));
}

void estimate::observe(std::uint64_t done, std::span<const double> running, clock::time_point when) noexcept {
    const double passed = std::chrono::duration<double>(when - last_).count();
    const double whole = std::chrono::duration<double>(when - start_).count();
    look_at_running(running);
    if (passed <= 0) return;
    const auto count = static_cast<double>(done);
    // The rate of late, over a third of the run or so. While it is young its own average is all there is.
    const double span = std::max({memory, done == 0 ? whole : remembered * whole / count, whole / 3});
    const double weight = passed >= whole || span >= whole ? passed / whole : 1 - std::exp(-passed / span);
    rate_ += ((count - last_done_) / passed - rate_) * weight;
    speed_ += ((count + parts_ - last_done_ - last_parts_) / passed - speed_) * weight;
    known_ = std::max(1., std::min(count, span * rate_));
    last_done_ = count;
    last_parts_ = parts_;
    last_ = when;
}

// What has run for longer than the mean will be a long one: it is counted as if it were to run for as long again.
void estimate::look_at_running(std::span<const double> running) noexcept {
    running_ = running.size();
    parts_ = longest_ = 0;
    auto count = static_cast<double>(ended_);
    double mean = mean_, squares = squares_;
    for (const double age : running) {
        longest_ = std::max(longest_, age);
        if (mean_ > 0) parts_ += std::min(age / mean_, 1.);
        if (age <= mean_ || ended_ == 0) continue;
        const double off = 2 * age - mean;
        mean += off / ++count;
        squares += off * (2 * age - mean);
    }
    likely_mean_ = mean;
    skew_ = mean > 0 ? squares / count / (mean * mean) : 0;
    // The more durations differ, the less the age of a job says about how much of it is done.
    parts_ *= std::max(0., 1 - skew_);
}

std::optional<estimate::seconds_left> estimate::left(std::uint64_t total) const {
    if (last_done_ < least || ended_ < least || speed_ <= 0) return std::nullopt;
    const double ahead = static_cast<double>(total) - last_done_;
    if (ahead <= 0) return seconds_left{0, 0};
    const auto crew = static_cast<double>(std::max<std::size_t>(running_, 1));
    // When nothing waits any more, only those that run count.
    const double speed = ahead > crew ? speed_ : std::min(speed_, crew / likely_mean_);
    const double before = std::max(ahead - parts_, 0.1) / speed;
    // At the end the crew is no longer full: those that run last end one after the other.
    const double last = std::min(crew, ahead), even = (1 - 1 / last) / 2;
    const double random = std::max(harmonic(last) - 1, 0.);
    const double middle = before + likely_mean_ * (even + std::min(skew_, 1.) * (random - even));
    const double spread = std::sqrt(skew_ * (before / speed + before * before / known_) +
                                    likely_mean_ * likely_mean_ * (std::min(skew_, 4.) + 0.05));
    const double off = std::min(eight_of_ten * spread / middle, 3.);
    double high = middle * std::exp(off);
    // The longest of those ahead may come last.
    high = std::max(high, before + seconds_at(1 - 0.1 / ahead));
    // What runs for longer than any has before may well run for some times as long again.
    if (longest_ > 1.1 * seconds_at(1)) high = std::max(high, 3 * longest_);
    return seconds_left{middle * std::exp(-off), high};
}

std::string duration_text(double seconds) {
    const auto whole = static_cast<long long>(std::llround(std::min(seconds, 1e12)));
    const auto text = [](long long large, char unit, long long small, char smaller) {
        return std::to_string(large) + unit + (small != 0 ? std::to_string(small) + smaller : std::string());
    };
    if (whole < 60) return std::to_string(whole) + 's';
    if (whole < 3600) return text(whole / 60, 'm', whole % 60, 's');
    if (whole < 86400) return text(whole / 3600, 'h', whole % 3600 / 60, 'm');
    return text(whole / 86400, 'd', whole % 86400 / 3600, 'h');
}

std::string left_text(const estimate::seconds_left& left) {
    const std::string low = rough_text(left.low), high = rough_text(left.high);
    if (low == high || left.high < left.low * 1.15) return rough_text(std::sqrt(left.low * left.high)) + " left";
    return low + " to " + high + " left";
}

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

}  // namespace gm::program
