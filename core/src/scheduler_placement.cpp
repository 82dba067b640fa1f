// Where ready work goes: into a worker's own queue, or through the shared one to whoever is idle.
#include <algorithm>

#include <gristmill/detail/scheduler_core.hpp>

namespace gm::detail {

namespace {
// Switches between two looks at the shared queue.
constexpr std::int32_t turns = 61;
}  // namespace

void scheduler_core::run(worker& me) noexcept {
    current_worker = &me;
    while (task_header* const task = find(me)) task->handle().resume();
    current_worker = nullptr;
}

task_header* scheduler_core::find(worker& me) noexcept {
    const bool look_around = me.turns_ <= 0;
    me.turns_ = turns;
    if (stopping_.load(std::memory_order_relaxed)) return nullptr;
    if (look_around)
        if (task_header* const task = take_shared(me)) return task;
    if (task_header* const task = me.queue.pop()) return task;
    me.measured_from_ = 0;  // waiting for work is not work
    for (bool slept = false; !stopping_.load(std::memory_order_relaxed);) {
        task_header* task = take_shared(me);
        if (!task) task = spin(me);
        if (!task) {
            task = sleep(me);
            slept = true;
        }
        if (!task) continue;
        if (slept) hand_watch_on();
        return task;
    }
    return nullptr;
}

void scheduler_core::inject(task_header& task) noexcept {
    task.next = nullptr;
    inject_all(task, task, 1);
}

void scheduler_core::inject_all(task_header& first, task_header& last, std::uint32_t count) noexcept {
    if (!engine_) return put_shared(&first, &last, count);
    for (task_header* each = &first; each != nullptr;) {
        task_header* const following = each->next;
        if (!stopping_.load(std::memory_order_relaxed)) engine_->ready(*each);
        each = following;
    }
}

void scheduler_core::put_shared(task_header* first, task_header* last, std::uint32_t count) noexcept {
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        if (stopping_.load(std::memory_order_relaxed)) return;  // its task is about to be destroyed
        (shared_last_ ? shared_last_->next : shared_first_) = first;
        shared_last_ = last;
        shared_count_.store(shared_count_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
        if (spinners_ == 0) sleeper = pop_sleeper();
    }
    if (sleeper) sleeper->bed_.unpark();
}

task_header* scheduler_core::take_shared(worker& me) noexcept {
    if (shared_count_.load(std::memory_order_relaxed) == 0) return nullptr;
    task_header* first;
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        const std::uint32_t there = shared_count_.load(std::memory_order_relaxed);
        if (there == 0) return nullptr;
        const std::uint32_t share = std::clamp<std::uint32_t>(there / threads(), 1, 64);
        first = shared_first_;
        task_header* last = first;
        for (std::uint32_t i = 1; i < share; ++i) last = last->next;
        shared_first_ = last->next;
        if (!shared_first_) shared_last_ = nullptr;
        last->next = nullptr;
        shared_count_.store(there - share, std::memory_order_relaxed);
        if (there != share && spinners_ == 0) sleeper = pop_sleeper();
    }
    if (sleeper) sleeper->bed_.unpark();
    return keep(me, first);
}

// The first of a chain is to be run; the rest waits here.
task_header* scheduler_core::keep(worker& me, task_header* chain) noexcept {
    for (task_header* each = chain->next; each != nullptr;) {
        task_header* const following = each->next;
        me.queue.push(*each);
        each = following;
    }
    return chain;
}

void scheduler_core::offer(worker& me) noexcept {
    const std::uint32_t idle = idle_.load(std::memory_order_relaxed);
    const std::uint32_t mine = me.queue.ready();
    if (idle == 0 || mine == 0 || shared_count_.load(std::memory_order_relaxed) >= idle) return;
    task_header* first = nullptr;
    task_header** end = &first;
    task_header* last = nullptr;
    std::uint32_t given = 0;
    for (; given < std::min<std::uint32_t>((mine + 1) / 2, 64); ++given) {
        task_header* const task = me.queue.pop();
        if (!task) break;
        task->next = nullptr;
        *end = task;
        end = &task->next;
        last = task;
    }
    if (given != 0) put_shared(first, last, given);
}

}  // namespace gm::detail
