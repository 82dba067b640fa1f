// A pause: everything is held, and released.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include <gristmill/kinds/exec/children.hpp>

#include "child.hpp"

namespace gm::kinds::exec {

namespace {

using namespace std::chrono_literals;

bool same_process(const process_table::entry& a, const process_table::entry& b) {
    return a.pid == b.pid && a.started == b.started;
}

}  // namespace

bool children::is_ours_locked(pid_t pid) const {
    return std::ranges::any_of(running_, [&](const auto& one) { return one.second->it.pid == pid; });
}

// Calls deal_with(leader, process) for each child and all that descends from it.
template <class F>
void children::each_family_locked(F&& deal_with) const {
    const process_table all = process_table::read(options_.mark);
    for (const auto& [tag, one] : running_) {
        const pid_t leader = one->it.pid;
        if (const auto* const self = all.find(leader)) deal_with(leader, *self);
        for (const auto& other : all.family(leader, options_.mark.empty() ? std::string() : mark_of(tag)))
            deal_with(leader, other);
    }
}

// A child is born into our process group, and leaves it. If the terminal's SIGTSTP comes in between, it stops before it executes its
// program, and the thread that starts it waits for it in the kernel, where no signal reaches it: neither would stop or end any more.
// SIGCONT sets it going, and also takes back a SIGTSTP that it has not seen yet.
void children::let_starts_end(std::unique_lock<std::mutex>& held) {
    while (starting_ != 0) {
        const process_table all = process_table::read({});
        for (const auto& one : all.children_of(::getpid()))
            if (!one.dead && !is_ours_locked(one.pid)) ::kill(one.pid, SIGCONT);
        start_ended_.wait_for(held, 1ms);
    }
}

void children::hold_all() {
    std::unique_lock guard(lock_);
    clock_.stand_still();
    set_timer_locked();
    let_starts_end(guard);
    held_ = true;  // not earlier: what start() stops was not stopped before
    each_family_locked([&](pid_t, const process_table::entry& one) {
        if (one.stopped) stopped_before_.push_back(one);
    });
    // To a whole group at once: none of it can be born in between. Who leaves it in that moment is seen after it, and so is who is
    // born in a group of its own while this looks.
    for (const auto& [tag, one] : running_) ::kill(-one->it.pid, SIGTSTP);
    std::vector<process_table::entry> told;
    for (std::size_t before = 1; before != told.size();) {
        before = told.size();
        each_family_locked([&](pid_t leader, const process_table::entry& one) {
            const auto same = [&](const process_table::entry& other) { return same_process(one, other); };
            if (one.group == leader || one.stopped || std::ranges::any_of(told, same)) return;
            signal_process(one, SIGTSTP);
            told.push_back(one);
        });
    }
}

void children::release_all() {
    const std::lock_guard guard(lock_);
    held_ = false;
    each_family_locked([&](pid_t, const process_table::entry& one) {
        const auto same = [&](const process_table::entry& other) { return same_process(one, other); };
        if (std::ranges::none_of(stopped_before_, same)) signal_process(one, SIGCONT);
    });
    stopped_before_.clear();
    clock_.go_on();
    set_timer_locked();
}

}  // namespace gm::kinds::exec
