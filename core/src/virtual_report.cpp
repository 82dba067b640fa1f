// What a virtual world says when it ends: who waited, and for what.
#include <algorithm>

#include <gristmill/detail/task_promise.hpp>

#include "virtual_strand.hpp"

namespace gm::detail {

void virtual_engine::waits(task_header* task, const char* what, const void* on, std::source_location where) noexcept {
    if (!inside() || (task && world_.real_workers)) return;  // nobody tells us when such a task goes on
    const note now{what, on, where, ++notes_taken_};
    if (task && !what)
        notes_.erase(task);
    else if (task)
        notes_[task] = now;
    else
        current_->wait = now;
}

std::string virtual_engine::label_of(const void* object) {
    return " #" + std::to_string(labels_.try_emplace(object, labels_.size() + 1).first->second);
}

std::string virtual_engine::describe(const note& wait, const strand* who) {
    std::string text;
    if (who && who->how == state::joining) return "joins " + static_cast<const strand*>(wait.on)->name;
    text = wait.what ? wait.what : who && who->how == state::at_a_lock ? "waits at a lock" : "parked";
    if (wait.on) text += label_of(wait.on);
    if (wait.where.line() != 0)
        text += " (" + std::string(wait.where.file_name()) + ":" + std::to_string(wait.where.line()) + ")";
    return text;
}

namespace {

// Up the chain of awaits to the task that was spawned.
std::string name_of(const task_header& task) {
    const auto* at = static_cast<const task_promise_base*>(&task);
    while (at->role == task_role::awaited && at->child.continuation)
        at = &std::coroutine_handle<task_promise_base>::from_address(at->child.continuation).promise();
    if (at->role == task_role::root) {
        const char* const name = name_of_root(*at);
        return name ? name : "a task";
    }
    return "a forked task";
}

}  // namespace

void virtual_engine::report(end how) {
    outcome_.ended = how;
    outcome_.passed = (how == end::horizon ? horizon_ : now_) - start_of_time;
    for (const auto& each : strands_) {
        if (each.get() == root_ && root_waits_) continue;
        if (each->how == state::parked || each->how == state::at_a_lock || each->how == state::joining)
            outcome_.waiting.push_back({each->name, describe(each->wait, each.get())});
        else if (how == end::steps && (each->how == state::runnable || each.get() == current_))
            outcome_.waiting.push_back({each->name, "runs"});
    }
    std::vector<std::pair<const task_header*, note>> tasks(notes_.begin(), notes_.end());
    std::sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
    for (const auto& [task, wait] : tasks) outcome_.waiting.push_back({name_of(*task), describe(wait, nullptr)});
}

}  // namespace gm::detail
