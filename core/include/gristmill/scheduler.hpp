#pragma once
// scheduler: runs tasks on a few threads. Ready work stays on the thread that made it ready while it is trivial and
// spreads over the CPUs while it is real; an idle scheduler uses no CPU.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/context.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/scheduler_core.hpp>
#include <gristmill/task.hpp>

namespace gm {

struct scheduler_options {
    // 0: the CPUs this process may use, its affinity mask and cgroup quota included.
    unsigned threads = 0;
    const char* name = "gm";                // of the threads, for debuggers; outlives the scheduler
    std::chrono::milliseconds grace{1000};  // how long the destructor lets tasks come to an end
};

// What a scheduler that was shut down left behind.
struct shutdown_report {
    std::size_t unfinished = 0;        // tasks that were destroyed before their end
    std::vector<std::string> names;    // of those among them that had one (the first 100)
    std::size_t values_destroyed = 0;  // received by a task that was destroyed before it looked
    explicit operator bool() const noexcept { return unfinished == 0; }  // true: clean
};

// Thread safety: every member may be called from any thread; shutdown and the destructor by one, and never from one
// of the scheduler's own threads (misuse).
class scheduler {
public:
    explicit scheduler(scheduler_options options = {}, std::source_location where = std::source_location::current());
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    // Shuts down with the grace given in the options; a report that is not clean goes to standard error.
    ~scheduler();

    // Starts `work` on its own; the scheduler owns it. An exception that leaves it stops the program, as it would leave
    // a std::thread. `name` (for reports) must outlive the task. After shutdown began: the task is destroyed unrun, false. An
    // empty task is misuse.
    bool spawn(task<> work, const char* name = nullptr, std::source_location where = std::source_location::current());

    // Runs `work` here and waits for it; its value is returned, its exception thrown. If another thread shuts the
    // scheduler down meanwhile and the task does not end within the grace: gm::cancelled.
    // requires: not called from a thread of any scheduler. After shutdown: misuse.
    template <class T>
    T block_on(task<T> work, std::source_location where = std::source_location::current());

    unsigned threads() const noexcept;
    std::size_t live_tasks() const noexcept;  // spawned and not yet done

    // Cancelled when shutdown begins: long-running tasks wait with it.
    const context& root_context() const noexcept;

    // Refuses new work, cancels the root context, waits up to `grace` for the tasks, stops the threads, and destroys
    // what is left: its waiting operations withdraw. The second call returns an empty report.
    shutdown_report shutdown(std::chrono::milliseconds grace,
                             std::source_location where = std::source_location::current());

    detail::scheduler_core& core() noexcept { return *core_; }

private:
    std::unique_ptr<detail::scheduler_core> core_;
    std::chrono::milliseconds grace_;
    std::source_location made_;
};

// `co_await gm::yield()`: lets the others that are ready run first.
struct [[nodiscard]] yield {
    bool await_ready() const noexcept { return false; }
    template <detail::our_promise P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) const noexcept {
        detail::requeue(self.promise());
        return detail::next_on_this_thread();
    }
    void await_resume() const noexcept {}
};

namespace detail {

template <class T>
struct block_on_result {
    std::conditional_t<std::is_void_v<T>, char,
                       std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::unique_ptr<T>>>
        value{};
    std::exception_ptr error;
    parker bed;
};

// Tells the waiting thread when the frame is gone, whether it came to its end or a shutdown destroyed it.
template <class T>
class block_on_end {
public:
    explicit block_on_end(block_on_result<T>& result) noexcept : result_(&result) {}
    block_on_end(block_on_end&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}
    block_on_end& operator=(block_on_end&&) = delete;
    ~block_on_end() {
        if (!result_) return;
        if (!over) result_->error = std::make_exception_ptr(cancelled("the scheduler was shut down"));
        result_->bed.unpark();
    }

    block_on_result<T>& result() const noexcept { return *result_; }
    bool over = false;

private:
    block_on_result<T>* result_;
};

// Parameters die last first: `work` before the waiting thread goes on.
template <class T>
task<> run_for(block_on_end<T> end, task<T> work) {
    block_on_result<T>& result = end.result();
    try {
        if constexpr (std::is_void_v<T>)
            co_await std::move(work);
        else if constexpr (std::is_reference_v<T>)
            result.value = std::addressof(co_await std::move(work));
        else
            result.value = std::make_unique<T>(co_await std::move(work));
    } catch (...) {
        result.error = std::current_exception();
    }
    end.over = true;
}

}  // namespace detail

template <class T>
T scheduler::block_on(task<T> work, std::source_location where) {
    if (detail::current_worker) detail::misuse("block_on() on a scheduler's thread; co_await the task instead", where);
    detail::block_on_result<T> result;
    if (!spawn(detail::run_for(detail::block_on_end<T>(result), std::move(work)), "block_on", where))
        detail::misuse("block_on() after the scheduler was shut down", where);
    result.bed.park();
    if (result.error) std::rethrow_exception(result.error);
    if constexpr (std::is_reference_v<T>)
        return *result.value;
    else if constexpr (!std::is_void_v<T>)
        return std::move(*result.value);
}

}  // namespace gm
