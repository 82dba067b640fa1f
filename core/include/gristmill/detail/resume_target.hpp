#pragma once
// Where a coroutine that waited is resumed. A task of ours goes back to its own scheduler. A coroutine of somebody
// else's says where in its promise: a member `resume_later(std::coroutine_handle<>) noexcept` that posts the handle
// to wherever it should go on, and does not run it inside the call. One that says nothing does not compile.
//
// A task may be destroyed while it waits: its scheduler is pinned until a wake-up that is under way is over. Nobody pins
// somebody else's coroutine: who destroys it must know that nothing can complete its operation meanwhile.

#include <concepts>
#include <coroutine>

#include <gristmill/detail/scheduler_core.hpp>
#include <gristmill/detail/task_promise.hpp>
#include <gristmill/detail/waiter.hpp>

#define GRISTMILL_NEEDS_RESUME_TARGET                                              \
    "this coroutine type does not say where to resume: give its promise a member " \
    "`void resume_later(std::coroutine_handle<>) noexcept`, or await from a gm::task"

namespace gm::detail {

template <class P>
concept foreign_promise = !our_promise<P> && requires(P& promise, std::coroutine_handle<> handle) {
    { promise.resume_later(handle) } noexcept;
};
template <class P>
concept resumable_promise = our_promise<P> || foreign_promise<P>;

template <foreign_promise P>
void wake_foreign(wakeable& who) noexcept {
    P& promise = *static_cast<P*>(who.target);
    promise.resume_later(std::coroutine_handle<P>::from_promise(promise));
}

template <resumable_promise P>
void aim(wakeable& who, std::coroutine_handle<P> self) noexcept {
    if constexpr (our_promise<P>) {
        who.target = static_cast<task_header*>(&self.promise());
    } else {
        who.wake = wake_foreign<P>;
        who.target = &self.promise();
    }
}

// The coroutine gives way to the others that are ready: what runs now.
template <resumable_promise P>
std::coroutine_handle<> give_way(std::coroutine_handle<P> self) noexcept {
    if constexpr (our_promise<P>) {
        requeue(self.promise());
        return next_on_this_thread();
    } else {
        return self;
    }
}

// Waits until whoever claimed `who` has let go of it: its coroutine is about to be destroyed.
inline void settle(const wakeable& who) noexcept {
    if (!who.wake) static_cast<task_header*>(who.target)->home->wait_for_pins();
}

inline void count_destroyed_value(const wakeable& who) noexcept {
    if (!who.wake) static_cast<task_header*>(who.target)->home->count_destroyed_value();
}

}  // namespace gm::detail
