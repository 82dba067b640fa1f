#pragma once
// How long jobs took: quantiles of any number of durations, in memory that does not grow. Within one part in 45.

#include <array>
#include <chrono>
#include <cstdint>

namespace gm::program {

class durations {
public:
    void add(std::chrono::nanoseconds one) noexcept;
    std::uint64_t count() const noexcept { return count_; }
    // requires: count() > 0.
    std::chrono::nanoseconds median() const noexcept { return quantile(0.5); }
    // Such a share (0 to 1) of all durations is no longer. requires: count() > 0.
    std::chrono::nanoseconds quantile(double share) const noexcept;

private:
    static constexpr unsigned steps = 32;  // in each power of two
    std::array<std::uint64_t, 64 * steps> buckets_{};
    std::uint64_t count_ = 0;
};

}  // namespace gm::program
