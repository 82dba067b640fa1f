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

}  // namespace

void lock::acquire_contended() noexcept {
    if (current_engine && !explored) {
        while (held_.exchange(1, std::memory_order_acquire) != 0) current_engine->yield();
        return;
    }
    for (int turn = 0; turn < 100 && !current_engine; ++turn) {
        os::relax();
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
    for (int turn = 0; inside_.load(std::memory_order_acquire) != 0; ++turn) {
        if (current_engine)
            current_engine->yield();
        else if (turn < 100)
            os::relax();
        else
            std::this_thread::yield();  // the owner was preempted inside: it needs a CPU to leave
    }
}

// requires: held_ is held.
void channel_lock::revoke() noexcept {
    owner_.store(nobody, std::memory_order_relaxed);
    os::heavy_fence();
    for (int turn = 0; inside_.load(std::memory_order_acquire) != 0; ++turn) {
        if (current_engine)
            current_engine->yield();
        else if (turn < 100)
            os::relax();
        else
            std::this_thread::yield();  // the owner was preempted inside: it needs a CPU to leave
    }
    runs_to_bias_ = std::min<std::uint32_t>(runs_to_bias_ * 4, 1u << 30);
}

// requires: held_ is held. Takes effect with the owner's next acquisition.
void channel_lock::bias(std::uint32_t me) noexcept {
    run_ = 0;
    if (os::fence_by_kernel) owner_.store(me, std::memory_order_relaxed);
}

}  // namespace gm::detail
