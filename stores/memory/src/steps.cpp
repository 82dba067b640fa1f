// The steps of a job from state to state: its place in the indexes, the counters, and what else hangs on its state.
#include <cassert>

#include "house.hpp"

namespace gm::stores::in_memory {

void house::step(row& which, state to, std::optional<wall_time> at, bool unused) {
    assert(may_step(which.state, to));
    leave_state(which, unused);
    --which.queue->counts[static_cast<std::size_t>(which.state)];
    ++which.queue->counts[static_cast<std::size_t>(to)];
    if (at) which.run_at = *at;
    which.state = to;
    enter_state(which);
}

void house::leave_state(row& which, bool unused) {
    queue& home = *which.queue;
    switch (which.state) {
        case state::available:
            if (which.place.taken()) home.take_out(which, now);  // else it was claimed
            break;
        case state::running:
            which.holder->let_go(which);
            home.release(which, unused, now);
            if (home.limited() && home.has_available()) ring(home);
            break;
        case state::waiting: unbind(which); break;
        default: which.place.leave();
    }
}

void house::enter_state(row& which) {
    queue& home = *which.queue;
    switch (which.state) {
        case state::scheduled:
        case state::retrying:
            which.place.take(home.agenda, {which.run_at.time_since_epoch().count(), which.id, &which});
            if (home.agenda.begin()->of == &which) ring(home);
            break;
        case state::available:
            home.put(which, now);
            ring(home);
            break;
        case state::completed:
        case state::cancelled:
        case state::dead: finish(which); break;
        default: break;
    }
}

void house::finish(row& which) {
    which.finished = now;
    release_key(which);
    if (!which.pinned())
        which.place.take(kept[static_cast<std::size_t>(which.state)],
                         {now.time_since_epoch().count(), which.id, &which});
    if (which.pinned()) tell_children(which);
}

void house::release_key(row& which) {
    if (!which.holds_key) return;
    which.holds_key = false;
    keys.release(which.kind, which.more->unique->key, which.id);
}

void house::remove(row& which) {
    assert(which.state != state::running && !which.pinned());
    leave_state(which, false);
    --which.queue->counts[static_cast<std::size_t>(which.state)];
    release_key(which);
    which.queue->left(which);
    jobs.remove(which);
}

void house::reprioritize(row& which, int priority) {
    const bool in_line = which.state == state::available;
    if (in_line) which.queue->take_out(which, now);
    which.priority = static_cast<std::int8_t>(priority);
    if (in_line) which.queue->put(which, now);
}

house::retried house::retry(row& which) {
    if (which.state == state::scheduled || which.state == state::retrying) {
        step(which, state::available, now);
        return retried::yes;
    }
    if (which.state != state::dead && which.state != state::cancelled) return retried::no;
    if (which.more && which.more->unique) {
        const unique_key& key = *which.more->unique;
        const std::int64_t other = keys.holder(which.kind, key.key, now);
        if (other != 0 && other != which.id) return retried::key_taken;
        if (other == 0 && key.until != unique_for::window) {
            keys.take(which.kind, key, which.id, now);
            which.holds_key = true;
        }
    }
    which.attempts = which.crashes = which.interruptions = 0;
    which.cancel_asked = which.overlapping = false;
    which.finished = {};
    step(which, state::available, now);
    return retried::yes;
}

// Whoever takes jobs from there knows the time from its last look, so no bell is rung.
void house::promote(queue& of) {
    while (!of.agenda.empty() && of.agenda.begin()->of->run_at <= now) {
        row& due = *of.agenda.begin()->of;
        --of.counts[static_cast<std::size_t>(due.state)];
        due.place.leave();
        due.state = state::available;
        ++of.counts[static_cast<std::size_t>(due.state)];
        of.put(due, now);
    }
}

void house::promote_all() {
    for (const auto& [name, each] : queues) promote(*each);
}

namespace {

// At the end, and not within a character.
void cut(std::string& text, std::size_t most) {
    if (text.size() <= most) return;
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    text.resize(most);
}

}  // namespace

// The first one tells how it began, the last ones how it is now.
void house::add_report(row& which, attempt_report report) {
    if (limits.errors <= 0) return;
    cut(report.error, limits.error);
    std::vector<attempt_report>& errors = which.rare().errors;
    const auto most = static_cast<std::size_t>(limits.errors);
    if (errors.size() >= most) errors.erase(errors.begin() + (most > 1 ? 1 : 0));
    errors.push_back(std::move(report));
}

}  // namespace gm::stores::in_memory
