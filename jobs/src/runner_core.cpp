// A run from its start to its end: what the exchanger does beside exchanging.
#include "runner_core.hpp"

#include <algorithm>

#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

namespace gm::jobs::detail {

namespace {

constexpr std::size_t messages_at_once = 4096;
constexpr std::chrono::milliseconds notes_every{1000};
// Above this rate the exchanger naps between two exchanges, and while it gathers what many of them bring: to be woken by each end
// costs the crew more than the jobs do.
constexpr double nap_above = 20'000;
constexpr std::chrono::microseconds longest_nap{500};

std::uint64_t seed_of(const runner_options& options) {
    if (options.seed != 0) return options.seed;
    return mixed(static_cast<std::uint64_t>(gm::now().time_since_epoch().count()));
}

}  // namespace

runner_core::runner_core(jobs::store& store, const registry& kinds, const runner_options& options, unsigned workers,
                         bool paused)
    : store_(store),
      kinds_(kinds),
      options_(options),
      observer_(options.observer),
      secrets_(options.env_secrets),
      wake_(std::make_shared<wakeup>(2 * (workers + options.coroutines + options.most_ahead) + 16)),
      workers_(workers),
      coroutines_(std::max(options.coroutines, 1u)),
      paused_(paused),
      pace_(gm::now()),
      exchange_pause_(seed_of(options)),
      crew_({.workers = workers, .queue = unbounded_queue, .times = job_times::none, .name = "gm-work"}),
      coroutine_crew_(
          {.workers = coroutines_, .queue = unbounded_queue, .times = job_times::none, .name = "gm-tasks"}) {}

runner_report runner_core::run(const context& ctx) {
    runner_report begun;
    if (!subscribe(ctx, begun)) return begun;
    read_wall_clock();
    {
        gm::wait_group helpers;
        context_source quit;  // ends before they are joined, also when something throws
        helpers.go([&] { beat_until(quit); });
        helpers.go([&] { sweep_until(quit); });
        loop(ctx);
        quit.cancel();
        helpers.wait();
    }
    return report(std::move(begun));
}

// Again and again while the store cannot be reached. False: there is no source, and the report says why.
bool runner_core::subscribe(const context& ctx, runner_report& report) {
    const subscription how{
        .queues = options_.queues, .worker = options_.name, .lease = options_.lease, .bell = [wake = wake_] {
            wake->ring();
        }};
    while (true) {
        const time_point asked = gm::now();
        auto opened = store_.subscribe(how);
        if (opened) {
            lease_until_.store(asked + options_.lease);
            source_ = *std::move(opened);
            works_again("subscribe", exchange_pause_);
            return true;
        }
        const time_point now = gm::now();
        trouble("subscribe", opened.error(), exchange_pause_, now);
        const bool over =
            !opened.error().passing() || gm::sleep_until(exchange_pause_.when(false), ctx) != channel_status::ok;
        if (!over) continue;
        report.error = std::move(opened).error();
        return false;
    }
}

void runner_core::loop(const context& ctx) {
    while (true) {
        take_messages(ctx);
        const time_point now = gm::now();
        pace_.look(now);
        per_second_.store(pace_.per_second(), std::memory_order_relaxed);
        watch_stop(now, ctx.is_done());
        if (paused_.load(std::memory_order_relaxed)) withdraw_unstarted(now);
        if (now >= next_return_) withdraw_unstarted(now - options_.unstarted);
        if (now >= next_abandon_) abandon_overdue(now);
        const bool exchanged = exchange_is_due(now);
        if (exchanged)
            exchange(now);
        else if ((now >= notes_due_ || urgent_notes_.load(std::memory_order_relaxed)) &&
                 now >= exchange_pause_.when(false))
            static_cast<void>(write_notes(true));
        if (at_end(gm::now())) return;
        if (exchanged || gathers(now)) linger();
    }
}

void runner_core::take_messages(const context& ctx) {
    messages_.clear();
    const time_point until_then = wakes_at(gm::now());
    // Once the context is done, it would end every wait.
    const gm::until limit = stop_ == stop_step::no ? gm::until(ctx, until_then) : gm::until(until_then);
    busy_since_.store(never);
    static_cast<void>(wake_->inbox.receive_some(messages_, messages_at_once, limit));
    busy_since_.store(gm::now());
    wake_->poked.store(false);  // before we look: whoever pokes from here on sends another
    if (notes_.load(std::memory_order_relaxed) && notes_due_ == never) notes_due_ = gm::now() + notes_every;
    for (attempt_core* const each : messages_)
        if (each) take_back(*each);
}

// When there is something to do although nobody sends anything.
time_point runner_core::wakes_at(time_point now) {
    if (exchange_is_due(now) || (fatal_ && stop_ == stop_step::no)) return now;
    const time_point always = std::min({next_return_, next_abandon_, stop_limit_});
    // While the store is away there is nothing to say to it.
    if (const time_point again = exchange_pause_.when(wake_->rung.load()); again > now) return std::min(always, again);
    if (gathers(now)) return std::min(always, gather_until_);
    if (stop_ != stop_step::no || paused_.load(std::memory_order_relaxed)) return std::min(always, notes_due_);
    const demand asked = wanted(now);
    const time_point look = asked.idle + asked.ahead != 0 ? next_look_ : never;
    return std::min({always, notes_due_, look, turns_.look_again(now)});
}

void runner_core::take_back(attempt_core& slot) {
    --bodies_;
    switch (slot.now_in.load(std::memory_order_acquire)) {
        case phase::over: {
            const bool coroutine = slot.what->coroutine;
            --(coroutine ? open_coroutines_ : open_functions_);
            counts_.started.add();
            pace_.ended(slot.ran, coroutine);
            ran_.add(static_cast<std::uint64_t>(slot.ran.count()));
            waited_.add(static_cast<std::uint64_t>((slot.started_at.load() - slot.claimed_at).count()));
            if (slot.dropped) {
                counts_.lost.add();
            } else {
                if (auto notes = slot.take_notes()) late_notes_.push_back(*std::move(notes));
                settle(std::move(slot.end), slot, false);
            }
            break;
        }
        case phase::abandoned: {
            --abandoned_bodies_;
            if (slot.what->coroutine) abandoned_coroutines(-1);
            break;
        }
        case phase::stale: {
            --(slot.what->coroutine ? open_coroutines_ : open_functions_);
            settlement back;
            back.which = slot.job.which;
            back.what = verdict::returned;
            settle(std::move(back), slot, false);
            break;
        }
        default: break;  // withdrawn
    }
    free_slot(slot);
}

void runner_core::free_slot(attempt_core& slot) {
    slot.now_in.store(phase::idle, std::memory_order_relaxed);
    free_.push_back(&slot);
}

void runner_core::watch_stop(time_point now, bool asked) {
    if (stop_ == stop_step::no && (asked || fatal_)) {
        stop_ = stop_step::grace;
        stop_limit_ = now + options_.grace;
        state_.store(run_state::stopping, std::memory_order_relaxed);
        withdraw_unstarted(now);
    }
    if (stop_ != stop_step::grace || (now < stop_limit_ && !hurried_.load())) return;
    stop_ = stop_step::asked;
    stop_limit_ = now + options_.last_grace;
    for (attempt_core* const each : all_slots())
        if (each->now_in.load() == phase::running) each->ask_to_stop(stop_reason::stopping);
}

// What is at hand since then or longer, and has not started, goes back.
void runner_core::withdraw_unstarted(time_point claimed_until) {
    next_return_ = never;
    for (attempt_core& each : slots_) {
        if (each.now_in.load(std::memory_order_relaxed) != phase::queued) continue;
        if (each.claimed_at > claimed_until) {
            next_return_ = std::min(next_return_, each.claimed_at + options_.unstarted);
            continue;
        }
        if (!each.move_on(phase::queued, phase::withdrawn)) continue;
        --(each.what->coroutine ? open_coroutines_ : open_functions_);
        settlement back;
        back.which = each.job.which;
        back.what = verdict::returned;
        settle(std::move(back), each, false);
    }
}

// A handler that did not come back long after its time was up: its job goes on without it.
void runner_core::abandon_overdue(time_point now) {
    next_abandon_ = never;
    for (attempt_core& each : slots_) {
        const phase at = each.now_in.load(std::memory_order_acquire);
        if (at != phase::queued && at != phase::running) continue;
        const std::chrono::nanoseconds limit = timeout_of(each);
        if (limit.count() == 0) continue;
        const time_point started = at == phase::running ? each.started_at.load() : now;
        const time_point due = started + limit + options_.abandon_after;
        if (at == phase::queued || now < due) {
            next_abandon_ = std::min(next_abandon_, due);
            continue;
        }
        if (!each.move_on(phase::running, phase::abandoned)) continue;
        --(each.what->coroutine ? open_coroutines_ : open_functions_);
        ++abandoned_bodies_;
        if (each.what->coroutine) abandoned_coroutines(+1);
        counts_.started.add();
        settlement end;
        end.which = each.job.which;
        end.overlapping = true;
        end.ran = std::chrono::duration_cast<std::chrono::microseconds>(now - started);
        judge_failure(end, each, "it did not come back after its time was up");
        if (auto notes = each.take_notes()) late_notes_.push_back(*std::move(notes));
        if (observer_) {
            attempt_event event = event_of(each);
            event.what = end.what;
            event.ran = end.ran;
            event.error = end.error;
            event.overlapping = true;
            observer_->failed(event);
        }
        settle(std::move(end), each, true);
    }
}

// One that is abandoned gives its place away, as a stuck thread is replaced: up to once the crew.
void runner_core::abandoned_coroutines(int more) {
    abandoned_coroutines_ = static_cast<unsigned>(static_cast<int>(abandoned_coroutines_) + more);
    coroutine_crew_.resize(coroutines_ + std::min(abandoned_coroutines_, coroutines_));
}

bool runner_core::at_end(time_point now) const {
    const bool at_rest = bodies_ == abandoned_bodies_ && finishes_.empty();
    if (stop_ == stop_step::no) return options_.until_idle && at_rest && idle_seen_;
    if (at_rest || (fatal_ && bodies_ == abandoned_bodies_)) return true;
    return stop_ == stop_step::asked && now >= stop_limit_;
}

void runner_core::linger() const {
    const double rate = std::max(pace_.per_second(), gathers(gm::now()) ? nap_above : 0);
    const std::size_t open = open_functions_ + open_coroutines_, crew = workers_.load(std::memory_order_relaxed);
    if (rate < nap_above || open < 2 * crew || stop_ != stop_step::no) return;
    const std::chrono::duration<double> half(static_cast<double>(open) / (2 * rate));
    gm::sleep(
        std::min<std::chrono::nanoseconds>(longest_nap, std::chrono::duration_cast<std::chrono::nanoseconds>(half)));
}

runner_report runner_core::report(runner_report&& begun) {
    runner_report all = std::move(begun);
    all.counts = snapshot().counts;
    // What comes back from here on is dropped: nobody is left to be told.
    for (attempt_core& each : slots_) static_cast<void>(each.move_on(phase::running, phase::abandoned));
    all.unfinished = bodies_;
    all.unsettled = finishes_.size();
    all.error = fatal_;
    if (!all.error && all.unsettled != 0) all.error = store_error{store_fault::unreachable, trouble_.words};
    return all;
}

std::vector<attempt_core*> runner_core::all_slots() {
    const std::lock_guard hold(slots_guard_);
    std::vector<attempt_core*> all;
    all.reserve(slots_.size());
    for (attempt_core& each : slots_) all.push_back(&each);
    return all;
}

// ---- from any thread ----

void runner_core::hurry() noexcept {
    hurried_.store(true);
    wake_->poke();
}

void runner_core::resize(unsigned workers) {
    workers_.store(workers, std::memory_order_relaxed);
    crew_.resize(workers);
    wake_->poke();
    if (observer_) observer_->resized(workers);
}

void runner_core::pause(bool paused) {
    paused_.store(paused);
    wake_->ring();
    wake_->poke();
}

void runner_core::has_notes(bool urgent) noexcept {
    if (urgent && !urgent_notes_.exchange(true)) wake_->poke();
    if (!notes_.load(std::memory_order_relaxed) && !notes_.exchange(true)) wake_->poke();
}

namespace {

duration_histogram copy_of(const gm::detail::own_histogram& from) {
    duration_histogram copy;
    for (std::size_t i = 0; i != copy.buckets.size(); ++i) {
        copy.buckets[i] = from.buckets[i].get();
        copy.count += copy.buckets[i];
    }
    return copy;
}

}  // namespace

runner_snapshot runner_core::snapshot() {
    runner_snapshot all;
    all.state = state_.load(std::memory_order_relaxed);
    if (all.state == run_state::running && paused_.load()) all.state = run_state::paused;
    all.workers = workers_.load(std::memory_order_relaxed);
    all.coroutines = coroutines_;
    all.unsettled = unsettled_.load(std::memory_order_relaxed);
    all.starts_per_second = per_second_.load(std::memory_order_relaxed);
    all.waited = copy_of(waited_);
    all.ran = copy_of(ran_);
    const time_point now = gm::now();
    for (attempt_core* const each : all_slots()) {
        const std::lock_guard hold(each->guard);
        const phase at = each->now_in.load(std::memory_order_acquire);
        all.at_hand += at == phase::queued;
        if (at != phase::running && at != phase::abandoned) continue;
        const delivery& job = each->job;
        all.running.push_back({.lane = each->lane.load(std::memory_order_relaxed),
                               .id = job.id,
                               .kind = job.kind,
                               .queue = job.queue,
                               .key = job.key,
                               .attempt = job.attempt,
                               .coroutine = each->what->coroutine,
                               .abandoned = at == phase::abandoned,
                               .asked = each->reason(),
                               .since = now - each->started_at.load(std::memory_order_relaxed),
                               .progress = each->progress,
                               .note = each->note});
    }
    const auto& c = counts_;
    const auto still = std::ranges::count(all.running, false, &running_job::abandoned);
    all.counts = {.started = c.started.get() + static_cast<std::uint64_t>(still),
                  .completed = c.completed.get(),
                  .retried = c.retried.get(),
                  .dead = c.dead.get(),
                  .cancelled = c.cancelled.get(),
                  .snoozed = c.snoozed.get(),
                  .put_off = c.put_off.get(),
                  .returned = c.returned.get(),
                  .interrupted = c.interrupted.get(),
                  .lost = c.lost.get(),
                  .abandoned = c.abandoned.get()};
    const std::lock_guard hold(words_guard_);
    all.store_away = !trouble_.doing.empty();
    all.trouble = trouble_.words;
    return all;
}

}  // namespace gm::jobs::detail
