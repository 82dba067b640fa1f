// How a task ends, and the meeting of a fork with its parent.
#include <gristmill/detail/task_promise.hpp>

#include <cstdio>
#include <exception>

#include <gristmill/detail/scheduler_core.hpp>

namespace gm::detail {

std::coroutine_handle<> task_promise_base::finish() noexcept {
    if (role == task_role::root) {
        home->retire(*this);
        return next_on_this_thread();
    }
    if (void* const parent = child.join.exchange(&done_mark, std::memory_order_acq_rel))
        return std::coroutine_handle<>::from_address(parent);
    return next_on_this_thread();
}

void uncaught_in_root(const char* name) noexcept {
    std::fprintf(stderr, "gristmill: an exception left the spawned task '%s'; catch it there, or use a task_group\n",
                 name ? name : "(unnamed)");
    std::terminate();
}

void start_fork(task_promise_base& child) noexcept {
    worker* const here = current_worker;
    if (!here) misuse("fork() outside of a coroutine on a scheduler");
    child.home = &here->home;
    child.role = task_role::forked;
    here->push_child(child);
}

bool take_back_fork(task_promise_base& child) noexcept {
    worker* const here = current_worker;
    return here && &here->home == child.home && here->queue.take_back(child, here->mark());
}

// A shutdown destroys parents, with their forks, after the threads have stopped: nothing runs then.
bool may_drop_fork(task_promise_base& child) noexcept {
    return take_back_fork(child) || child.child.join.load(std::memory_order_acquire) == &done_mark ||
           child.home->stopped();
}

void drop_running_fork() noexcept { misuse("a forked task was dropped while it runs: await it, or use a task_group"); }

}  // namespace gm::detail
