#include <gristmill/jobs/attempt.hpp>

#include <algorithm>
#include <exception>

#include <gristmill/jobs/registry.hpp>
#include <gristmill/timer.hpp>

#include "clean_text.hpp"

namespace gm::jobs {

const char* to_string(stop_reason why) noexcept {
    switch (why) {
        case stop_reason::none: return "none";
        case stop_reason::cancelled: return "cancelled";
        case stop_reason::timed_out: return "timed out";
        case stop_reason::stopping: return "stopping";
        case stop_reason::lease_lost: return "lease lost";
    }
    return "?";
}

// A kind that only other workers know cannot be checked here.
client attempt::client_for(const std::string& name) const {
    const registry& kinds = core_.host->kinds();
    return kinds.find(name) ? jobs::client(core_.host->store(), kinds) : jobs::client(core_.host->store());
}

void attempt::throw_unreadable_step(std::string_view name, const field_error& why) {
    throw give_up("the recorded step '" + std::string(name) + "' is something else now: " + why.path + ": " + why.what);
}

namespace detail {

namespace {

std::exception_ptr cause_of(stop_reason why) {
    switch (why) {
        case stop_reason::cancelled: return std::make_exception_ptr(cancelled());
        case stop_reason::stopping: return std::make_exception_ptr(stopping());
        case stop_reason::lease_lost: return std::make_exception_ptr(lease_lost());
        default: return std::make_exception_ptr(deadline_exceeded());
    }
}

// Asks the store until it can be reached, or the handler is to stop. What it says then is final.
template <class Ask>
auto insist(attempt_core& self, Ask ask) {
    std::chrono::milliseconds pause(100);
    while (true) {
        auto answer = ask();
        if (answer || !answer.error().passing()) return answer;
        const gm::context until_stopped = self.context();
        if (gm::sleep(pause, until_stopped) != channel_status::ok) until_stopped.check();
        pause = std::min(2 * pause, std::chrono::milliseconds(5000));
    }
}

}  // namespace

void attempt_core::fill(delivery&& from, jobs::kind& with, time_point now) {
    const std::lock_guard hold(guard);
    job = std::move(from);
    what = &with;
    claimed_at = now;
    started_at.store({}, std::memory_order_relaxed);
    deadline.store(time_point::max(), std::memory_order_relaxed);
    asked_.store(stop_reason::none, std::memory_order_relaxed);
    progress = 0;
    note.clear();
    noted_.store(false, std::memory_order_relaxed);
    progressed_ = false;
    log_.clear();
    log_left_out_ = 0;
    steps_known_ = false;
    steps_.clear();
    dropped = false;
    with_secrets.reset();
    ran = {};
    end = {};
    now_in.store(phase::queued, std::memory_order_release);
}

void attempt_core::begin(time_point now, std::chrono::nanoseconds limit) noexcept {
    started_at.store(now, std::memory_order_relaxed);
    if (limit.count() > 0) deadline.store(now + limit, std::memory_order_relaxed);
}

gm::context attempt_core::context() {
    stop_reason why;
    std::shared_ptr<context_source> mine;
    {
        const std::lock_guard hold(guard);
        if (!context_) {
            const time_point due = deadline.load(std::memory_order_relaxed);
            context_ = due == time_point::max() ? std::make_shared<context_source>()
                                                : std::make_shared<context_source>(gm::context(), due);
        }
        mine = context_;
        why = asked_.load(std::memory_order_relaxed);
    }
    if (why != stop_reason::none) mine->cancel(cause_of(why));
    return mine->get();
}

stop_reason attempt_core::reason() const noexcept {
    const stop_reason why = asked_.load(std::memory_order_acquire);
    if (why != stop_reason::none) return why;
    const time_point due = deadline.load(std::memory_order_relaxed);
    return due != time_point::max() && gm::now() >= due ? stop_reason::timed_out : stop_reason::none;
}

void attempt_core::ask_to_stop(stop_reason why) noexcept { ask_to_stop_if({}, why); }

// In one hold: between a look at the claim and the word to its handler the slot might get another claim.
void attempt_core::ask_to_stop_if(std::span<const token> sorted, stop_reason why) noexcept {
    std::shared_ptr<context_source> theirs;
    {
        const std::lock_guard hold(guard);
        const phase at = now_in.load(std::memory_order_acquire);
        if (at != phase::queued && at != phase::running) return;
        if (!sorted.empty() && !std::ranges::binary_search(sorted, job.which)) return;
        if (asked_.load(std::memory_order_relaxed) != stop_reason::none && why != stop_reason::lease_lost) return;
        asked_.store(why, std::memory_order_release);
        theirs = context_;
    }
    if (theirs) theirs->cancel(cause_of(why));
}

void attempt_core::end_context() noexcept {
    std::shared_ptr<context_source> gone;  // destroyed after the guard
    const std::lock_guard hold(guard);
    gone = std::move(context_);
}

void attempt_core::set_progress(double share, std::string_view text) {
    {
        const std::lock_guard hold(guard);
        progress = share >= 0 ? std::min(share, 1.0) : 0;  // no number counts as 0
        note = clean(host->masked(text), 1024);
        progressed_ = true;
        noted_.store(true, std::memory_order_release);
    }
    host->has_notes(false);
}

void attempt_core::add_log(std::string_view text) {
    if (text.empty()) return;
    const std::string line = clean(host->masked(text), log_room);
    bool urgent;
    {
        const std::lock_guard hold(guard);
        noted_.store(true, std::memory_order_release);
        if (log_.size() + line.size() + 1 > log_room) {
            log_left_out_ += line.size() + 1;
        } else {
            if (log_left_out_ != 0)
                log_ += "[… " + std::to_string(std::exchange(log_left_out_, 0)) + " bytes left out]\n";
            log_ += line;
            if (line.back() != '\n') log_ += '\n';
        }
        urgent = log_.size() > log_room / 2;
    }
    host->has_notes(urgent);
}

std::optional<job_note> attempt_core::take_notes() {
    if (!noted_.load(std::memory_order_acquire)) return std::nullopt;
    const std::lock_guard hold(guard);
    job_note taken{.which = job.which, .progress = {}, .note = {}, .log = std::move(log_)};
    log_.clear();
    if (progressed_) {
        taken.progress = progress;
        taken.note = note;
    }
    if (log_left_out_ != 0) taken.log += "[… " + std::to_string(std::exchange(log_left_out_, 0)) + " bytes left out]\n";
    noted_.store(false, std::memory_order_relaxed);
    progressed_ = false;
    return taken;
}

void attempt_core::put_back(job_note&& unwritten) {
    const std::lock_guard hold(guard);
    if (job.which != unwritten.which) return;
    noted_.store(true, std::memory_order_release);
    progressed_ = progressed_ || unwritten.progress.has_value();
    log_.insert(0, unwritten.log);
}

jobs::ledger& attempt_core::steps_ledger() const {
    jobs::ledger* const ledger = host->store().ledger();
    if (!ledger || host->store().can(feature::steps).how == support::no)
        throw give_up(host->store().name() + " records no steps");
    return *ledger;
}

const body* attempt_core::find_step(std::string_view name) {
    jobs::ledger& ledger = steps_ledger();
    if (!steps_known_ && job.has_steps) {
        auto known = insist(*this, [&] { return ledger.steps(job.id); });
        if (!known) throw std::runtime_error("the steps cannot be read: " + known.error().what);
        for (step& each : *known) steps_.push_back(std::move(each));
    }
    steps_known_ = true;
    for (const step& each : steps_)
        if (each.name == name) return &each.result;
    return nullptr;
}

void attempt_core::record_step(std::string_view name, body result) {
    if (reason() == stop_reason::lease_lost) throw lease_lost();
    steps_.push_back({std::string(name), std::move(result)});
    while (true) {
        const auto answer = insist(*this, [&] { return steps_ledger().put_step(job.which, steps_.back()); });
        if (!answer) throw std::runtime_error("a step cannot be recorded: " + answer.error().what);
        if (*answer == settled::yes) return;
        if (*answer == settled::refused) throw lease_lost();
        const gm::context until_stopped = context();
        if (gm::sleep(std::chrono::milliseconds(100), until_stopped) != channel_status::ok) until_stopped.check();
    }
}

}  // namespace detail
}  // namespace gm::jobs
