// Settling and claiming: the exchanger's talk with the store.
#include <algorithm>
#include <chrono>
#include <cmath>

#include "runner_core.hpp"

namespace gm::jobs::detail {

namespace {
constexpr std::chrono::milliseconds look_for_others_every{200};  // of a run that ends when nothing is left
constexpr int most_doubtful_looks = 5;
constexpr std::chrono::nanoseconds longest_gathering = std::chrono::milliseconds(2);
}  // namespace

bool runner_core::exchange_is_due(time_point now) {
    if (!source_ || fatal_) return false;
    const bool last_try = stop_ == stop_step::asked && now >= stop_limit_;
    if (now < exchange_pause_.when(wake_->rung.load()) && !last_try) return false;
    if (gathers(now)) return false;
    if (!finishes_.empty()) return true;
    const demand asked = wanted(now);
    if (asked.idle + asked.ahead == 0) return false;
    return asked.which == claim::suspect || more_ || now >= next_look_ || wake_->rung.load();
}

// What was just given ends before the store could answer again: its end would miss that exchange, and wait for a whole one more.
bool runner_core::gathers(time_point now) const noexcept {
    return now < gather_until_ && open_functions_ + open_coroutines_ != 0 && stop_ == stop_step::no;
}

// What may be claimed: nothing while the run stops or is paused; a suspect alone; else what the crew has room for.
demand runner_core::wanted(time_point now) {
    if (stop_ != stop_step::no || paused_.load(std::memory_order_relaxed)) return {};
    const auto turn = turns_.next(now, holding(), pace_.median());
    if (!turn) return {};
    if (*turn == claim::suspect) return {.idle = 1, .ahead = 0, .which = claim::suspect};

    const std::size_t workers = workers_.load(std::memory_order_relaxed);
    const std::size_t free_threads = workers - std::min(workers, open_functions_);
    const std::size_t free_coroutines = coroutines_ - std::min<std::size_t>(coroutines_, open_coroutines_);
    std::size_t ahead = 0;
    if (pace_.median() <= options_.ahead) {
        const double some = pace_.per_second() * std::chrono::duration<double>(options_.ahead).count();
        ahead = std::min(options_.most_ahead, static_cast<std::size_t>(some));
    }
    const std::size_t waiting = open_functions_ - std::min(workers, open_functions_) + open_coroutines_ -
                                std::min<std::size_t>(coroutines_, open_coroutines_);
    ahead -= std::min(ahead, waiting);
    if (!kinds_.has_coroutines()) return {.idle = free_threads, .ahead = ahead};
    if (!kinds_.has_functions()) return {.idle = free_coroutines, .ahead = ahead};
    return {.idle = idle_of_both(free_threads, free_coroutines), .ahead = std::min(free_threads, ahead)};
}

// Functions and coroutines come in one stream, and only the past says in which shares. As many as make neither wait, by those
// shares; and one more where one of the two has room, so that a new mixture can show.
std::size_t runner_core::idle_of_both(std::size_t free_threads, std::size_t free_coroutines) const {
    const double coroutines = std::clamp(pace_.coroutine_share(), 0.02, 0.98);
    const bool threads_wait = open_functions_ > workers_.load(std::memory_order_relaxed);
    const bool coroutines_wait = open_coroutines_ > coroutines_;
    const double by_threads = static_cast<double>(free_threads + (threads_wait ? 0 : 1)) / (1 - coroutines);
    const double by_coroutines = static_cast<double>(free_coroutines + (coroutines_wait ? 0 : 1)) / coroutines;
    if (free_threads + free_coroutines == 0) return 0;
    return std::min(static_cast<std::size_t>(std::min(by_threads, by_coroutines)), free_threads + free_coroutines);
}

void runner_core::exchange(time_point now) {
    if (!write_notes(now >= notes_due_ || urgent_notes_.load(std::memory_order_relaxed))) return;
    const demand asked = wanted(now);
    const bool rung = asked.idle + asked.ahead != 0 && wake_->rung.exchange(false);
    const time_point begun = gm::now();
    auto got = source_->exchange(finishes_, asked);
    const time_point answered = gm::now();
    if (!got) {
        if (rung) wake_->rung.store(true);  // what it rang for has not been claimed
        if (got.error().fault == store_fault::invalid && !finishes_.empty()) return isolate_invalid();
        // Neither passes while this program runs: somebody else has to do the work.
        if (got.error().fault == store_fault::stopped || got.error().fault == store_fault::too_new)
            fatal_ = got.error();
        return trouble("exchange", got.error(), exchange_pause_, now);
    }
    take_outcomes(got->outcomes);
    if (finishes_.empty())
        works_again("exchange", exchange_pause_);
    else
        trouble("exchange", {store_fault::unreachable, "the store does not know what it has settled"}, exchange_pause_,
                now);
    // If all of it can be over in a quarter of the time that an exchange takes, it is worth the wait: ends that miss the next
    // exchange split the batches, and every half of one costs a commit.
    const std::chrono::nanoseconds quarter = std::min((answered - begun) / 4, longest_gathering);
    const std::size_t workers = std::max(workers_.load(std::memory_order_relaxed), 1u);
    const auto turns = static_cast<std::int64_t>((got->jobs.size() + workers - 1) / workers);
    const bool soon_over = turns != 0 && pace_.median() * turns < quarter;
    gather_until_ = soon_over ? answered + quarter : time_point{};
    claimed(*std::move(got), asked, now);
}

void runner_core::claimed(exchanged&& got, const demand& asked, time_point now) {
    const std::size_t most = asked.idle + asked.ahead;
    const bool some = !got.jobs.empty();
    const std::size_t n = got.jobs.size();
    for (delivery& each : got.jobs) admit(std::move(each), now);
    if (most == 0) return;
    more_ = n >= most || asked.which == claim::suspect;
    next_look_ = now + options_.poll;
    // Not less than a moment: a store that says "now" and gives nothing must not make us spin.
    if (got.next_in) next_look_ = std::min(next_look_, now + std::max(*got.next_in, std::chrono::microseconds(100)));
    turns_.claimed(now, asked.which, some, got.suspects);
    if (!options_.until_idle) return;
    const bool alive = gm::now() < lease_until_.load();  // else it was given nothing, whatever there is
    const bool nothing = alive && !some && !got.suspects && asked.which == claim::ordinary;
    watch_idleness(nothing && (!got.next_in || only_others_are_left()), now);
}

// The run is at its end when nothing is there for it, and nothing ran elsewhere when that was asked: what others run may still
// come back, or let go of a place in a limit or of those who wait for it. So that is looked at first, and a claim comes after.
void runner_core::watch_idleness(bool idle, time_point now) {
    const bool at_rest = bodies_ == abandoned_bodies_ && finishes_.empty();
    const bool over = idle && alone_;
    // Something may have come meanwhile: then it is looked at again, but not for ever, for some bells ring by the clock too, and a
    // look may take longer than their interval.
    idle_seen_ = over && (!wake_->rung.load() || ++doubtful_looks_ >= most_doubtful_looks);
    if (idle_seen_) return;
    if (!over) doubtful_looks_ = 0;
    alone_ = idle && at_rest && !others_may_bring_more();
    if (idle && at_rest) next_look_ = alone_ ? now : std::min(next_look_, now + look_for_others_every);
}

bool runner_core::others_may_bring_more() {
    jobs::ledger* const ledger = store_.ledger();
    if (!ledger) return false;
    const auto any = [&](state which, const std::string& queue) {
        const auto found = ledger->count({.states = {which}, .queue = queue});
        return !found || *found != 0;  // one that cannot be asked may have some
    };
    bool some_wait = false;
    for (const std::string& each : options_.queues) {
        if (any(state::running, each)) return true;
        some_wait = some_wait || any(state::waiting, each);
    }
    return some_wait && any(state::running, {});  // for a parent in a queue that is not ours
}

// Whether all that waits in our queues is of kinds that others know: those come back for ever, and a run until idle does not
// wait for them. Asked only when there has been such a job. What cannot be found out is asked again later.
bool runner_core::only_others_are_left() {
    jobs::ledger* const ledger = store_.ledger();
    if (!later_.any() || !ledger) return false;
    const auto queues = ledger->queues();
    if (!queues) return false;
    for (const queue_report& each : *queues) {
        if (each.paused || std::ranges::find(options_.queues, each.name) == options_.queues.end()) continue;
        for (const std::string& kind : kinds_.names()) {
            const auto ours = ledger->count(
                {.states = {state::scheduled, state::available, state::retrying}, .queue = each.name, .kind = kind});
            if (!ours || *ours != 0) return false;
        }
    }
    return true;
}

// ---- ends ----

void runner_core::settle(settlement&& end, const attempt_core& slot, bool abandoned) {
    finishes_.push_back(std::move(end));
    ended_.push_back({slot.job.id, slot.what, abandoned});
    unsettled_.store(finishes_.size(), std::memory_order_relaxed);
    idle_seen_ = alone_ = false;
}

// Those of which the store does not know are presented again.
void runner_core::take_outcomes(const std::vector<settled>& outcomes) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i != finishes_.size(); ++i) {
        const settled outcome = i < outcomes.size() ? outcomes[i] : settled::unknown;
        if (outcome == settled::yes) {
            count(finishes_[i], ended_[i]);
        } else if (outcome == settled::refused) {
            counts_.lost.add();
            if (observer_) {
                attempt_event event;
                event.id = ended_[i].id;
                if (ended_[i].what) event.kind = ended_[i].what->name;
                event.what = finishes_[i].what;
                observer_->lost(event);
            }
        } else {
            if (kept != i) {
                finishes_[kept] = std::move(finishes_[i]);
                ended_[kept] = ended_[i];
            }
            ++kept;
        }
    }
    finishes_.resize(kept);
    ended_.resize(kept);
    unsettled_.store(kept, std::memory_order_relaxed);
}

