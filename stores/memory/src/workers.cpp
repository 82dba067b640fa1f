// Workers come, live by their leases, and go. And what a sweep does.
#include <algorithm>

#include "house.hpp"

namespace gm::stores::in_memory {

namespace {
constexpr std::size_t sweep_step = 1000;
}

void house::enlist(worker& made, const subscription& how) {
    made.number = ++last_worker;
    made.name = interned(how.worker.empty() ? "memory" : how.worker);
    for (const std::string& name : how.queues) {
        queue& each = queue_named(name);
        if (std::ranges::find(made.queues, &each) != made.queues.end()) continue;  // named twice
        made.queues.push_back(&each);
        each.listeners.push_back(&made);
    }
    made.lease = how.lease;
    made.started = made.last_beat = made.good_since = now;
    if (how.bell) made.rings = std::make_shared<bell>(how.bell);
    workers.emplace(made.number, &made);
}

void house::discharge(worker& gone) {
    give_back(gone);
    for (queue* each : gone.queues) std::erase(each->listeners, &gone);
    workers.erase(gone.number);
}

beaten house::beat(worker& by, const pulse& how) {
    if (!by.is_good(now)) {
        by.good_since = now;
        by.declared_dead = false;
        ring(by);  // it was given nothing meanwhile
    }
    by.last_beat = now;
    by.how = how;
    beaten told;
    told.lost = std::exchange(by.lost, {});
    for (row* each = by.first; each; each = each->behind)
        if (each->cancel_asked) told.cancelled.push_back(each->claim());
    told.workers_wanted = by.wanted;
    return told;
}

// Its own beats have to cover the whole lease of the other: after an outage that hit both, the other has had its chance to
// beat again.
bool house::may_rescue(const worker& sweeper, const worker& other) const noexcept {
    return &sweeper != &other && !other.declared_dead && !other.is_good(now) && sweeper.is_good(now) &&
           sweeper.last_beat - sweeper.good_since >= std::max(sweeper.lease, other.lease);
}

swept house::sweep(worker& by) {
    swept done;
    for (const auto& [number, each] : workers)
        if (may_rescue(by, *each)) {
            done.rescued += each->held;
            each->declared_dead = true;
            rescue(*each);
        }
    const auto sweep_out = [&](state which, microseconds after) {
        index& here = kept[static_cast<std::size_t>(which)];
        while (done.removed < sweep_step && !here.empty() && now - here.begin()->of->finished >= after) {
            remove(*here.begin()->of);
            ++done.removed;
        }
    };
    sweep_out(state::completed, keep.completed);
    sweep_out(state::cancelled, keep.cancelled);
    sweep_out(state::dead, keep.dead);
    keys.tidy(sweep_step, now);
    for (const auto& [name, each] : queues) each->tidy(sweep_step, now);
    if (done.removed == sweep_step) done.again_in = microseconds(0);
    return done;
}

}  // namespace gm::stores::in_memory
