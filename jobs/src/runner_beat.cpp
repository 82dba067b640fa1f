// The two threads beside the exchanger: one renews the lease and tells handlers what the store says about their claims,
// the other sweeps, and fires what cron entries are due.
#include <algorithm>

#include <gristmill/jobs/schedule.hpp>
#include <gristmill/timer.hpp>

#include "runner_core.hpp"

namespace gm::jobs::detail {

void runner_core::beat_until(const context& quit) {
    const std::chrono::microseconds every = options_.beat.count() > 0 ? options_.beat : options_.lease / 3;
    patience pause(mixed(options_.seed + 1));
    bool wedged = false;
    unsigned last_wanted = 0;
    time_point next = gm::now();  // the first at once: it tells the others the size of this crew
    while (gm::sleep_until(next, quit) == channel_status::ok) {
        const time_point now = gm::now();
        next = now + every;
        // The exchanger hangs in the store, or worse: to go on beating would keep jobs from those who could run them.
        const time_point busy_since = busy_since_.load();
        if (busy_since != never && now - busy_since >= options_.wedged) {
            if (!std::exchange(wedged, true) && observer_) observer_->wedged(now - busy_since);
            continue;
        }
        wedged = false;
        auto told = source_->beat(how_it_goes());
        if (!told) {
            trouble("beat", told.error(), pause, now);
            next = std::min(next, pause.when(false));
            continue;
        }
        lease_until_.store(now + options_.lease);
        works_again("beat", pause);
        tell_slots(told->lost, stop_reason::lease_lost);
        tell_slots(told->cancelled, stop_reason::cancelled);
        // Obeyed once: it is told again and again, and a resize by the program itself stands meanwhile.
        if (told->workers_wanted && *told->workers_wanted != std::exchange(last_wanted, *told->workers_wanted))
            resize(std::max(1u, *told->workers_wanted));
    }
}

pulse runner_core::how_it_goes() {
    pulse how;
    how.workers = workers_.load(std::memory_order_relaxed);
    for (const attempt_core* const each : all_slots()) how.busy += each->now_in.load() == phase::running;
    how.completed = counts_.completed.get();
    how.failed = counts_.retried.get() + counts_.dead.get();
    return how;
}

void runner_core::tell_slots(const std::vector<token>& which, stop_reason why) {
    if (which.empty()) return;
    std::vector<token> sorted = which;
    std::ranges::sort(sorted);
    for (attempt_core* const each : all_slots()) each->ask_to_stop_if(sorted, why);
}

void runner_core::sweep_until(const context& quit) {
    constexpr std::chrono::nanoseconds soonest = std::chrono::milliseconds(10);
    patience pause(mixed(options_.seed + 2)), cron_pause(mixed(options_.seed + 3));
    std::chrono::nanoseconds again{0};
    while (gm::sleep(again, quit) == channel_status::ok) {
        const time_point now = gm::now();
        read_wall_clock();
        const auto did = source_->sweep();
        if (did) {
            works_again("sweep", pause);
            again = did->again_in;
        } else {
            trouble("sweep", did.error(), pause, now);
            again = pause.when(false) - now;
        }
        again = std::max(soonest, std::min(again, fire_entries(cron_pause)));
    }
}

// Gives the time until the next entry is due. Others may put entries meanwhile: those are found at the next sweep.
std::chrono::nanoseconds runner_core::fire_entries(patience& pause) {
    ledger* const table = store_.ledger();
    if (!table || store_.can(feature::cron).how == support::no) return std::chrono::nanoseconds::max();
    const wall_time now = store_.now();
    auto fired = fire_due(*table, now);
    if (!fired) {
        trouble("cron", fired.error(), pause, gm::now());
        return std::chrono::nanoseconds::max();  // the next sweep tries again
    }
    works_again("cron", pause);
    for (const broken_entry& each : fired->broken) {
        // Told once, while it stays as it is.
        if (!observer_ || std::ranges::find(broken_, each) != broken_.end()) continue;
        const store_error why{store_fault::invalid, "cron '" + each.name + "': " + each.what};
        observer_->trouble({"cron", &why, 1});
    }
    broken_ = std::move(fired->broken);
    return fired->next ? *fired->next - now : std::chrono::nanoseconds::max();
}

}  // namespace gm::jobs::detail