void runner_core::count(const settlement& end, const ended& of) {
    gm::detail::own_counter* const counters[] = {&counts_.completed,  &counts_.retried, &counts_.dead,
                                                 &counts_.cancelled,  &counts_.snoozed, &counts_.returned,
                                                 &counts_.interrupted};
    (of.what ? *counters[static_cast<std::size_t>(end.what)] : counts_.put_off).add();
    if (of.abandoned) counts_.abandoned.add();
}

// The store will not take the ends as they are, and that will not pass: one of them must be at fault, a result that is too
// large for it, say. One by one, and the one that it refuses becomes a dead job that says why.
void runner_core::isolate_invalid() {
    std::vector<settlement> all = std::exchange(finishes_, {});
    std::vector<ended> whose = std::exchange(ended_, {});
    for (std::size_t i = 0; i != all.size(); ++i) {
        auto one = source_->exchange(std::span(&all[i], 1), demand{});
        if (!one && one.error().fault == store_fault::invalid) {
            all[i].what = verdict::dead;
            all[i].result = {};
            all[i].error = "its end was refused by the store: " + one.error().what;
            one = source_->exchange(std::span(&all[i], 1), demand{});
            if (!one && one.error().fault == store_fault::invalid) {
                trouble("exchange", one.error(), exchange_pause_, gm::now());
                counts_.lost.add();
                continue;  // its claim ends with the lease
            }
        }
        finishes_.push_back(std::move(all[i]));
        ended_.push_back(whose[i]);
        if (one) {  // the same again would be `settled`, too; but it is cheap to say so now
            std::vector<settled> outcomes(finishes_.size(), settled::unknown);
            outcomes.back() = one->outcomes.empty() ? settled::unknown : one->outcomes.front();
            take_outcomes(outcomes);
            for (delivery& each : one->jobs) admit(std::move(each), gm::now());
        }
    }
    unsettled_.store(finishes_.size(), std::memory_order_relaxed);
}

