#pragma once
// What the exchanger measures in order to decide: how many jobs start a second, how long the middle one takes, which share of
// them are coroutines. And the pauses when the store is away. All of one thread.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <gristmill/detail/engine.hpp>

namespace gm::jobs::detail {

inline std::uint64_t mixed(std::uint64_t x) noexcept {  // splitmix64
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

class pace {
public:
    static constexpr std::chrono::milliseconds window{100};

    explicit pace(time_point now) noexcept : begun_(now) {}

    void ended(std::chrono::nanoseconds ran, bool coroutine) noexcept {
        last_[ends_++ % last_.size()] = ran;
        ++in_window_;
        coroutines_ += ((coroutine ? 1.0 : 0.0) - coroutines_) / 64;
        if (ends_ <= last_.size() || ends_ % 32 == 0) find_median();
    }
    void look(time_point now) noexcept {
        const auto passed = now - begun_;
        if (passed < window) return;
        per_second_ = static_cast<double>(in_window_) / std::chrono::duration<double>(passed).count();
        begun_ = now;
        in_window_ = 0;
    }

    // Jobs that end start, too; a window that has not passed counts as if nothing more came in it.
    double per_second() const noexcept {
        return std::max(per_second_, static_cast<double>(in_window_) / std::chrono::duration<double>(window).count());
    }
    // Of the last ones; zero before the first.
    std::chrono::nanoseconds median() const noexcept { return median_; }
    double coroutine_share() const noexcept { return coroutines_; }

private:
    void find_median() noexcept {
        std::array<std::chrono::nanoseconds, 64> sorted = last_;
        const std::size_t n = std::min<std::size_t>(ends_, sorted.size());
        const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n / 2);
        std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n));
        median_ = *middle;
    }

    std::array<std::chrono::nanoseconds, 64> last_{};
    std::chrono::nanoseconds median_{0};
    std::uint64_t ends_ = 0;
    std::uint64_t in_window_ = 0;
    double per_second_ = 0;
    double coroutines_ = 0.5;
    time_point begun_;
};

// Between tries: 100 ms, doubling to 5 s, each ± a quarter. A bell may cut one short, but not below 100 ms.
class patience {
public:
    static constexpr std::chrono::milliseconds shortest{100}, longest{5000};

    explicit patience(std::uint64_t seed) noexcept : dice_(seed) {}

    void failed(time_point now) noexcept {
        const std::chrono::nanoseconds plain =
            std::min<std::chrono::nanoseconds>(shortest * (std::int64_t{1} << std::min(times_, 6u)), longest);
        dice_ = mixed(dice_);
        const auto quarter = plain.count() / 4;
        const auto off = static_cast<std::int64_t>(dice_ % static_cast<std::uint64_t>(2 * quarter + 1)) - quarter;
        again_ = now + plain + std::chrono::nanoseconds(off);
        not_before_ = now + shortest;
        ++times_;
    }
    void worked() noexcept {
        times_ = 0;
        again_ = not_before_ = {};
    }
    unsigned times() const noexcept { return times_; }
    time_point when(bool bell) const noexcept { return bell ? std::min(again_, not_before_) : again_; }

private:
    std::uint64_t dice_;
    unsigned times_ = 0;
    time_point again_{}, not_before_{};
};

}  // namespace gm::jobs::detail
