// The two threads beside the exchanger: one renews the lease and tells handlers what the store says about their claims,
// the other sweeps.
#include <algorithm>

#include <gristmill/timer.hpp>

#include "runner_core.hpp"

namespace gm::jobs::detail {

void runner_core::beat_until(const context& quit) {
    const std::chrono::microseconds every = options_.beat.count() > 0 ? options_.beat : options_.lease / 3;
    patience pause(mixed(options_.seed + 1));
    bool wedged = false;
    unsigned last_wanted = 0;
    time_point next = gm::now() + every;
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
    patience pause(mixed(options_.seed + 2));
    std::chrono::nanoseconds again{0};
    while (gm::sleep(again, quit) == channel_status::ok) {
        const time_point now = gm::now();
        read_wall_clock();
        const auto did = source_->sweep();
        if (did) {
            works_again("sweep", pause);
            again = std::max<std::chrono::nanoseconds>(did->again_in, std::chrono::milliseconds(10));
        } else {
            trouble("sweep", did.error(), pause, now);
            again = pause.when(false) - now;
        }
    }
}

}  // namespace gm::jobs::detail
