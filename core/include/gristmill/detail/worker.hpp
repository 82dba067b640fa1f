#pragma once
// The hot half of the scheduler: a task's header, a worker's run queue, and what a channel operation does to them.
// The rest, how workers look for work and sleep, is in scheduler_core.hpp.

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>

#include <gristmill/detail/frame_cache.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/os.hpp>
#include <gristmill/detail/parker.hpp>

namespace gm::detail {

class scheduler_core;
class virtual_engine;
struct context_link;

enum class task_role : std::uint8_t {
    awaited,  // resumes its continuation
    root,     // belongs to its scheduler
    forked,   // meets its parent at `join`
};

// First base of every promise of ours, aligned like a pointer: so the frame is found from it.
struct task_header {
    task_header* next = nullptr;  // in a run queue
    task_header* prev = nullptr;  // in a deque of children
    scheduler_core* home = nullptr;
    context_link* link = nullptr;    // the context this task last waited with; see context.hpp
    atomic<std::uint16_t> deque{0};  // 1 + the index of the worker in whose deque it is; changes under its lock
    task_role role = task_role::awaited;
    std::uint8_t shard = 0;

    std::coroutine_handle<> handle() noexcept { return std::coroutine_handle<task_header>::from_promise(*this); }
};

// A worker's own tasks. Resumptions leave first in first out; children leave last in first out (the parent will
// want them soon, and their stack is warm), at most 16 in a row while a resumption waits. Guests steal the oldest
// of both. Intrusive: a push never fails.
class run_queue {
public:
    void push(task_header& task) noexcept {
        guard_.owner_acquire();
        append(task);
        guard_.owner_release();
    }

    // `mark`: 1 + the index of this queue's worker.
    void push_child(task_header& task, std::uint16_t mark) noexcept {
        guard_.owner_acquire();
        task.deque.store(mark, std::memory_order_relaxed);
        task.next = nullptr;
        task.prev = newest_;
        (newest_ ? newest_->next : oldest_) = &task;
        newest_ = &task;
        count(children_, 1);
        guard_.owner_release();
    }

    task_header* pop() noexcept {
        if (size() == 0) return nullptr;
        guard_.owner_acquire();
        task_header* const task = take();
        guard_.owner_release();
        return task;
    }

    // True if nobody has taken the child `task` of this queue: it is the caller's again.
    bool take_back(task_header& task, std::uint16_t mark) noexcept {
        if (task.deque.load(std::memory_order_relaxed) != mark) return false;
        guard_.owner_acquire();
        const bool mine = task.deque.load(std::memory_order_relaxed) == mark;
        if (mine) drop_child(task);
        guard_.owner_release();
        return mine;
    }

    // For a guest: up to half of the resumptions, or the oldest child, chained by `next`; null if there is nothing.
    task_header* steal() noexcept;

    // Read by guests without the lock: hints.
    std::uint32_t size() const noexcept {
        return ready_.load(std::memory_order_relaxed) + children_.load(std::memory_order_relaxed);
    }
    // For an engine that chooses who runs next: no schedule point.
    bool holds_something() const noexcept {
        return (ready_.raw().load(std::memory_order_relaxed) | children_.raw().load(std::memory_order_relaxed)) != 0;
    }
    std::uint32_t ready() const noexcept { return ready_.load(std::memory_order_relaxed); }
    std::uint32_t children() const noexcept { return children_.load(std::memory_order_relaxed); }
    std::uint32_t pops() const noexcept { return pops_.load(std::memory_order_relaxed); }
    std::uint32_t oldest_taken() const noexcept { return oldest_taken_.load(std::memory_order_relaxed); }

private:
    // A counter with one writer at a time: no read-modify-write.
    static void count(atomic<std::uint32_t>& counter, int by) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(by),
                      std::memory_order_relaxed);
    }

    void append(task_header& task) noexcept {
        task.next = nullptr;
        (last_ ? last_->next : first_) = &task;
        last_ = &task;
        count(ready_, 1);
    }

    task_header* take() noexcept {
        if (newest_ && (children_in_a_row_ < 16 || !first_)) {
            task_header* const task = newest_;
            ++children_in_a_row_;
            drop_child(*task);
            return task;
        }
        children_in_a_row_ = 0;
        task_header* const task = first_;
        if (!task) return nullptr;
        first_ = task->next;
        if (!first_)
            last_ = nullptr;
        else
            __builtin_prefetch(first_);
        count(ready_, -1);
        count(pops_, 1);
        return task;
    }

    void drop_child(task_header& task) noexcept {
        if (&task == oldest_) count(oldest_taken_, 1);
        (task.prev ? task.prev->next : oldest_) = task.next;
        (task.next ? task.next->prev : newest_) = task.prev;
        task.deque.store(0, std::memory_order_relaxed);
        count(children_, -1);
    }

    biased_lock guard_;
    task_header* first_ = nullptr;
    task_header* last_ = nullptr;
    task_header* oldest_ = nullptr;
    task_header* newest_ = nullptr;
    std::uint32_t children_in_a_row_ = 0;
    atomic<std::uint32_t> ready_{0};
    atomic<std::uint32_t> children_{0};
    atomic<std::uint32_t> pops_{0};          // resumptions that left: shows a guest whether the queue moves
    atomic<std::uint32_t> oldest_taken_{0};  // how often the oldest child left
};

