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
        case verdict::returned: step_or_cancel(state::available, std::nullopt, true); break;
        case verdict::interrupted:
            ++job.interruptions;
            report_end(job, end, 0, end.error.empty() ? "interrupted: its worker stopped" : end.error);
            step_or_cancel(state::available);
            break;
    }
    return settled::yes;
}

namespace {

// The next one of the worker's queues that has something for it; they take turns, job by job.
queue* next_queue(worker& by, claim which, bool to_start, wall_time now) {
    for (std::size_t i = 0; i != by.queues.size(); ++i) {
        queue& each = *by.queues[by.turn];
        if (++by.turn == by.queues.size()) by.turn = 0;
        if ((to_start || !each.limited()) && each.eligible(which, now)) return &each;
    }
    return nullptr;
}

}  // namespace

void house::claim_for(worker& by, const demand& wanted, exchanged& to) {
    for (queue* each : by.queues) promote(*each);
    std::size_t most = wanted.idle + wanted.ahead;
    if (wanted.which == claim::suspect) most = by.held == 0 && wanted.idle != 0 ? 1 : 0;
    if (by.holds_suspect || !by.is_good(now)) most = 0;
    while (to.jobs.size() < most) {
        queue* const from = next_queue(by, wanted.which, to.jobs.size() < wanted.idle, now);
        if (!from) break;
        if (to.jobs.empty()) to.jobs.reserve(std::min<std::size_t>(most, from->counts[2]));
        row& job = from->pop(wanted.which, now);
        by.hold(job);
        ++job.epoch;
        job.worker_name = by.name;
        job.started = now;
        step(job, state::running);
        if (job.holds_key && job.more->unique->until == unique_for::started) release_key(job);
        to.jobs.push_back(delivery_of(job));
    }
    for (queue* each : by.queues) {
        to.suspects = to.suspects || each->eligible(claim::suspect, now);
        if (const std::optional<wall_time> next = each->next_time(now))
            to.next_in = std::min(to.next_in.value_or(microseconds::max()), *next - now);
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
