#pragma once
// Time that passes: sleep for threads and coroutines, after() and tick() as channels. All on gm::now(), so a virtual
// world has its own. (In a select, after(d, handler) is a deadline case: see select.hpp.)
//
//   gm::sleep(20ms);  co_await gm::async_sleep(20ms, ctx);
//   gm::receiver<gm::time_point> alarm = gm::after(2s);           // one value, once
//   gm::ticker every = gm::tick(1s);                              // stops at the end of its scope
//   for (gm::time_point at : every.ticks()) …
//
// A duration of zero or below, or a time in the past: a sleep returns at once (a coroutine may let others run first),
// after() has its value at once; a tick's period must be positive (misuse). A duration beyond the clock's range: for ever.

#include <chrono>
#include <coroutine>
#include <source_location>

#include <gristmill/channel.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/timer.hpp>
#include <gristmill/detail/wait_guard.hpp>

namespace gm {

namespace detail {

// ok: slept through. requires: `until` has its deadline, or means for ever.
channel_status sleep_here(const limits& until, std::source_location where) noexcept;

// A coroutine's sleep with a timer and nothing else: small, for a hundred thousand of them.
class [[nodiscard("co_await it")]] sleep_operation {
public:
    sleep_operation(time_point due, std::source_location where) noexcept : due_(due), where_(where) {}
    sleep_operation(const sleep_operation&) = delete;
    sleep_operation& operator=(const sleep_operation&) = delete;
    ~sleep_operation() {
        if (!suspended_) return;
        stop_timer(alarm_);
        settle(alarm_.node);
    }

    bool await_ready() noexcept {
        worker* const here = current_worker;
        if (here) here->operation_begins();
        over_ = due_ <= now();
        return over_ && (!here || here->operation_ends());
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        if (over_) return give_way(self);
        aim(alarm_.node, self);
        if (current_engine && !alarm_.node.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(alarm_.node.target), "sleeps", this, where_);
        alarm_.fire = [](timer& entry, wake_list& wakes) noexcept { wakes.commit(static_cast<alarm&>(entry).node); };
        suspended_ = true;
        start_timer(alarm_, due_);  // from here on another thread may run the coroutine
        return next_on_this_thread();
    }
    void await_resume() noexcept {
        if (!suspended_) return;
        suspended_ = false;
        if (worker* const here = current_worker) here->operation_resumed();
    }

private:
    struct alarm : timer {
        wakeable node;
    };
    alarm alarm_;
    time_point due_;
    std::source_location where_;
    bool suspended_ = false;
    bool over_ = false;
};

// The same with a context. Its own lock holds up a wake-up that comes while the wait is still being set up.
class [[nodiscard("co_await it")]] limited_sleep_operation {
public:
    limited_sleep_operation(const limits& until, std::source_location where) noexcept
        : until_(until), guard_(until), where_(where) {}
    limited_sleep_operation(const limited_sleep_operation&) = delete;
    limited_sleep_operation& operator=(const limited_sleep_operation&) = delete;
    ~limited_sleep_operation() {
        if (!suspended_) return;
        guard_.disarm(waiter_);
        settle(waiter_);
    }

    bool await_ready() noexcept;
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        if (waiter_.outcome != channel_status::would_block) return give_way(self);
        aim(waiter_, self);
        guard_.prepare(waiter_, self);
        if (current_engine && !waiter_.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(waiter_.target), "sleeps", this, where_);
        lock_guard hold(entry_);
        suspended_ = true;
        if (guard_.arm(waiter_) != armed::over) return next_on_this_thread();
        suspended_ = false;
        if (current_engine && !waiter_.wake) [[unlikely]]
            current_engine->waits(static_cast<task_header*>(waiter_.target), nullptr, this, where_);
        return self;
    }
    // ok: slept through; cancelled: the context was done first.
    [[nodiscard]] channel_status await_resume() noexcept;

private:
    limits until_;
    waiter waiter_{{}, channel_status::would_block};
    lock entry_;
    limits_guard guard_;
    std::source_location where_;
    bool suspended_ = false;
};

channel<time_point> make_after(time_point due);

}  // namespace detail

// On a thread of a scheduler a sleep is misuse: co_await async_sleep().
inline void sleep_until(time_point due, std::source_location where = std::source_location::current()) noexcept {
    static_cast<void>(detail::sleep_here(until(due).limits(), where));
}
template <class Rep, class Period>
void sleep(std::chrono::duration<Rep, Period> duration,
           std::source_location where = std::source_location::current()) noexcept {
    static_cast<void>(detail::sleep_here(until(duration).limits(), where));
}

// With a context. ok: slept through; cancelled: the context was done first, or when it began.
[[nodiscard]] inline channel_status sleep_until(time_point due, const context& ctx,
                                                std::source_location where = std::source_location::current()) noexcept {
    return detail::sleep_here(until(ctx, due).limits(), where);
}
template <class Rep, class Period>
[[nodiscard]] channel_status sleep(std::chrono::duration<Rep, Period> duration, const context& ctx,
                                   std::source_location where = std::source_location::current()) noexcept {
    return detail::sleep_here(until(ctx, duration).limits(), where);
}

// For coroutines.
inline auto async_sleep_until(time_point due, std::source_location where = std::source_location::current()) noexcept {
    return detail::sleep_operation(due, where);
}
template <class Rep, class Period>
auto async_sleep(std::chrono::duration<Rep, Period> duration,
                 std::source_location where = std::source_location::current()) noexcept {
    return detail::sleep_operation(until(duration).limits().deadline, where);
}
inline auto async_sleep_until(time_point due, const context& ctx,
                              std::source_location where = std::source_location::current()) noexcept {
    return detail::limited_sleep_operation(until(ctx, due).limits(), where);
}
template <class Rep, class Period>
auto async_sleep(std::chrono::duration<Rep, Period> duration, const context& ctx,
                 std::source_location where = std::source_location::current()) noexcept {
    return detail::limited_sleep_operation(until(ctx, duration).limits(), where);
}

// A channel that gives the time, once, when `duration` is over. Dropping its last handle stops the timer.
template <class Rep, class Period>
[[nodiscard]] receiver<time_point> after(std::chrono::duration<Rep, Period> duration) {
    return detail::make_after(until(duration).limits().deadline);
}

// Gives the time again and again, one period after the other without drift. What is not collected is dropped: at most
// one tick waits, and ticks that were slept through do not come in a burst. Stops, and closes its channel, when it is
// destroyed.
class [[nodiscard("it stops when it is destroyed")]] ticker {
public:
    explicit ticker(std::chrono::nanoseconds period, std::source_location where = std::source_location::current());
    ticker(ticker&&) noexcept = default;
    ticker& operator=(ticker&& other) noexcept;
    ~ticker() { stop(); }

    // For receive(), range-for and select's on().
    const receiver<time_point>& ticks() const noexcept { return ticks_; }

    void stop() noexcept;

private:
    receiver<time_point> ticks_;
};

// Zero or below: misuse.
inline ticker tick(std::chrono::nanoseconds period, std::source_location where = std::source_location::current()) {
    return ticker(period, where);
}

}  // namespace gm
