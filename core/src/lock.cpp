#include <gristmill/detail/lock.hpp>

#include <algorithm>
#include <thread>

#include <gristmill/detail/channel_lock.hpp>

namespace gm::detail {

namespace {

// A virtual world in the instrumented build sleeps and wakes as the real one does, so that the protocol is explored.
// In the other build nobody loses the baton while it holds a lock: who holds this one is outside of the world.
#if defined(GRISTMILL_SCHEDULE_POINTS)
constexpr bool explored = true;
#else
constexpr bool explored = false;
#endif

// A turn of a wait for somebody who is inside for a few instructions.
void pause(int turn) noexcept {
    if (current_engine)
        current_engine->yield();
    else if (turn < 100)
        os::relax();
    else
        std::this_thread::yield();  // it was preempted inside: it needs a CPU to leave
}

}  // namespace

void lock::acquire_contended() noexcept {
    if (current_engine && !explored) {
        while (held_.exchange(1, std::memory_order_acquire) != 0) current_engine->yield();
        return;
    }
    // Looks get rarer: each takes the line from the holder, and whoever holds it does many operations in a row while we
    // stay away, which is what makes two threads on one channel fast.
    for (int look = 0, pause = 4; look < 9 && !current_engine; ++look, pause = std::min(pause * 2, 64)) {
        for (int turn = 0; turn < pause; ++turn) os::relax();
        if (held_.load(std::memory_order_relaxed) == 0 && held_.exchange(1, std::memory_order_acquire) == 0) return;
    }
    atomic<std::uint32_t>& sleepers = sleepers_of(this);
    sleepers.fetch_add(1, std::memory_order_relaxed);
    os::heavy_fence();
    while (held_.exchange(1, std::memory_order_acquire) != 0) {
        if (current_engine)
            current_engine->wait(held_.raw(), 1);
        else
            os::wait(held_.raw(), 1);
    }
    sleepers.fetch_sub(1, std::memory_order_relaxed);
}

void lock::wake_sleeper(const std::atomic<std::uint32_t>& word) noexcept {
    if (current_engine && explored)
        current_engine->wake_one(word);
    else
        os::wake_one(word);
}

void biased_lock::guest_acquire() noexcept {
    guests_.acquire();
    guest_.store(1, std::memory_order_relaxed);
    os::heavy_fence();
    for (int turn = 0; inside_.load(std::memory_order_acquire) != 0; ++turn) pause(turn);
}

channel_lock::entry channel_lock::acquire_shared(std::uint32_t me) noexcept {
    held_.acquire();
    if (owner_.load(std::memory_order_relaxed) != nobody) [[unlikely]]
        revoke();
    if (me != last_) {
        last_ = me;
        run_ = 0;
    } else if (me != 0 && ++run_ >= runs_to_bias_) [[unlikely]] {
        bias(me);
    }
    return entry::shared;
}

// requires: held_ is held.
void channel_lock::revoke() noexcept {
    const std::uint32_t owner = owner_.load(std::memory_order_relaxed);
    owner_.store(nobody, std::memory_order_relaxed);
    os::heavy_fence();
    for (int turn = 0; inside_[owner % cells].load(std::memory_order_acquire) != 0; ++turn) pause(turn);
    runs_to_bias_ = std::min<std::uint32_t>(runs_to_bias_ * 4, 1u << 30);
}

// requires: held_ is held. Takes effect with the owner's next acquisition.
void channel_lock::bias(std::uint32_t me) noexcept {
    run_ = 0;
    if (!os::fence_by_kernel) return;
    for (std::uint32_t i = 0; i < cells; ++i) {
        if (cell_of_[i] != me && cell_of_[i] != 0) continue;
        cell_of_[i] = me;
        owner_.store(me * cells + i, std::memory_order_relaxed);
        return;
    }
}

}  // namespace gm::detail