// ---- notes ----

// Those of ended attempts go before their ends, after which the store would refuse them. False: the store is away.
bool runner_core::write_notes(bool all) {
    if (all) {
        notes_.store(false);
        urgent_notes_.store(false);
        notes_due_ = never;
    }
    jobs::ledger* const ledger = store_.ledger();
    std::vector<job_note> notes = std::exchange(late_notes_, {});
    std::vector<attempt_core*> from(notes.size(), nullptr);
    if (all)
        for (attempt_core& each : slots_)
            if (each.now_in.load(std::memory_order_acquire) == phase::running)
                if (auto one = each.take_notes()) {
                    notes.push_back(*std::move(one));
                    from.push_back(&each);
                }
    if (notes.empty() || !ledger || store_.can(feature::progress).how == support::no) return true;
    const auto answer = ledger->note(notes);
    if (answer) return true;
    trouble("notes", answer.error(), exchange_pause_, gm::now());
    if (!answer.error().passing()) return true;  // the ends are worth more than the words
    for (std::size_t i = 0; i != notes.size(); ++i) {
        if (!from[i])
            late_notes_.push_back(std::move(notes[i]));
        else
            from[i]->put_back(std::move(notes[i]));
    }
    has_notes(false);
    return false;
}

// ---- a store that is away ----

