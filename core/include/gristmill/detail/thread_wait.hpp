#pragma once
// One wait of a thread in somebody's queue: its node there, its bed, and what else may end the wait. It goes so:
//
//     thread_wait self;
//     self.enter(until);                      // or not: see there
//     {
//         lock_guard hold(guard);             // of what it waits on
//         if (there_is_no_need) return;
//         if (!self.arm(until)) return;       // the context is done
//         queue.push(self);
//     }
//     self.sleep(until);
//     {
//         lock_guard hold(guard);             // can be left out if it was fired
//         if (self.linked) queue.remove(self);
//     }
//
// Whoever fires it claims it, under the lock; a context and a deadline claim it without. One of them wins, and then the
// others will not touch it any more: so it may go as soon as it is out of the queue.

#include <gristmill/detail/context_core.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/wait_guard.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

class thread_wait : public waiter {
public:
    thread_wait() noexcept {
        wake = wake_thread;
        target = &bed_;
    }
    thread_wait(const thread_wait&) = delete;
    thread_wait& operator=(const thread_wait&) = delete;
    ~thread_wait() { context_core::leave(link_); }

    // Before the lock is taken. Without it the context hears of us in sleep() only, when we are queued already: then a cancel
    // that has returned may leave somebody in the queue for whoever comes next, and a value goes to one that was cancelled.
    // requires: a context; no lock is held.
    void enter(const limits& until) noexcept;

    // Before it is queued: from then on it may be fired. False: the context is done, and it must not be queued.
    [[nodiscard]] bool arm(const limits& until) noexcept {
        if (!until.exist()) return true;  // one party alone can end it, and unlinking is the claim
        claim = &link_.word;
        id = channel_won;
        link_.word.arm();
        return !until.context || look_at_context(*until.context, link_.word, *this) != armed::over;
    }

    // Sleeps until it is fired or `until` ends the wait. Fired: its outcome, as it was left by whoever did it, and it is not
    // linked. Else it is `cancelled` or `timed_out`, and may be linked still.
    // requires: armed with the same limits; no lock is held.
    channel_status sleep(const limits& until) noexcept;

    // Whether sleep() would return at once.
    bool woken_already() const noexcept { return bed_.notified_already(); }

private:
    parker bed_;
    context_link link_;  // its word is what all who may end the wait compete for
};

}  // namespace gm::detail
