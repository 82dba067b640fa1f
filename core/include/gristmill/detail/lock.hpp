#pragma once
// Two mutexes. `lock` guards a channel, a context, a queue: held for tens of instructions, so it spins briefly, then
// parks. `biased_lock` guards what one thread touches millions of times a second and others hardly ever: its owner
// pays two plain stores. Neither is fair, and no user code runs under them.

#include <gristmill/detail/atomic.hpp>
#include <gristmill/detail/os.hpp>

namespace gm::detail {

class lock {
public:
    lock() noexcept = default;
    lock(const lock&) = delete;
    lock& operator=(const lock&) = delete;

    void acquire() noexcept {
        if (held_.exchange(1, std::memory_order_acquire) != 0) [[unlikely]]
            acquire_contended();
    }

    // The word is free before the sleepers are counted. A sleeper counts itself, fences heavily and only then looks at
    // the word for the last time: either it sees the word free, or we see it counted. So releasing is a plain store.
    // The count stands outside of the lock: once the word is free, somebody may destroy the lock.
    void release() noexcept {
        atomic<std::uint32_t>& sleepers = sleepers_of(this);
        held_.store(0, std::memory_order_release);
        os::light_fence();
        if (sleepers.load(std::memory_order_relaxed) != 0) [[unlikely]]
            wake_sleeper(held_.raw());
    }

private:
    // Locks share their counts; a stranger's sleeper costs a wake-up call that wakes nobody.
    static atomic<std::uint32_t>& sleepers_of(const lock* which) noexcept {
        return sleepers_[(reinterpret_cast<std::uintptr_t>(which) >> 6) % 64];
    }
    void acquire_contended() noexcept;
    static void wake_sleeper(const std::atomic<std::uint32_t>& word) noexcept;  // `word` may be gone

    static inline constinit atomic<std::uint32_t> sleepers_[64] = {};
    atomic<std::uint32_t> held_{0};
};

class lock_guard {
public:
    explicit lock_guard(lock& what) noexcept : what_(&what) { what.acquire(); }
    ~lock_guard() {
        if (what_) what_->release();
    }
    lock_guard(const lock_guard&) = delete;
    lock_guard& operator=(const lock_guard&) = delete;

    // From here on somebody else releases the lock.
    void hand_over() noexcept { what_ = nullptr; }

private:
    lock* what_;
};

class biased_lock {
public:
    biased_lock() noexcept = default;
    biased_lock(const biased_lock&) = delete;
    biased_lock& operator=(const biased_lock&) = delete;

    // Only ever one thread calls the owner's pair.
    void owner_acquire() noexcept {
        while (true) {
            inside_.store(1, std::memory_order_relaxed);
            os::light_fence();  // pairs with the heavy fence of guest_acquire: one of the two sees the other's store
            if (guest_.load(std::memory_order_acquire) == 0) [[likely]]
                return;
            inside_.store(0, std::memory_order_release);
            guests_.acquire();  // parks until the guest has left
            guests_.release();
        }
    }
    void owner_release() noexcept { inside_.store(0, std::memory_order_release); }

    void guest_acquire() noexcept;
    void guest_release() noexcept {
        guest_.store(0, std::memory_order_release);
        guests_.release();
    }

private:
    atomic<std::uint32_t> inside_{0};  // written by the owner alone
    atomic<std::uint32_t> guest_{0};   // written by the holder of guests_ alone
    lock guests_;
};

}  // namespace gm::detail
