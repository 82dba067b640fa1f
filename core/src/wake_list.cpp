// How a coroutine that was made ready gets to its scheduler: from another thread, or back to the end of its own queue.
#include <gristmill/detail/waiter.hpp>

#include <gristmill/detail/scheduler_core.hpp>

namespace gm::detail {

bool commit_task_elsewhere(task_header& task) noexcept {
    task.home->pin();
    return false;
}

// Tasks of one scheduler that follow each other go to it together, up to 64: thousands may wait on a channel that is
// closed, and the workers are to start before the last is on its way. The tasks come first, whatever waited before them:
// waking the others may run a callback of the user's, and until a task is on its way its scheduler cannot end.
void wake_list::wake_all(wakeable* first) noexcept {
    wakeable* others = nullptr;
    wakeable** end = &others;
    while (wakeable* const each = first) {
        first = each->next;
        if (each->wake) {
            *end = each;
            end = &each->next;
            continue;
        }
        task_header* const head = static_cast<task_header*>(each->target);
        task_header* last = head;
        scheduler_core& home = *head->home;  // the tasks may be gone once they were injected; the pins keep their home
        std::uint32_t count = 1;
        for (; first && !first->wake && count < 64; first = first->next, ++count) {
            task_header* const task = static_cast<task_header*>(first->target);
            if (task->home != &home) break;
            last->next = task;
            last = task;
        }
        last->next = nullptr;
        home.inject_all(*head, *last, count);
        home.unpin(count);
    }
    *end = nullptr;
    while (wakeable* const each = others) {
        others = each->next;
        each->wake(*each);
    }
}

void requeue(task_header& task) noexcept {
    worker* const here = current_worker;
    if (here && &here->home == task.home)
        here->push_outside(task);
    else
        task.home->inject(task);
}

}  // namespace gm::detail
