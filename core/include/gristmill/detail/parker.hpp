#pragma once
// One thread's bed: park() sleeps until somebody unparks, and an unpark that comes first is not lost.

#include <gristmill/detail/atomic.hpp>
#include <gristmill/detail/os.hpp>

namespace gm::detail {

class parker {
public:
    parker() noexcept : engine_(current_engine) {}
    parker(const parker&) = delete;
    parker& operator=(const parker&) = delete;

    // Called by the owner alone. Everything before the matching unpark() happens before the return.
    void park() noexcept {
        if (engine_) [[unlikely]]
            return static_cast<void>(park_virtually(nullptr));
        if (state_.exchange(asleep, std::memory_order_acquire) != notified)
            while (state_.load(std::memory_order_acquire) != notified) os::wait(state_, asleep);
        state_.store(awake, std::memory_order_relaxed);
    }

    // False when the deadline came first; then no unpark was consumed.
    bool park_until(time_point deadline) noexcept {
        if (engine_) [[unlikely]]
            return park_virtually(&deadline);
        if (state_.exchange(asleep, std::memory_order_acquire) != notified)
            while (state_.load(std::memory_order_acquire) != notified)
                if (!os::wait_until(state_, asleep, deadline))
                    return state_.exchange(awake, std::memory_order_acquire) == notified;
        state_.store(awake, std::memory_order_relaxed);
        return true;
    }

    // Whether an unpark is waiting to be consumed: for those who spin a little before they sleep.
    bool notified_already() const noexcept { return state_.load(std::memory_order_acquire) == notified; }

    // The sleeper may be gone as soon as the word changed: after it only the address is used.
    void unpark() noexcept {
        if (engine_) [[unlikely]]
            return unpark_virtually();
        if (state_.exchange(notified, std::memory_order_release) == asleep) os::wake_one(state_);
    }

private:
    bool park_virtually(const time_point* deadline) noexcept;
    void unpark_virtually() noexcept;

    static constexpr std::uint32_t awake = 0, asleep = 1, notified = 2;
    std::atomic<std::uint32_t> state_{awake};
    engine* const engine_;
};

}  // namespace gm::detail
