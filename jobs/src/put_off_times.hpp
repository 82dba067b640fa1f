#pragma once
// When jobs come back that a worker has claimed and has no handler for. A store gives out what stands first in a queue, whatever its
// kind: to look for kinds behind a million others would cost every claim. So such a job goes back uncounted, with a time before
// which it is not given out again, and what stands behind it comes forward.
//
// Each has a time of its own, a moment after the one before: however many there are, they come back one by one and not as a wave,
// and a worker spends little on them. Only where they are so many that the last would be kept from a worker that knows it for
// too long, they come faster.

#include <algorithm>
#include <chrono>

#include <gristmill/detail/engine.hpp>

namespace gm::jobs::detail {

class put_off_times {
public:
    static constexpr std::chrono::milliseconds apart{10};
    static constexpr std::chrono::seconds soonest{5}, latest{300};

    // Of the next one, from now on.
    std::chrono::nanoseconds next(time_point now) noexcept {
        last_ = std::clamp<time_point>(last_ + apart, now + soonest, now + latest);
        return last_ - now;
    }
    bool any() const noexcept { return last_ != time_point(); }

private:
    time_point last_{};
};

}  // namespace gm::jobs::detail
