#pragma once
// blocking: how a coroutine calls something that blocks. `co_await gm::blocking(f)` runs f on a helper thread and resumes
// the coroutine where it belongs, with f's result or exception; the scheduler's threads stay free meanwhile.
//
//   auto text = co_await gm::blocking([&] { return read_file(path); });
//
// As many calls run at once as there are; bound them with a gm::semaphore. Helper threads are kept for a few seconds for
// the next call and then leave. When the system refuses another thread, the co_await throws std::system_error that names
// the limits in force; f has not run then. A coroutine that is destroyed meanwhile waits for its call: f may use what is in its frame.

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/detail/joined_thread.hpp>
#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm {

namespace detail {

// A call on its way to a helper, and back.
class helper_job {
public:
    // On a helper's thread. What is left of it after that belongs to the coroutine.
    void perform() noexcept {
        run(*this);
        wake_list wakes;
        wakes.commit(node);
        over.unpark();  // for a coroutine that is being destroyed, and goes on to wait for the pin of commit()
        wakes.wake();
    }

protected:
    helper_job(void (*work)(helper_job&) noexcept) noexcept : run(work) {}
    ~helper_job() = default;

    void (*run)(helper_job&) noexcept;
    wakeable node;
    parker over;
};

// Has `job` performed on a helper's thread, or throws std::system_error.
void start_helper(helper_job& job);
// In a virtual world each call has a thread of its own, owned by the call.
std::unique_ptr<joined_thread> start_virtual_helper(helper_job& job);

template <std::invocable F>
class [[nodiscard("co_await it")]] blocking_operation final : private helper_job {
    using outcome = std::invoke_result_t<F&>;
    using kept = std::conditional_t<std::is_reference_v<outcome>, std::remove_reference_t<outcome>*,
                                    std::conditional_t<std::is_void_v<outcome>, char, outcome>>;

public:
    blocking_operation(F body, std::source_location where)
        : helper_job([](helper_job& self) noexcept { static_cast<blocking_operation&>(self).call(); }),
          body_(std::move(body)),
          where_(where) {}
    blocking_operation(const blocking_operation&) = delete;
    blocking_operation& operator=(const blocking_operation&) = delete;
    ~blocking_operation() {
        if (!suspended_) return;
        over.park();
        settle(node);
    }

    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        aim(node, self);
        suspended_ = true;  // once the helper has it, another thread may run the coroutine
        try {
            if (current_engine) {
                current_engine->waits(node.wake ? nullptr : static_cast<task_header*>(node.target),
                                      "waits for a blocking call", this, where_);
                world_ = start_virtual_helper(*this);
            } else {
                start_helper(*this);
            }
        } catch (...) {
            suspended_ = false;
            if (current_engine && !node.wake)
                current_engine->waits(static_cast<task_header*>(node.target), nullptr, this, where_);
            throw;
        }
        return next_on_this_thread();
    }
    outcome await_resume() {
        suspended_ = false;
        world_.reset();
        if (worker* const here = current_worker) here->operation_resumed();
        if (error_) std::rethrow_exception(error_);
        if constexpr (std::is_reference_v<outcome>)
            return static_cast<outcome>(**value_);
        else if constexpr (!std::is_void_v<outcome>)
            return *std::move(value_);
    }

private:
    void call() noexcept {
        try {
            if constexpr (std::is_void_v<outcome>)
                std::invoke(body_);
            else if constexpr (std::is_reference_v<outcome>) {
                outcome found = std::invoke(body_);
                value_ = std::addressof(found);
            } else
                value_.emplace(std::invoke(body_));
        } catch (...) {
            error_ = std::current_exception();
        }
    }

    F body_;
    std::optional<kept> value_;
    std::exception_ptr error_;
    std::unique_ptr<joined_thread> world_;
    std::source_location where_;
    bool suspended_ = false;
};

// How many helper threads there are, busy or idle.
std::size_t helper_threads() noexcept;

}  // namespace detail

template <std::invocable F>
auto blocking(F body, std::source_location where = std::source_location::current()) {
    if (detail::is_empty_function(body)) detail::misuse("gm::blocking was given an empty function", where);
    return detail::blocking_operation<F>(std::move(body), where);
}

}  // namespace gm
