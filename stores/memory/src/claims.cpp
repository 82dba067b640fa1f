// What a worker holds: claims, and how they end.
#include <algorithm>
#include <utility>

#include "house.hpp"

namespace gm::stores::in_memory {

void house::report_end(row& which, const settlement& end, int attempt, std::string error) {
    add_report(which, {attempt, which.epoch, now - end.ran, now, *which.worker_name, std::move(error)});
}

settled house::settle(worker& by, const settlement& end) {
    row* const found = jobs.find(end.which.first);
    if (!found) return settled::refused;
    row& job = *found;
    if (job.state != state::running || job.claim() != end.which || job.holder != &by) {
        const bool again = job.has_settled && job.settled_claim == end.which && job.settled_as == end.what;
        return again ? settled::yes : settled::refused;
    }
    job.has_settled = true;
    job.settled_claim = end.which;
    job.settled_as = end.what;
    const auto step_or_cancel = [&](state to, std::optional<wall_time> at = std::nullopt, bool unused = false) {
        job.cancel_asked ? step(job, state::cancelled, std::nullopt, unused) : step(job, to, at, unused);
    };
    switch (end.what) {
        case verdict::completed:
            ++job.attempts;
            ++job.queue->completed;
            if (!end.result.bytes.empty() || !end.result.type.empty()) job.rare().result = end.result;
            step(job, state::completed);
            break;
        case verdict::retry:
        case verdict::dead:
            report_end(job, end, ++job.attempts, end.error);
            ++job.queue->failed;
            job.overlapping = end.overlapping;
            if (end.what == verdict::dead)
                step_or_cancel(state::dead);
            else
                step_or_cancel(state::retrying, std::max(end.at, now));
            break;
        case verdict::cancelled:
            if (!end.error.empty()) report_end(job, end, 0, end.error);
            step(job, state::cancelled);
            break;
        case verdict::snoozed: step_or_cancel(state::scheduled, std::max(end.at, now)); break;
        case verdict::returned:
            if (end.at > now)
                step_or_cancel(state::scheduled, end.at, true);
            else
                step_or_cancel(state::available, std::nullopt, true);
            break;
        case verdict::interrupted:
            ++job.interruptions;
            report_end(job, end, 0, end.error.empty() ? "interrupted: its worker stopped" : end.error);
            step_or_cancel(state::available);
            break;
    }
    return settled::yes;
}

namespace {

// The next one of the worker's queues that has something for it; they take turns, job by job. `room`: how many each may still
// give, counted down here.
queue* next_queue(worker& by, claim which, std::vector<std::size_t>& room, wall_time now) {
    for (std::size_t i = 0; i != by.queues.size(); ++i) {
        const std::size_t at = by.turn;
        if (++by.turn == by.queues.size()) by.turn = 0;
        if (room[at] == 0 || !by.queues[at]->eligible(which, now)) continue;
        --room[at];
        return by.queues[at];
    }
    return nullptr;
}

}  // namespace

// A job that is had ahead takes a place though it does not run.
std::size_t house::may_give_ahead(const queue& from, const worker& to, std::size_t most) const {
    if (!from.limited()) return most;
    if (from.has_rate()) return 0;
    std::size_t hands_of_others = 0;
    for (const worker* const each : from.listeners) {
        if (!each->is_good(now)) continue;
        if (each->how.workers == 0) return 0;
        if (each != &to) hands_of_others += each->how.workers;
    }
    const std::size_t could_start = from.could_start(most + hands_of_others);
    return could_start - std::min(could_start, hands_of_others);
}

void house::claim_for(worker& by, const demand& wanted, exchanged& to) {
    for (queue* each : by.queues) promote(*each);
    demand most = wanted;
    if (wanted.which == claim::suspect) most = {.idle = by.held == 0 && wanted.idle != 0 ? 1u : 0u};
    if (by.holds_suspect || !by.is_good(now)) most = {};
    std::vector<std::size_t> room(by.queues.size(), most.idle);
    take(by, wanted.which, most.idle, room, to);
    if (most.ahead != 0 && to.jobs.size() == most.idle) {
        for (std::size_t i = 0; i != room.size(); ++i) room[i] = may_give_ahead(*by.queues[i], by, most.ahead);
        take(by, wanted.which, most.idle + most.ahead, room, to);
    }
    for (queue* each : by.queues) {
        to.suspects = to.suspects || each->eligible(claim::suspect, now);
        if (const std::optional<wall_time> next = each->next_time(now))
            to.next_in = std::min(to.next_in.value_or(microseconds::max()), *next - now);
    }
}

void house::take(worker& by, claim which, std::size_t most, std::vector<std::size_t>& room, exchanged& to) {
    while (to.jobs.size() < most) {
        queue* const from = next_queue(by, which, room, now);
        if (!from) break;
        if (to.jobs.empty()) to.jobs.reserve(std::min<std::size_t>(most, from->counts[2]));
        row& job = from->pop(which, now);
        by.hold(job);
        ++job.epoch;
        job.worker_name = by.name;
        job.started = now;
        step(job, state::running);
        if (job.holds_key && job.more->unique->until == unique_for::started) release_key(job);
        to.jobs.push_back(delivery_of(job));
    }
}

void house::give_back(worker& by) {
    while (by.first) static_cast<void>(settle(by, {.which = by.first->claim(), .what = verdict::returned}));
}

void house::rescue(worker& dead) {
    while (dead.first) {
        row& job = *dead.first;
        dead.lost.push_back(job.claim());
        ++job.crashes;
        add_report(job, {0, job.epoch, job.started, now, *job.worker_name, "its worker died"});
        if (job.cancel_asked)
            step(job, state::cancelled);
        else
            step(job, job.crashes >= crash_cap ? state::dead : state::available);
    }
}

}  // namespace gm::stores::in_memory
