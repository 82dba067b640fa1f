// The coroutines of a virtual world: a scheduler's ready ones wait in its crew, and carriers run them one step at a time.
#include <algorithm>
#include <utility>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/scheduler_core.hpp>
#include <gristmill/detail/task_promise.hpp>

#include "virtual_strand.hpp"

namespace gm::detail {

virtual_engine::crew& virtual_engine::crew_of(scheduler_core& home) {
    for (const auto& each : crews_)
        if (each->home == &home) return *each;
    crews_.push_back(std::make_unique<crew>());
    crews_.back()->home = &home;
    return *crews_.back();
}

void virtual_engine::ready(task_header& task) noexcept {
    if (!inside()) return;
    notes_.erase(&task);
    crew& where = crew_of(*task.home);
    if (!where.stopping) where.ready.push_back(&task);
}

// There is, or can be, a carrier that is idle.
bool virtual_engine::can_work(crew& where) noexcept {
    if (where.stopping) return false;
    if (!where.idle.empty()) return true;
    if (where.carriers.size() >= world_.carriers || where.ready.empty()) return false;
    strand& made = add_strand("carrier", [this, &where] { run_carrier(where); });
    made.facade = std::make_unique<worker>(*where.home);
    made.facade->index_ = static_cast<std::uint32_t>(where.carriers.size());  // marks the children in its deque
    made.how = state::idle;
    where.carriers.push_back(&made);
    where.idle.push_back(&made);
    return true;
}

// What an idle carrier could do: each ready coroutine, each colleague it could rob.
std::size_t virtual_engine::work_in(const crew& where) const noexcept {
    std::size_t work = where.ready.size();
    if (where.carriers.size() > 1)
        for (const strand* const each : where.carriers) work += each->facade->queue.holds_something() ? 1 : 0;
    return work;
}

virtual_engine::strand* virtual_engine::put_to_work(crew& where, strand& carrier, std::size_t which) noexcept {
    std::erase(where.idle, &carrier);
    if (which < where.ready.size()) {
        carrier.task = where.ready[which];
        where.ready[which] = where.ready.back();
        where.ready.pop_back();
        return &carrier;
    }
    which -= where.ready.size();
    for (strand* const each : where.carriers)
        if (each->facade->queue.holds_something() && which-- == 0) carrier.robs = each->facade.get();
    return &carrier;
}

void virtual_engine::drain(crew& mine, worker& facade) noexcept {
    while (task_header* const task = facade.queue.pop()) {
        notes_.erase(task);
        if (!mine.stopping) mine.ready.push_back(task);
    }
}

void virtual_engine::run_carrier(crew& mine) noexcept {
    strand& me = *current_;
    worker& facade = *me.facade;
    while (true) {
        task_header* task = std::exchange(me.task, nullptr);
        worker* const victim = std::exchange(me.robs, nullptr);
        if (!task && !victim) return;
        current_worker = &facade;
        if (victim) {
            task = victim->queue.steal();
            for (task_header* each = task ? task->next : nullptr; each;) {
                task_header* const following = each->next;
                notes_.erase(each);
                mine.ready.push_back(each);
                each = following;
            }
            if (task) notes_.erase(task);
        }
        if (task && !mine.stopping) {
            facade.turns_ = 1;  // one step, then the engine decides
            task->handle().resume();
        }
        drain(mine, facade);
        current_worker = nullptr;
        act_for_clock();
        mine.idle.push_back(&me);
        give_up(state::idle);
    }
}

void virtual_engine::stop(scheduler_core& home) noexcept {
    if (!inside()) misuse("a scheduler of a virtual world destroyed outside of it");
    const auto found =
        std::find_if(crews_.begin(), crews_.end(), [&](const auto& each) { return each->home == &home; });
    std::erase_if(notes_, [&](const auto& each) { return each.first->home == &home; });
    if (found == crews_.end()) return;
    crew& where = **found;
    where.stopping = true;
    while (where.idle.size() != where.carriers.size()) yield();
    where.ready.clear();
    for (strand* const each : where.carriers) {
        const auto own =
            std::find_if(strands_.begin(), strands_.end(), [&](const auto& one) { return one.get() == each; });
        // A copy: it keeps the strand until that has left its stack.
        const std::shared_ptr<strand> kept = *own;  // NOLINT(performance-unnecessary-copy-initialization)
        make_runnable(*kept);
        while (kept->how != state::finished) yield();
    }
    std::erase_if(crews_, [&](const auto& each) { return each->home == &home; });
}

}  // namespace gm::detail
