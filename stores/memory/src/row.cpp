#include "row.hpp"

#include <cassert>
#include <utility>

#include "queue.hpp"
#include "worker.hpp"

namespace gm::stores::in_memory {

// Most come with a time later than all before them: the end is the right hint, and then it takes constant time.
void place::take(index& of, const entry& where) {
    assert(!taken());
    if (spare_) {
        spare_.value() = where;
        at_ = of.insert(of.end(), std::move(spare_));
    } else {
        at_ = of.insert(of.end(), where);
    }
    in_ = &of;
}

void place::leave() {
    if (in_) spare_ = std::exchange(in_, nullptr)->extract(at_);
}

token row::claim() const noexcept { return {id, epoch, holder->number}; }

record record_of(const row& from) {
    record made;
    made.id = {from.id};
    made.kind = *from.kind;
    made.arguments = from.arguments;
    made.queue = from.queue->name;
    made.key = from.lane->key;
    made.priority = from.priority;
    made.timeout = from.timeout;
    made.state = from.state;
    made.epoch = from.epoch;
    made.attempts = from.attempts;
    made.crashes = from.crashes;
    made.interruptions = from.interruptions;
    if (from.worker_name) made.worker = *from.worker_name;
    made.cancel_asked = from.cancel_asked;
    made.overlapping = from.overlapping;
    made.inserted = from.inserted;
    made.run_at = from.run_at;
    made.started = from.started;
    made.finished = from.finished;
    if (const extras* const more = from.more.get()) {
        made.tags = more->tags;
        made.retry = more->retry;
        made.unique = more->unique;
        made.after = more->after;
        made.orphaned = more->orphaned;
        made.blocked_by = more->blocked_by;
        made.result = more->result;
        made.errors = more->errors;
        made.progress = more->progress;
        made.note = more->note;
    }
    return made;
}

delivery delivery_of(const row& from) {
    delivery made;
    made.which = from.claim();
    made.id = {from.id};
    made.kind = *from.kind;
    made.queue = from.queue->name;
    made.key = from.lane->key;
    made.arguments = from.arguments;
    made.attempt = from.attempts + 1;
    made.crashes = from.crashes;
    made.inserted = from.inserted;
    made.run_at = from.run_at;
    made.timeout = from.timeout;
    if (const extras* const more = from.more.get()) {
        made.tags = more->tags;
        made.retry = more->retry;
        made.has_steps = !more->steps.empty();
    }
    return made;
}

}  // namespace gm::stores::in_memory