void runner_core::trouble(std::string_view doing, const store_error& why, patience& pause, time_point now) {
    pause.failed(now);
    {
        const std::lock_guard hold(words_guard_);
        trouble_ = {doing, why.what.empty() ? std::string(name_of(why.fault)) : why.what};
    }
    if (observer_) observer_->trouble({doing, &why, pause.times()});
}

void runner_core::works_again(std::string_view doing, patience& pause) {
    if (pause.times() == 0) return;
    const unsigned times = pause.times();
    pause.worked();
    {
        const std::lock_guard hold(words_guard_);
        if (trouble_.doing == doing) trouble_ = {};
    }
    if (observer_) observer_->trouble({doing, nullptr, times});
}

// ---- what was claimed ----

// Without a handler for its kind.
void runner_core::put_off(delivery&& job, time_point now) {
    settlement back;
    back.which = job.which;
    back.what = verdict::returned;
    back.at = wall_now() + std::chrono::duration_cast<std::chrono::microseconds>(later_.next(now));
    finishes_.push_back(std::move(back));
    ended_.push_back({job.id, nullptr, false});
    unsettled_.store(finishes_.size(), std::memory_order_relaxed);
    idle_seen_ = alone_ = false;
    if (!observer_) return;
    attempt_event event;
    event.id = job.id;
    event.kind = job.kind;
    event.queue = job.queue;
    event.attempt = job.attempt;
    event.what = verdict::returned;
    observer_->put_off(event);
}

void runner_core::admit(delivery&& job, time_point now) {
    kind* const what = kinds_.find(job.kind);
    if (!what) return put_off(std::move(job), now);
    attempt_core* slot;
    if (free_.empty()) {
        const std::lock_guard hold(slots_guard_);
        slot = &slots_.emplace_back(*this, static_cast<int>(slots_.size()));
    } else {
        slot = free_.back();
        free_.pop_back();
    }
    slot->fill(std::move(job), *what, now);
    ++(what->coroutine ? open_coroutines_ : open_functions_);
    ++bodies_;
    next_return_ = std::min(next_return_, now + options_.unstarted);
    if (const auto limit = timeout_of(*slot); limit.count() != 0)
        next_abandon_ = std::min(next_abandon_, now + limit + options_.abandon_after);
    try {
        post(*slot);
    } catch (const std::exception& why) {  // no thread, no memory: somebody else may have both
        trouble("start", {store_fault::unreachable, why.what()}, exchange_pause_, now);
        static_cast<void>(slot->move_on(phase::queued, phase::withdrawn));
        --(what->coroutine ? open_coroutines_ : open_functions_);
        settlement back;
        back.which = slot->job.which;
        back.what = verdict::returned;
        settle(std::move(back), *slot, false);
        --bodies_;
        free_slot(*slot);
    }
}

}  // namespace gm::jobs::detail
