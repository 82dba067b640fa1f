#pragma once
// Holds up a worker until the last of so many has run. It is not a wait of the library's: the whole worker stands still, so
// that what is queued behind it has to be taken by another.

#include <chrono>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/parker.hpp>

namespace schedule {

class countdown {
public:
    explicit countdown(int left) noexcept : left_(left) {}
    void arrive() noexcept {
        gm::detail::schedule_point();
        if (--left_ == 0) bed_.unpark();
    }
    void wait() noexcept { bed_.park(); }

private:
    int left_;
    gm::detail::parker bed_;
};

// A worker is busy for so long, and nobody knows.
inline void stand_still(std::chrono::nanoseconds how_long) noexcept {
    gm::detail::parker bed;
    static_cast<void>(bed.park_until(gm::now() + how_long));
}

}  // namespace schedule
