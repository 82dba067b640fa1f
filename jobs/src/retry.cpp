#include <gristmill/jobs/retry.hpp>

#include <algorithm>
#include <cmath>

namespace gm::jobs {

const char* retry_policy::fault() const noexcept {
    if (attempts < 1) return "attempts is at least 1";
    if (first.count() < 0) return "first is not negative";
    if (longest < first) return "longest is at least as long as first";
    if (!(factor >= 1) || !std::isfinite(factor)) return "factor is at least 1";
    if (!(jitter >= 0 && jitter <= 1)) return "jitter is 0 to 1";
    return nullptr;
}

std::optional<std::chrono::microseconds> retry_policy::delay_after(int attempt, std::uint64_t dice) const noexcept {
    if (attempt >= attempts) return std::nullopt;
    const double plain = static_cast<double>(first.count()) * std::pow(factor, std::max(0, attempt - 1));
    const double bounded = std::min(plain, static_cast<double>(longest.count()));  // also where the power is infinite
    const double side = 2 * (static_cast<double>(dice >> 11) * 0x1p-53) - 1;       // -1 up to 1
    return std::chrono::microseconds(static_cast<std::int64_t>(bounded * (1 + jitter * side)));
}

}  // namespace gm::jobs
