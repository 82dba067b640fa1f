#pragma once
// A place where threads and coroutines wait for something other than a channel's value: a count, permits, tokens. It
// is one lock, one queue, and what the owner keeps beside them. Who waits is claimed and woken as on a channel (see
// waiter.hpp). A place may be destroyed by the first that comes back from a wait: so a coroutine that was woken passes
// through the lock once, behind the one that woke it and still holds it; a thread is woken after the lock.

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <source_location>

#include <gristmill/context.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/thread_wait.hpp>
#include <gristmill/detail/wait_guard.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

struct wait_place {
    lock guard;  // protects the queue and the owner's state
    waiter_queue waiting;

    // Puts the calling thread to sleep until `who` is fired or `until` ends the wait; then `who` may still be in the queue.
    // requires: the lock is held, and `who` is armed and in the queue; the lock is released.
    channel_status wait_here(thread_wait& who, const limits& until, const char* what,
                             std::source_location where) noexcept;
};

// What a place gives, all of it under the lock: attempt(n) takes n if that is possible now, queued() is told of a new
// waiter, withdrawn(wakes) of one that left unserved. A waiter's slot points to its n. waits_as: for reports.
template <class Place>
bool withdraw_from(Place& place, waiter& who) noexcept {
    wake_list wakes;
    bool was_there;
    {
        lock_guard hold(place.guard);
        was_there = who.linked;
        if (was_there) {
            place.waiting.remove(who);
            place.withdrawn(wakes);
        }
    }
    wakes.wake();
    return was_there;
}

// A thread's wait.
template <class Place>
channel_status wait_at(Place& place, std::size_t n, const limits& until, std::source_location where) noexcept {
    thread_wait self;
    self.slot = &n;
    for (bool entered = !until.context;; entered = true) {
        {
            lock_guard hold(place.guard);
            if (until.context && until.context->done()) return channel_status::cancelled;
            if (place.attempt(n)) return channel_status::ok;
            if (until.has_deadline && until.deadline <= now()) return channel_status::timed_out;
            if (entered) {
                if (!self.arm(until)) return channel_status::cancelled;
                place.waiting.push(self);
                place.queued();
                hold.hand_over();
                break;
            }
        }
        self.enter(until);  // before it lines up: whoever comes after a cancel has returned must not find it there
    }
    const channel_status status = place.wait_here(self, until, Place::waits_as, where);
    if (status != channel_status::ok) withdraw_from(place, self);
    return status;
}

template <class Place>
bool try_at(Place& place, std::size_t n) noexcept {
    lock_guard hold(place.guard);
    return place.attempt(n);
}

// A coroutine's wait. Immovable, since the place points at it. Destroyed while it waits, it withdraws; destroyed after it
// was served and before it knew, it gives back what it got (Place::give_back).
template <class Place, class Guard>
class place_operation {
public:
    place_operation(const place_operation&) = delete;
    place_operation& operator=(const place_operation&) = delete;

    bool await_ready() noexcept {
        worker* const here = current_worker;
        if (here) here->operation_begins();
        if (guard_.already_done())
            waiter_.outcome = channel_status::cancelled;
        else if (try_at(place_, n_))
            waiter_.outcome = channel_status::ok;
        else
            return false;
        return !here || here->operation_ends();
    }

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) {  // throws only before it waits
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        if (waiter_.outcome != channel_status::would_block)  // over, but the coroutine has had its share
            return give_way(self);
        aim(waiter_, self);
        guard_.prepare(waiter_, self);
        if (current_engine && !waiter_.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(waiter_.target), Place::waits_as, &place_, where_);
        if (enqueue()) return next_on_this_thread();
        if (current_engine && !waiter_.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(waiter_.target), nullptr, &place_, where_);
        return self;
    }

protected:
    place_operation(Place& place, std::size_t n, const Guard& guard, std::source_location where) noexcept
        : place_(place), n_(n), where_(where), guard_(guard) {
        waiter_.slot = &n_;
    }
    ~place_operation() {
        if (suspended_) {
            withdraw_from(place_, waiter_);
            if constexpr (Guard::can_end_a_wait) guard_.leave(waiter_);
            settle(waiter_);
        }
        if (waiter_.outcome == channel_status::ok && !finished_) place_.give_back(n_);
    }

    // Called by await_resume.
    channel_status finish() noexcept {
        finished_ = true;
        if (suspended_) {
            suspended_ = false;
            withdraw_from(place_, waiter_);
            if (worker* const here = current_worker) here->operation_resumed();
            if constexpr (Guard::can_end_a_wait) guard_.disarm(waiter_);
        }
        return waiter_.outcome;
    }

    Place& place() const noexcept { return place_; }
    std::size_t amount() const noexcept { return n_; }

private:
    // False: it is over after all, and the coroutine goes on.
    bool enqueue() noexcept {
        lock_guard hold(place_.guard);
        if (place_.attempt(n_)) {
            waiter_.outcome = channel_status::ok;
            return false;
        }
        suspended_ = true;  // from here on another thread may run the coroutine; it will want this lock first
        switch (guard_.arm(waiter_)) {
            case armed::waiting:
                place_.waiting.push(waiter_);
                place_.queued();
                return true;
            case armed::fired: return true;
            case armed::over: break;
        }
        suspended_ = false;
        return false;
    }

    Place& place_;
    std::size_t n_;
    waiter waiter_{{}, channel_status::would_block};
    std::source_location where_;
    bool suspended_ = false;
    bool finished_ = false;
    [[no_unique_address]] Guard guard_;
};

// A gm::context, or the source of one: a task that waits with it, and without a deadline, registers once for all its waits.
template <class C>
concept context_handle = std::convertible_to<const C&, const context&>;
inline context_guard guarded_by(const context& ctx) noexcept { return context_guard(ctx.core()); }

// The plain ones: without a limit there is nothing to tell, with one there is how it ended.
template <class Place>
struct [[nodiscard("co_await it")]] place_wait : place_operation<Place, no_guard> {
    place_wait(Place& place, std::size_t n, std::source_location where) noexcept
        : place_operation<Place, no_guard>(place, n, {}, where) {}
    void await_resume() noexcept { this->finish(); }
};

template <class Place, class Guard>
struct [[nodiscard("co_await it")]] limited_place_wait : place_operation<Place, Guard> {
    limited_place_wait(Place& place, std::size_t n, const Guard& guard, std::source_location where) noexcept
        : place_operation<Place, Guard>(place, n, guard, where) {}
    [[nodiscard]] channel_status await_resume() noexcept { return this->finish(); }
};

}  // namespace gm::detail
