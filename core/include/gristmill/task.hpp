#pragma once
// task<T>: a lazy coroutine. It starts when it is awaited, spawned or forked, runs on one scheduler all its life,
// and its result or exception goes to whoever awaits it. Awaiting is a transfer of control, not a queue: a chain of
// calls costs no scheduling and no stack.

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/task_promise.hpp>

namespace gm {

template <class T = void>
class [[nodiscard]] task {
public:
    using value_type = T;
    using promise_type = detail::task_promise<T>;

    task() noexcept = default;
    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            if (handle_) handle_.destroy();
            handle_ = std::exchange(other.handle_, {});
        }
        return *this;
    }
    ~task() {
        if (handle_) handle_.destroy();
    }

    explicit operator bool() const noexcept { return static_cast<bool>(handle_); }

    // Gives the coroutine away; whoever takes it destroys it.
    [[nodiscard]] std::coroutine_handle<promise_type> release() noexcept { return std::exchange(handle_, {}); }

    // Runs the task now, on the awaiting coroutine's scheduler, and yields its value or throws its exception.
    // requires: not started before, and awaited from a coroutine of gristmill's.
    auto operator co_await() && noexcept { return detail::task_awaiter<T>(handle_); }

private:
    std::coroutine_handle<promise_type> handle_;
};

// A child that was put beside its parent's next steps: see fork().
template <class T>
class [[nodiscard("a forked task must be awaited by its parent")]] forked {
public:
    explicit forked(task<T>&& child, std::source_location where = std::source_location::current()) noexcept
        : handle_(child.release()) {
        if (!handle_) detail::misuse("an empty task was forked: it was moved from, or never made", where);
        if (!detail::current_worker) detail::misuse("fork() outside of a coroutine on a scheduler", where);
        detail::start_fork(handle_.promise());
    }
    forked(forked&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    forked& operator=(forked&&) = delete;
    ~forked() {
        if (handle_) detail::drop_fork(handle_);
    }

    // requires: awaited once, by the coroutine that forked it.
    auto operator co_await() && noexcept { return detail::fork_awaiter<T>(std::exchange(handle_, {})); }
    auto operator co_await() & noexcept { return std::move(*this).operator co_await(); }

private:
    std::coroutine_handle<detail::task_promise<T>> handle_;
};

// Puts `child` on this thread's deque, where an idle thread may take it, and goes on. If nobody took it by the time
// the parent awaits it, it runs in place, as a call would. The child may use the parent's locals: the parent has to
// await it before they die. A fork that is dropped unawaited stops the program if it has already started.
// requires: called from a coroutine on a scheduler.
template <class T>
forked<T> fork(task<T> child, std::source_location where = std::source_location::current()) noexcept {
    return forked<T>(std::move(child), where);
}

namespace detail {

template <class>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
template <class T>
task<T&> task_promise<T&>::get_return_object() noexcept {
    return task<T&>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace detail

}  // namespace gm
