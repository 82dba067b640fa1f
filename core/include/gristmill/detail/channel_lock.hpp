#pragma once
// The lock of a channel: an ordinary lock that leans towards a worker. As long as one worker of a scheduler alone uses a
// channel, which is what local hand-offs lead to, two thirds of the cost of an operation would be the lock's atomic
// exchange. So after a long run of acquisitions by one worker the lock is biased: that worker then enters with plain
// stores. The first other thread that comes revokes the bias, with a heavy fence, and each revocation makes the next
// bias harder to earn: a channel that is shared stays an ordinary lock.
//
// Invariants: owner_ changes only while held_ is held. The owner is inside if inside_ is set and owner_ named it
// after that; anyone else is inside if it holds held_, owner_ is nobody and inside_ was clear since.

#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm::detail {

class channel_lock {
public:
    channel_lock() noexcept = default;
    channel_lock(const channel_lock&) = delete;
    channel_lock& operator=(const channel_lock&) = delete;

    // How it was entered, which the matching release() needs to know.
    enum class entry : bool { shared, biased };

    // requires: `here` is current_worker.
    entry acquire(const worker* here) noexcept {
        const std::uint32_t me = here ? here->id : nobody;
        if (me != nobody && owner_.load(std::memory_order_relaxed) == me) {
            inside_.store(1, std::memory_order_relaxed);
            os::light_fence();  // pairs with the heavy fence in revoke(): one of us sees the other's store
            if (owner_.load(std::memory_order_relaxed) == me) [[likely]]
                return entry::biased;
            inside_.store(0, std::memory_order_release);
        }
        held_.acquire();
        if (owner_.load(std::memory_order_relaxed) != nobody) [[unlikely]]
            revoke();
        if (me != last_) {
            last_ = me;
            run_ = 0;
        } else if (me != nobody && ++run_ >= runs_to_bias_) [[unlikely]] {
            bias(me);
        }
        return entry::shared;
    }

    void release(entry how) noexcept {
        if (how == entry::biased)
            inside_.store(0, std::memory_order_release);
        else
            held_.release();
    }

private:
    static constexpr std::uint32_t nobody = 0;
#if defined(GRISTMILL_SCHEDULE_POINTS)
    static constexpr std::uint32_t first_run = 2;  // so that small scenarios see it come and go
#else
    static constexpr std::uint32_t first_run = 1024;
#endif

    void revoke() noexcept;
    void bias(std::uint32_t me) noexcept;

    lock held_;
    atomic<std::uint32_t> inside_{0};      // written by the owner alone
    atomic<std::uint32_t> owner_{nobody};  // a worker's id
    std::uint32_t last_ = nobody;          // who came last, and how often in a row
    std::uint32_t run_ = 0;
    std::uint32_t runs_to_bias_ = first_run;
};

class channel_guard {
public:
    explicit channel_guard(channel_lock& what, const worker* here = current_worker) noexcept
        : what_(&what), how_(what.acquire(here)) {}
    ~channel_guard() {
        if (what_) what_->release(how_);
    }
    channel_guard(const channel_guard&) = delete;
    channel_guard& operator=(const channel_guard&) = delete;

    // From here on somebody else releases the lock, in the way that is returned.
    channel_lock::entry hand_over() noexcept {
        what_ = nullptr;
        return how_;
    }

private:
    channel_lock* what_;
    channel_lock::entry how_;
};

}  // namespace gm::detail
