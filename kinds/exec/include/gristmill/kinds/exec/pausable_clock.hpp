#pragma once
// The steady clock, but it stands still while it is told to. Whoever measures by it does not measure a pause. It never goes back, and is
// the steady clock itself until its first pause.

#include <chrono>
#include <mutex>
#include <optional>

namespace gm::kinds::exec {

using clock = std::chrono::steady_clock;

// Thread safety: any thread.
class pausable_clock {
public:
    clock::time_point now() const {
        const std::lock_guard guard(lock_);
        return stands_at_.value_or(clock::now() - behind_);
    }
    void stand_still() {
        const std::lock_guard guard(lock_);
        if (!stands_at_) stands_at_ = clock::now() - behind_;
    }
    void go_on() {
        const std::lock_guard guard(lock_);
        if (stands_at_) behind_ = clock::now() - *stands_at_;
        stands_at_.reset();
    }
    // What the steady clock will say when this one says `when`; time_point::max() while it stands still.
    clock::time_point on_steady(clock::time_point when) const {
        const std::lock_guard guard(lock_);
        return stands_at_ || when == clock::time_point::max() ? clock::time_point::max() : when + behind_;
    }

private:
    mutable std::mutex lock_;  // protects the rest
    clock::duration behind_{};
    std::optional<clock::time_point> stands_at_;
};

}  // namespace gm::kinds::exec
