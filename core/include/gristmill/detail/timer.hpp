#pragma once
// Timers: one clock a process (a thread that starts with the first timer and sleeps until the next is due), or the
// virtual world's. A timer is intrusive: starting one allocates nothing and cannot fail once the clock runs.

#include <cstddef>
#include <cstdint>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

class timer {
public:
    timer() noexcept = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    // Runs once, under the clock's lock: when stop_timer() has returned, it has run or never will. It may claim
    // waiters and commit() them; they are woken after the lock.
    void (*fire)(timer& self, wake_list& wakes) noexcept = nullptr;

    time_point due() const noexcept { return due_; }

private:
    friend class timer_heap;
    friend void start_timer(timer&, time_point) noexcept;
    friend void stop_timer(timer&) noexcept;

    time_point due_{};
    std::uint64_t order_ = 0;
    timer* child_ = nullptr;
    timer* next_ = nullptr;
    timer* prev_ = nullptr;  // the parent for a first child
    bool queued_ = false;
    engine* world_ = nullptr;
};

// requires: `entry` is not running. May be started again after it fired or was stopped.
void start_timer(timer& entry, time_point due) noexcept;
void stop_timer(timer& entry) noexcept;  // no effect when it fired or was never started

// A pairing heap by due time; equal times in the order of adding. Not locked.
class timer_heap {
public:
    bool empty() const noexcept { return root_ == nullptr; }
    timer* first() const noexcept { return root_; }
    void add(timer& entry, time_point due) noexcept;
    bool remove(timer& entry) noexcept;  // false: not in here

private:
    static bool before(const timer& a, const timer& b) noexcept {
        return a.due_ != b.due_ ? a.due_ < b.due_ : a.order_ < b.order_;
    }
    static timer* meld(timer* a, timer* b) noexcept;
    static timer* meld_siblings(timer* first) noexcept;

    timer* root_ = nullptr;
    std::uint64_t added_ = 0;
};

}  // namespace gm::detail
