#include "model.hpp"

#include <algorithm>

namespace gm::test {

using namespace jobs;

std::optional<job_id> model::duplicate_of(const new_job& made) const {
    if (!made.unique) return std::nullopt;
    const auto found = keys_.find({made.kind, made.unique->key});
    if (found == keys_.end() || found->second.until <= now) return std::nullopt;
    return found->second.by;
}

void model::insert(job_id id, const new_job& made) {
    job& is = all[id];
    is.made = made;
    is.run_at = std::max(made.run_at, now);
    if (made.unique) {
        const bool window = made.unique->until == unique_for::window;
        keys_[{made.kind, made.unique->key}] = {id, window ? now + made.unique->window : wall_time::max()};
    }
    bool cancelled = false;
    for (job_id parent : made.after) {
        const state how = all.at(parent).state;
        if (how == state::completed || (is_over(how) && made.orphaned == when_parent_fails::run)) continue;
        cancelled = cancelled || (is_over(how) && made.orphaned == when_parent_fails::cancel);
        is.blocked_by.insert(parent);
    }
    if (cancelled)
        finish(id, state::cancelled);
    else if (is.blocked_by.empty())
        set_free(is);
}

void model::set_free(job& which) { which.state = which.run_at > now ? state::scheduled : state::available; }

void model::promote() {
    for (auto& [id, each] : all)
        if ((each.state == state::scheduled || each.state == state::retrying) && each.run_at <= now)
            each.state = state::available;
}

bool model::may_run(const job& which, const std::vector<job_id>& chosen) const {
    const queue& home = queues.at(which.made.queue);
    unsigned running = 0, of_key = 0;
    for (const auto& [id, each] : all) {
        if (each.made.queue != which.made.queue) continue;
        if (each.state != state::running && std::ranges::find(chosen, id) == chosen.end()) continue;
        ++running;
        if (each.made.key == which.made.key) ++of_key;
    }
    return (!home.running || running < home.running) && (!home.running_per_key || of_key < home.running_per_key);
}

// Of so many that could start. Each hand of the others has to find a place: in a queue that does not go by keys these may be more
// than there are jobs.
std::size_t model::may_give(const std::string& from, std::size_t could_start, const demand& wanted,
                            std::size_t hands_of_others) const {
    const queue& home = queues.at(from);
    std::size_t places = could_start;
    if (home.running_per_key == 0)
        places = home.running - std::min<std::size_t>(home.running, count(from, state::running));
    return std::max(wanted.idle, places - std::min(places, hands_of_others));
}

std::vector<job_id> model::next(int holder, const std::string& from, const demand& wanted,
                                std::optional<std::size_t> hands_of_others) {
    promote();
    const queue& home = queues[from];
    const bool limited = home.running != 0 || home.running_per_key != 0;
    const bool some_ahead = !limited || hands_of_others;
    const std::size_t spared = limited ? hands_of_others.value_or(0) : 0;
    std::size_t most = wanted.idle + (some_ahead ? wanted.ahead : 0) + spared;
    bool holds = false, holds_suspect = false;
    for (const auto& [id, each] : all)
        if (each.state == state::running && each.holder == holder)
            holds = true, holds_suspect = holds_suspect || each.crashes > 0;
    if (wanted.which == claim::suspect) most = holds || wanted.idle == 0 ? 0 : 1;
    if (holds_suspect || home.paused) most = 0;
    const auto order = [](const job& of) { return of.run_at - of.made.priority * priority_step; };
    std::vector<job_id> chosen;
    while (chosen.size() < most) {
        job_id best{};
        for (const auto& [id, each] : all) {
            if (each.state != state::available || each.made.queue != from) continue;
            if ((each.crashes > 0) != (wanted.which == claim::suspect)) continue;
            if (std::ranges::find(chosen, id) != chosen.end() || !may_run(each, chosen)) continue;
            if (!best || order(each) < order(all.at(best))) best = id;
        }
        if (!best) break;
        chosen.push_back(best);
    }
    if (spared != 0 && wanted.which == claim::ordinary) {
        const std::size_t may = may_give(from, chosen.size(), wanted, spared);
        chosen.resize(std::min({chosen.size(), wanted.idle + wanted.ahead, may}));
    }
    return chosen;
}

void model::claimed(job_id id, int holder, token as) {
    job& is = all.at(id);
    is.state = state::running;
    is.holder = holder;
    is.claim = as;
    ++is.epoch;
    if (is.made.unique && is.made.unique->until == unique_for::started) free_key(id);
}

bool model::is_current(token claim) const {
    return std::ranges::any_of(
        all, [&](const auto& each) { return each.second.state == state::running && each.second.claim == claim; });
}

settled model::settle(int holder, const settlement& end) {
    const auto found = std::ranges::find_if(all, [&](const auto& each) {
        const job& is = each.second;
        return (is.state == state::running && is.claim == end.which) || (is.settled && is.settled->first == end.which);
    });
    if (found == all.end()) return settled::refused;
    auto& [id, is] = *found;
    if (is.state != state::running || is.claim != end.which || is.holder != holder)
        return is.settled && *is.settled == std::pair(end.which, end.what) ? settled::yes : settled::refused;
    is.settled = {end.which, end.what};
    queue& home = queues[is.made.queue];
    const bool failed = end.what == verdict::retry || end.what == verdict::dead;
    if (failed || end.what == verdict::completed) ++is.attempts;
    if (failed) ++home.failed;
    if (end.what == verdict::interrupted) ++is.interruptions;
    if (end.what == verdict::completed) {
        ++home.completed;
        finish(id, state::completed);
    } else if (is.cancel_asked || end.what == verdict::cancelled) {
        finish(id, state::cancelled);
    } else if (end.what == verdict::dead) {
        finish(id, state::dead);
    } else if (end.what == verdict::retry || end.what == verdict::snoozed) {
        is.run_at = std::max(end.at, now);
        is.state = end.what == verdict::retry ? state::retrying : state::scheduled;
    } else if (end.what == verdict::returned && end.at > now) {
        is.run_at = end.at;
        is.state = state::scheduled;
    } else {
        is.state = state::available;
    }
    return settled::yes;
}

void model::died(int holder) {
    for (auto& [id, each] : all) {
        if (each.state != state::running || each.holder != holder) continue;
        ++each.crashes;
        if (each.cancel_asked)
            finish(id, state::cancelled);
        else if (each.crashes >= crash_cap)
            finish(id, state::dead);
        else
            each.state = state::available;
    }
}

void model::signed_off(int holder) {
    for (auto& [id, each] : all)
        if (each.state == state::running && each.holder == holder)
            static_cast<void>(settle(holder, {.which = each.claim, .what = verdict::returned}));
}

void model::finish(job_id id, state how) {
    job& is = all.at(id);
    is.state = how;
    is.blocked_by.clear();
    if (is.made.unique && is.made.unique->until != unique_for::window) free_key(id);
    for (auto& [child_id, child] : all) {
        if (!child.blocked_by.contains(id)) continue;
        if (how == state::completed || child.made.orphaned == when_parent_fails::run) {
            child.blocked_by.erase(id);
            if (child.blocked_by.empty()) set_free(child);
        } else if (child.made.orphaned == when_parent_fails::cancel) {
            finish(child_id, state::cancelled);
        }
    }
}

void model::free_key(job_id id) {
    std::erase_if(keys_,
                  [&](const auto& each) { return each.second.by == id && each.second.until == wall_time::max(); });
}

bool model::pinned(job_id id) const {
    return std::ranges::any_of(all, [&](const auto& each) { return each.second.blocked_by.contains(id); });
}

bool model::cancel(job_id id) {
    job& is = all.at(id);
    if (is_over(is.state)) return false;
    if (is.state == state::running) return !std::exchange(is.cancel_asked, true);
    finish(id, state::cancelled);
    return true;
}

bool model::retry(job_id id) {
    job& is = all.at(id);
    if (is.state == state::dead || is.state == state::cancelled) {
        const std::optional<job_id> other = duplicate_of(is.made);
        if (other && *other != id) return false;
        if (is.made.unique && !other && is.made.unique->until != unique_for::window)
            keys_[{is.made.kind, is.made.unique->key}] = {id, wall_time::max()};
        is.attempts = is.crashes = is.interruptions = 0;
        is.cancel_asked = false;
    } else if (is.state != state::scheduled && is.state != state::retrying) {
        return false;
    }
    is.state = state::available;
    is.run_at = now;
    return true;
}

bool model::remove(job_id id) {
    const job& is = all.at(id);
    if (is.state == state::running || pinned(id)) return false;
    if (is.made.unique && is.made.unique->until != unique_for::window) free_key(id);
    all.erase(id);
    return true;
}

bool model::set_priority(job_id id, int priority) {
    job& is = all.at(id);
    if (is_over(is.state) || is.state == state::running) return false;
    is.made.priority = priority;
    return true;
}

std::uint64_t model::count(const std::string& of, state which) const {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        all, [&](const auto& each) { return each.second.made.queue == of && each.second.state == which; }));
}

}  // namespace gm::test
