// Who runs next in a virtual world, and how the baton is handed over.
#include <algorithm>
#include <thread>

#include "virtual_strand.hpp"

namespace gm::detail {

void virtual_engine::make_runnable(strand& who) noexcept {
    who.how = state::runnable;
    who.at = runnable_.size();
    runnable_.push_back(&who);
}

virtual_engine::strand* virtual_engine::take(strand& runnable) noexcept {
    runnable_[runnable.at] = runnable_.back();
    runnable_[runnable.at]->at = runnable.at;
    runnable_.pop_back();
    return &runnable;
}

void virtual_engine::give_up(state how) noexcept {
    strand& me = *current_;
    if (how == state::runnable)
        make_runnable(me);
    else
        me.how = how;
    switch_to(choose(nullptr));
}

void virtual_engine::switch_to(strand& next) noexcept {
    strand& me = *current_;
    next.how = state::running;
    if (&next == &me) return;
    me.here = current_worker;
    current_ = &next;
    stacks_.hand_over(*me.stack, *next.stack);
    current_engine = &me == home_.get() ? nullptr : this;
    current_worker = me.here;
}

// `last_resort` waits for another one in a loop.
virtual_engine::strand& virtual_engine::choose(strand* last_resort) noexcept {
    ++outcome_.steps;
    const auto on_course = [this](strand& next) -> strand& {
        outcome_.course = (outcome_.course ^ next.number) * 0x100000001b3;
        return next;
    };
    while (!ended_) {
        if (world_.most_steps != 0 && outcome_.steps > world_.most_steps * (ending_ ? 2 : 1)) {
            finish(end::steps);
            continue;
        }
        if (world_.hasty_clock && !ending_ && draw(16) == 0) static_cast<void>(advance());
        strand* const next = world_.strategy == virtual_strategy::walk ? choose_walking() : choose_first();
        if (next) {
            if (last_resort) make_runnable(*last_resort);
            fruitless_ = 0;
            return on_course(*next);
        }
        if (advance()) continue;
        if (last_resort && ++fruitless_ < 1'000'000) {
            std::this_thread::yield();
            return *last_resort;
        }
        finish(next_moment() == time_point::max() ? end::deadlock : end::horizon);
    }
    return *home_;
}

virtual_engine::strand* virtual_engine::choose_walking() noexcept {
    std::size_t possible = runnable_.size();
    for (const auto& each : crews_) possible += can_work(*each) ? work_in(*each) : 0;
    if (possible == 0) return nullptr;
    std::size_t which = possible == 1 ? 0 : static_cast<std::size_t>(draw(possible));
    if (which < runnable_.size()) return take(*runnable_[which]);
    which -= runnable_.size();
    for (const auto& each : crews_) {
        const std::size_t here = can_work(*each) ? work_in(*each) : 0;
        if (which < here)
            return put_to_work(*each, *each->idle[static_cast<std::size_t>(draw(each->idle.size()))], which);
        which -= here;
    }
    return nullptr;
}

virtual_engine::strand* virtual_engine::choose_first() noexcept {
    strand* first = nullptr;
    crew* works_in = nullptr;
    for (strand* const each : runnable_)
        if (!first || each->priority > first->priority) first = each;
    for (const auto& each : crews_) {
        if (!can_work(*each) || work_in(*each) == 0) continue;
        for (strand* const carrier : each->idle)
            if (!first || carrier->priority > first->priority) first = carrier, works_in = each.get();
    }
    if (!first) return nullptr;
    return works_in ? put_to_work(*works_in, *first, static_cast<std::size_t>(draw(work_in(*works_in)))) : take(*first);
}

void virtual_engine::maybe_reorder() noexcept {
    while (!changes_.empty() && changes_.back() <= outcome_.steps) {
        changes_.pop_back();
        current_->priority = --lowest_;
    }
}

void virtual_engine::point() noexcept {
    if (world_.strategy == virtual_strategy::priorities)
        maybe_reorder();
    else if (world_.preempt_one_in > 1 && draw(world_.preempt_one_in) != 0)
        return;
    give_up(state::runnable);
}

void virtual_engine::yield() noexcept {
    strand& me = *current_;
    me.priority = --lowest_;
    me.how = state::runnable;
    switch_to(choose(&me));
}

}  // namespace gm::detail
