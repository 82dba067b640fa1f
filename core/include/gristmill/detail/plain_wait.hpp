#pragma once
// A coroutine's wait that nothing but its event ends: for a job's end, for room in a pool, for a stream's next result. Destroyed
// while it waits, it withdraws.
//
// A Place knows the event: over() says that it has happened; enqueue() lines the waiter up, or says false when it need not
// wait after all; withdraw() takes it out again, or says false when it was fired. Each takes the place's lock by itself.

#include <coroutine>
#include <utility>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

template <class Place>
class [[nodiscard("co_await it")]] plain_wait {
public:
    explicit plain_wait(Place place) noexcept : place_(place) {}
    plain_wait(const plain_wait&) = delete;
    plain_wait& operator=(const plain_wait&) = delete;
    ~plain_wait() {
        if (waiting_ && !place_.withdraw(waiter_)) settle(waiter_);
    }

    bool await_ready() noexcept {
        worker* const here = current_worker;
        if (here) here->operation_begins();
        over_ = place_.over();
        return over_ && (!here || here->operation_ends());
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        if (over_) return give_way(self);  // but the coroutine has had its share
        aim(waiter_, self);
        tell_engine(Place::waits_as);
        waiting_ = true;  // once it is lined up, another thread may run the coroutine
        if (place_.enqueue(waiter_)) return next_on_this_thread();
        waiting_ = false;
        tell_engine(nullptr);
        return self;
    }
    void await_resume() noexcept {
        if (!std::exchange(waiting_, false)) return;
        if (worker* const here = current_worker) here->operation_resumed();
    }

private:
    // Before it waits, that is while the coroutine is still ours.
    void tell_engine(const char* what) noexcept {
        if (current_engine && !waiter_.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(waiter_.target), what, place_.object(), {});
    }

    Place place_;
    waiter waiter_;
    bool over_ = false;
    bool waiting_ = false;
};

}  // namespace gm::detail
