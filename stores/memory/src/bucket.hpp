#pragma once
// The tokens of one rate: it holds `burst` at most, and `rate` come in a second.

#include <algorithm>
#include <cmath>

#include <gristmill/jobs/record.hpp>

namespace gm::stores::in_memory {

class bucket {
public:
    bool has_one(double rate, unsigned burst, jobs::wall_time now) noexcept {
        fill(rate, burst, now);
        return level_ >= 1 - slack;
    }
    // requires: has_one() said so, or said no, just now.
    void take() noexcept { level_ -= 1; }
    std::chrono::microseconds until_one(double rate) const noexcept {
        const double seconds = std::min((1 - level_) / rate, longest);
        return std::chrono::microseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e6)));
    }
    void refund(unsigned burst) noexcept { level_ = std::min<double>(burst, level_ + 1); }

    bool is_full(double rate, unsigned burst, jobs::wall_time now) noexcept {
        fill(rate, burst, now);
        return level_ >= burst - slack;
    }

private:
    static constexpr double slack = 1e-9;  // of a sum of fractions
    static constexpr double longest =
        1e9;  // seconds: what a count of microseconds can hold, and no more than anybody waits

    void fill(double rate, unsigned burst, jobs::wall_time now) noexcept {
        if (!used_) {
            used_ = true;
            level_ = burst;
        } else {
            const double seconds = std::max(0.0, std::chrono::duration<double>(now - filled_).count());
            level_ = std::min<double>(burst, level_ + rate * seconds);
        }
        filled_ = now;
    }

    double level_ = 0;
    jobs::wall_time filled_{};
    bool used_ = false;
};

}  // namespace gm::stores::in_memory
