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
    const char* name = "gm";                       // of the threads, for debuggers; outlives the scheduler
    std::chrono::milliseconds grace{1000};         // how long the destructor lets tasks come to an end
};

// What a scheduler that was shut down left behind.
struct shutdown_report {
    std::size_t unfinished = 0;             // tasks that were destroyed before their end
    std::vector<std::string> names;         // of those among them that had one (the first 100)
    std::size_t values_destroyed = 0;       // received by a task that was destroyed before it looked
    explicit operator bool() const noexcept { return unfinished == 0; }  // true: clean
};

// Thread safety: every member may be called from any thread; shutdown and the destructor by one, and never from one
// of the scheduler's own threads (misuse).
class scheduler {
public:
    explicit scheduler(scheduler_options options = {});
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;
    // Shuts down with the grace given in the options; a report that is not clean goes to standard error.
    ~scheduler();

    // Starts `work` on its own; the scheduler owns it. An exception that leaves it stops the program, as it would leave
    // a std::thread. `name` (for reports) must outlive the task. After shutdown began: the task is destroyed unrun, false.
    bool spawn(task<> work, const char* name = nullptr);

    // Runs `work` here and waits for it; its value is returned, its exception thrown.
    // requires: not called from a thread of any scheduler. After shutdown: misuse.
    template <class T>
    T block_on(task<T> work, std::source_location where = std::source_location::current());

    unsigned threads() const noexcept;
    std::size_t live_tasks() const noexcept;  // spawned and not yet done

    // Cancelled when shutdown begins: long-running tasks wait with it.
    const context& root_context() const noexcept;

    // Refuses new work, cancels the root context, waits up to `grace` for the tasks, stops the threads, and destroys
    // what is left: its waiting operations withdraw. The second call returns an empty report.
    shutdown_report shutdown(std::chrono::milliseconds grace);

    detail::scheduler_core& core() noexcept { return *core_; }

private:
    std::unique_ptr<detail::scheduler_core> core_;
    std::chrono::milliseconds grace_;
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
    std::conditional_t<std::is_void_v<T>, char, std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*,
                                                                   std::unique_ptr<T>>> value{};
    std::exception_ptr error;
    parker bed;
};

template <class T>
task<> run_for(task<T> work, block_on_result<T>& result) {
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
    result.bed.unpark();
}

}  // namespace detail

template <class T>
T scheduler::block_on(task<T> work, std::source_location where) {
    if (detail::current_worker) detail::misuse("block_on() on a scheduler's thread; co_await the task instead", where);
    detail::block_on_result<T> result;
    if (!spawn(detail::run_for(std::move(work), result), "block_on"))
        detail::misuse("block_on() after the scheduler was shut down", where);
    result.bed.park();
    if (result.error) std::rethrow_exception(result.error);
    if constexpr (std::is_reference_v<T>)
        return *result.value;
    else if constexpr (!std::is_void_v<T>)
        return std::move(*result.value);
}

}  // namespace gm
