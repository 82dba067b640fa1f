#pragma once
// The lock of a channel: an ordinary lock that leans towards a worker. As long as one worker of a scheduler alone uses a
// channel, which is what local hand-offs lead to, two thirds of the cost of an operation would be the lock's atomic
// exchange. So after a long run of acquisitions by one worker the lock is biased: that worker then enters with plain
// stores. The first other thread that comes revokes the bias, with a heavy fence, and each revocation makes the next
// bias harder to earn: a channel that is shared stays an ordinary lock.
//
// Invariants: owner_ changes only while held_ is held. Each worker that ever earned the bias has a cell of its own, for
// the channel's life: the owner is inside if its cell is set and owner_ named it after that; anyone else is inside if it
// holds held_, owner_ is nobody, and the last owner's cell was clear since. (One flag for all owners will not do: a
// worker that was revoked while it was about to set the flag would, on finding that out, clear the next owner's.)

#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm::detail {

class channel_lock {
public:
    channel_lock() noexcept = default;
    channel_lock(const channel_lock&) = delete;
    channel_lock& operator=(const channel_lock&) = delete;

    // How it was entered, which the matching release() needs to know.
    enum class entry : std::uint8_t { cell_0, cell_1, cell_2, cell_3, shared };

    // requires: `here` is current_worker.
    [[gnu::always_inline]] entry acquire(const worker* here) noexcept {
        const std::uint32_t me = here ? here->id : 0;
        const std::uint32_t owner = owner_.load(std::memory_order_relaxed);
        if (owner / cells == me && me != 0) {
            atomic<std::uint8_t>& cell = inside_[owner % cells];
            cell.store(1, std::memory_order_relaxed);
            os::light_fence();  // pairs with the heavy fence in revoke(): one of us sees the other's store
            if (owner_.load(std::memory_order_relaxed) == owner) [[likely]]
                return static_cast<entry>(owner % cells);
            cell.store(0, std::memory_order_release);
        }
        return acquire_shared(me);
    }

    void release(entry how) noexcept {
        if (how == entry::shared)
            held_.release();
        else
            inside_[static_cast<std::size_t>(how)].store(0, std::memory_order_release);
    }

private:
    static constexpr std::uint32_t nobody = 0;
    static constexpr std::uint32_t cells = 4;
#if defined(GRISTMILL_SCHEDULE_POINTS)
    static constexpr std::uint32_t first_run = 2;  // so that small scenarios see it come and go
#else
    static constexpr std::uint32_t first_run = 1024;
#endif

    entry acquire_shared(std::uint32_t me) noexcept;
    void revoke() noexcept;
    void bias(std::uint32_t me) noexcept;

    lock held_;
    atomic<std::uint32_t> owner_{nobody};      // a worker's id and the number of its cell
    atomic<std::uint8_t> inside_[cells] = {};  // each written by one worker alone
    std::uint32_t last_ = 0;                   // who came last, and how often in a row
    std::uint32_t run_ = 0;
    std::uint32_t runs_to_bias_ = first_run;
    std::uint32_t cell_of_[cells] = {};  // the workers that have a cell
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
