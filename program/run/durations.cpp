#include "program/run/durations.hpp"

#include <algorithm>
#include <bit>

namespace gm::program {

void durations::add(std::chrono::nanoseconds one) noexcept {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(one.count(), steps));
    const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
    const auto step = static_cast<unsigned>((value >> (power - 5)) & (steps - 1));
    ++buckets_[power * steps + step];
    ++count_;
}

std::chrono::nanoseconds durations::quantile(double share) const noexcept {
    const double wanted = share * static_cast<double>(count_);
    std::uint64_t before = 0;
    for (unsigned i = 0; i < buckets_.size(); ++i) {
        before += buckets_[i];
        if (before == 0 || static_cast<double>(before) < wanted) continue;
        const std::uint64_t low = (std::uint64_t{steps} + i % steps) << (i / steps - 5);
        const std::uint64_t width = std::uint64_t{1} << (i / steps - 5);
        return std::chrono::nanoseconds(low + width / 2);
    }
    return {};
}

}  // namespace gm::program
