#pragma once
// The promise behind task<T>: how a task starts, whom it tells that it is done, where its result waits.

#include <atomic>
#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm {
template <class T>
class task;
}

namespace gm::detail {

void release_context_link(context_link* link) noexcept;

// What runs next on this thread, for a coroutine that suspends.
inline std::coroutine_handle<> next_on_this_thread() noexcept {
    worker* const here = current_worker;
    return here ? here->next() : std::noop_coroutine();
}

struct task_promise_base : task_header {
    // A root belongs to one of its scheduler's lists of the living, an awaited or forked task to its parent.
    struct root_entry {
        task_promise_base* next;
        task_promise_base* prev;
    };
    struct child_entry {
        void* continuation;
        atomic<void*> join;  // null: runs, nobody waits; a frame: that one waits; &done_mark: done
    };
    union {
        root_entry root;
        child_entry child;
    };

    task_promise_base() noexcept : child{nullptr, {nullptr}} {}
    task_promise_base(const task_promise_base&) = delete;
    task_promise_base& operator=(const task_promise_base&) = delete;
    ~task_promise_base() {
        if (link) release_context_link(link);
    }

    // A frame may be taken on one thread and given back on another.
    static void* operator new(std::size_t size) {
        worker* const here = current_worker;
        return here ? here->frames.take(size) : ::operator new(frame_cache::rounded(size));
    }
    static void operator delete(void* frame, std::size_t size) noexcept {
        if (worker* const here = current_worker)
            here->frames.give(frame, size);
        else
            ::operator delete(frame);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class P>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
            task_promise_base& promise = self.promise();
            if (promise.role == task_role::awaited) [[likely]]
                return std::coroutine_handle<>::from_address(promise.child.continuation);
            return promise.finish();
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }

private:
    std::coroutine_handle<> finish() noexcept;  // a root or a fork is done: what runs next
};

inline constinit char done_mark = 0;

// A root's exception has nobody to go to.
[[noreturn]] void uncaught_in_root(const char* name) noexcept;

template <class T>
struct task_promise : task_promise_base {
    static_assert(!std::is_rvalue_reference_v<T>, "task<T&&> would dangle");
    // The frame is found from the header: the promise must not be aligned more than a frame's start is.
    static_assert(alignof(T) <= 2 * sizeof(void*), "return over-aligned values through a pointer");

    union {
        T value;
        std::exception_ptr error;
    };
    bool has_value = false;
    bool failed = false;

    task_promise() noexcept {}
    ~task_promise() {
        if (has_value)
            std::destroy_at(std::addressof(value));
        else if (failed)
            std::destroy_at(std::addressof(error));
    }

    task<T> get_return_object() noexcept;
    template <class U>
        requires std::convertible_to<U, T>
    void return_value(U&& result) noexcept(std::is_nothrow_constructible_v<T, U>) {
        std::construct_at(std::addressof(value), std::forward<U>(result));
        has_value = true;
    }
    void unhandled_exception() noexcept {
        std::construct_at(std::addressof(error), std::current_exception());
        failed = true;
    }
    T take() {
        if (failed) std::rethrow_exception(error);
        return std::move(value);
    }
};

template <class T>
struct task_promise<T&> : task_promise_base {
    T* value = nullptr;
    std::exception_ptr error;

    task<T&> get_return_object() noexcept;
    void return_value(T& result) noexcept { value = std::addressof(result); }
    void unhandled_exception() noexcept { error = std::current_exception(); }
    T& take() {
        if (error) std::rethrow_exception(error);
        return *value;
    }
};

// What is spawned is always one of these: a root has a name and no use for an error, the others have it the other way round.
template <>
struct task_promise<void> : task_promise_base {
    union {
        std::exception_ptr error;
        const char* name;
    };

    task_promise() noexcept { std::construct_at(std::addressof(error)); }
    ~task_promise() {
        if (role != task_role::root) std::destroy_at(std::addressof(error));
    }

    task<void> get_return_object() noexcept;
    void become_root(const char* called) noexcept {
        std::destroy_at(std::addressof(error));
        std::construct_at(std::addressof(name), called);
        std::construct_at(std::addressof(root), root_entry{nullptr, nullptr});
        role = task_role::root;
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept {
        if (role == task_role::root) uncaught_in_root(name);
        error = std::current_exception();
    }
    void take() const {
        if (error) std::rethrow_exception(error);
    }
};

// requires: a root. Null: it has none.
inline const char* name_of_root(const task_promise_base& root) noexcept {
    return static_cast<const task_promise<void>&>(root).name;
}

template <class P>
concept our_promise = std::derived_from<P, task_promise_base>;

template <class T>
class [[nodiscard]] task_awaiter {
public:
    explicit task_awaiter(std::coroutine_handle<task_promise<T>> child) noexcept : child_(child) {}
    // Here, not in operator co_await: this one is called with the place of the co_await.
    bool await_ready(std::source_location where = std::source_location::current()) const noexcept {
        if (!child_) misuse("an empty task was awaited: it was moved from, or never made", where);
        return false;
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
        static_assert(our_promise<P>, "a gm::task is awaited by a gm::task; elsewhere, spawn it on a gm::scheduler");
        child_.promise().home = parent.promise().home;
        child_.promise().child.continuation = parent.address();
        return child_;
    }
    T await_resume() { return child_.promise().take(); }

private:
    std::coroutine_handle<task_promise<T>> child_;
};

// The parent's home is found through the thread: a fork is made by a coroutine that runs.
void start_fork(task_promise_base& child) noexcept;
bool take_back_fork(task_promise_base& child) noexcept;

// Unawaited: destroyed if it never started or is done, else the program stops.
bool may_drop_fork(task_promise_base& child) noexcept;
[[noreturn]] void drop_running_fork() noexcept;

template <class P>
void drop_fork(std::coroutine_handle<P> child) noexcept {
    if (!may_drop_fork(child.promise())) drop_running_fork();
    child.destroy();
}

template <class T>
class [[nodiscard]] fork_awaiter {
public:
    explicit fork_awaiter(std::coroutine_handle<task_promise<T>> child) noexcept : child_(child) {}
    fork_awaiter(const fork_awaiter&) = delete;
    fork_awaiter& operator=(const fork_awaiter&) = delete;
    ~fork_awaiter() {
        if (child_) child_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
        static_assert(our_promise<P>, "a forked task is awaited by the gm::task that forked it");
        auto& promise = child_.promise();
        if (take_back_fork(promise)) {  // nobody took it: a plain call
            promise.role = task_role::awaited;
            promise.child.continuation = parent.address();
            return child_;
        }
        void* running = nullptr;  // pairs with the exchange in finish()
        if (promise.child.join.compare_exchange_strong(running, parent.address(), std::memory_order_acq_rel,
                                                       std::memory_order_acquire))
            return next_on_this_thread();
        return parent;
    }
    T await_resume() { return child_.promise().take(); }

private:
    std::coroutine_handle<task_promise<T>> child_;
};

}  // namespace gm::detail