// One thread of a scheduler, as its own code sees it. Everything here but the queue's hints is that thread's.
class alignas(128) worker {
public:
    explicit worker(scheduler_core& owner) noexcept;

    scheduler_core& home;
    const std::uint32_t id;  // unique in the process; 0: none was left
    run_queue queue;
    frame_cache frames;

    // At the start of a channel operation: ends the measurement of the user's own code that account() began.
    void operation_begins() noexcept {
        if (measured_from_ != 0) [[unlikely]]
            end_measurement();
    }

    // At the end of one: false when the coroutine has had its share and should let others run.
    bool operation_ends() noexcept { return --fuse_ > 0 || account(); }

    // A coroutine that had to wait goes on: counted, but it was resumed just now.
    void operation_resumed() noexcept {
        if (--fuse_ <= 0) account();
    }

    // A coroutine of this scheduler became ready while this thread runs.
    void push(task_header& task) noexcept {
        queue.push(task);
        if (offering_ || !watched()) [[unlikely]]
            cut_fuse();
    }

    // The same outside of an operation: no lock is held, and no operation ends soon.
    void push_outside(task_header& task) noexcept {
        queue.push(task);
        if (offering_ || !watched()) [[unlikely]]
            show_work();
    }
    void push_child(task_header& task) noexcept {
        queue.push_child(task, mark());
        if (offering_ || !watched()) [[unlikely]]
            show_work();
    }

    // What runs next on this thread when a coroutine suspends; the worker's loop if nothing is ready here.
    std::coroutine_handle<> next() noexcept {
        if (--turns_ == 0) [[unlikely]]
            return std::noop_coroutine();  // the loop looks around
        if (task_header* const task = queue.pop()) return task->handle();
        return std::noop_coroutine();
    }

    std::uint16_t mark() const noexcept { return static_cast<std::uint16_t>(index_ + 1); }

private:
    friend class scheduler_core;
    friend class virtual_engine;

    // Asked after something was queued: either this sees that nobody watches, or whoever ended the watch sees what is queued.
    bool watched() const noexcept {
        os::light_fence();
        return watched_.load(std::memory_order_relaxed);
    }
    bool account() noexcept;
    void show_work() noexcept;
    void end_measurement() noexcept;
    void cut_fuse() noexcept {
        fuse_length_ -= fuse_ - 1;
        fuse_ = 1;
    }

    const atomic<bool>& watched_;  // the scheduler's: somebody will look at what is queued here
    // The fuse burns once an operation; when it is out, account() looks at the budget, at the clock, at the peers.
    std::int32_t fuse_ = 1;
    std::int32_t fuse_length_ = 1;
    std::int32_t budget_ = 0;
    std::int32_t turns_ = 1;
    bool offering_ = false;            // ready work is shown to idle peers
    std::uint64_t measured_from_ = 0;  // ticks at the end of the last measured operation; 0: none
    std::uint64_t gap_ = 0;            // smoothed ticks of the user's own code between two operations

    // For looking at peers, indexed like them: what the last look saw.
    struct glance {
        std::uint32_t ready = 0;
        std::uint32_t pops = 0;
        std::uint32_t children = 0;
        std::uint32_t oldest_taken = 0;
    };
    std::unique_ptr<glance[]> glances_;
    std::chrono::microseconds watch_delay_{100};
    std::uint32_t index_ = 0;
    parker bed_;
    worker* sleeping_below_ = nullptr;  // these two: guarded by the scheduler's shared lock
    bool asleep_ = false;
};

extern constinit thread_local worker* current_worker;

// See waiter.hpp. True: queued on this very thread, nothing is left to do.
bool commit_task_elsewhere(task_header& task) noexcept;
inline bool commit_task(task_header& task) noexcept {
    worker* const here = current_worker;
    if (here && &here->home == task.home) [[likely]] {
        here->push(task);
        return true;
    }
    return commit_task_elsewhere(task);
}

}  // namespace gm::detail
