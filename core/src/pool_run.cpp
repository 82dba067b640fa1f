// One job's run: claimed, started, timed, settled by its worker or given up by the watchdog.
#include <utility>

#include <gristmill/detail/pool_core.hpp>

#include "pool_after_lock.hpp"

namespace gm::detail {

job_event pool_core::event_of(const pool_job& job) const noexcept {
    job_event event{job.facts.id, job.name, job.facts.worker, job.level, job.facts.status, {}, {}};
    const job_stamps& at = job.facts.stamps;
    if (at.started > at.queued) event.waited = time_of(at.started - at.queued);
    if (at.started != 0 && at.finished > at.started) event.ran = time_of(at.finished - at.started);
    return event;
}

// Takes over the queue's reference.
void pool_core::run_job(pool_job* job, pool_worker* me) noexcept {
    if (job->move_on(job_phase::queued, job_phase::running)) {
        run_claimed(job, me);
        job->release();
    } else {
        lock_guard hold(guard_);
        forget_tombstone(job);
    }
}

// True: settled before it began, since its context is done or its time in the queue was over.
bool pool_core::spent_before_start(pool_job* job, std::uint64_t now) noexcept {
    job_status why;
    if (job->parent.is_done())
        why = job_status::cancelled;
    else if (job->queue_timeout.count() > 0 && now - job->facts.stamps.queued > ticks_of(job->queue_timeout))
        why = job_status::expired;
    else
        return false;
    if (!job->move_on(job_phase::running, job_phase::settling)) return true;
    job->discard_body();
    conclude(job, why, nullptr, now, nullptr);
    return true;
}

void* pool_core::state_of(pool_worker* at) {
    if (!at || !at->core.make_state_) return nullptr;
    // Made by the first job that asks: if the factory throws, that job has failed, and the next one tries again.
    if (!at->state.state) at->state = at->core.make_state_();
    return at->state.state;
}

// requires: the job is `running` and ours.
void pool_core::run_claimed(pool_job* job, pool_worker* me) noexcept {
    const std::uint64_t started = stamp();
    if (spent_before_start(job, started)) return;
    job->facts.stamps.started = started;
    job->facts.worker = me ? me->index : -1;
    if (me && stamps_) me->waited.add(nanoseconds_of(started - std::min(started, job->facts.stamps.queued)));
    if (pool_observer* const to = observer()) to->started(event_of(*job));

    timed_frame frame{job, 0, nullptr};
    const bool timed = me && job->timeout.count() > 0;
    pool_job* const outer = me ? me->current.load(std::memory_order_relaxed) : nullptr;
    if (me) {
        lock_guard hold(me->frames_guard);
        me->current.store(job, std::memory_order_relaxed);
        if (timed) {
            frame.deadline = started + ticks_of(job->timeout);
            frame.below = me->frames;
            me->frames = &frame;
            const std::uint64_t earliest = me->deadline.load(std::memory_order_relaxed);
            if (earliest == 0 || frame.deadline < earliest) me->deadline.store(frame.deadline);
        }
    }
    if (timed) need_watchdog(frame.deadline);

    std::exception_ptr error;
    {
        gm::job self(job, me ? me->index : -1, state_of, me);
        try {
            job->run(self);
        } catch (...) {
            error = std::current_exception();
        }
    }
    job->end_context();
    job->discard_body();

    const std::uint64_t finished = stamp();
    if (me) {
        lock_guard hold(me->frames_guard);
        me->current.store(outer, std::memory_order_relaxed);
        if (timed) {
            me->frames = frame.below;
            std::uint64_t earliest = 0;
            for (timed_frame* each = me->frames; each; each = each->below)
                if (earliest == 0 || each->deadline < earliest) earliest = each->deadline;
            me->deadline.store(earliest);
        }
    }
    if (me) {
        me->jobs.add();
        me->free_since = finished;
        if (stamps_) me->ran.add(nanoseconds_of(finished - std::min(finished, started)));
    }
    const job_status status = error ? job_status::failed : job_status::ok;  // before `error` is moved from
    if (job->move_on(job_phase::running, job_phase::settling))
        conclude(job, status, std::move(error), finished, me);
    else
        late(job, me);
}

// requires: the caller moved the job to `settling`.
void pool_core::conclude(pool_job* job, job_status status, std::exception_ptr error, std::uint64_t finished,
                         pool_worker*) noexcept {
    job_facts& facts = job->facts;
    facts.status = status;
    facts.stamps.finished = finished;
    if (error)
        facts.error = std::move(error);
    else if (status != job_status::ok)
        facts.error = cause_of<job_not_done>(status);
    std::atomic<std::uint64_t>* const counters[] = {&finished_,  &failed_,  &timed_out_, &expired_,
                                                    &cancelled_, &dropped_, &refused_,   &stopped_};
    counters[static_cast<std::size_t>(status)]->fetch_add(1, std::memory_order_relaxed);
    if (pool_observer* const to = observer()) {
        const job_event event = event_of(*job);
        switch (status) {
            case job_status::ok: to->finished(event); break;
            case job_status::failed: to->failed(event); break;
            case job_status::timed_out: to->timed_out(event); break;
            case job_status::expired: to->expired(event); break;
            default: to->dropped(event); break;
        }
    }
    if (!stamps_) facts.stamps = {.virtual_time = facts.stamps.virtual_time};
    job->settle();
}

// A job that timed out has come to its end: its result was given long ago, this outcome is dropped.
void pool_core::late(pool_job* job, pool_worker* me) noexcept {
    job->discard_value();
    late_.fetch_add(1, std::memory_order_relaxed);
    if (pool_observer* const to = observer()) {
        const job_event event{job->facts.id, job->name, me ? me->index : -1, job->level, job_status::timed_out, {}, {}};
        to->late(event);
    }
    if (me && me->depth == 0) come_back(*me);
}

// A worker that was stuck is of use again; whether there is one too many is seen when it looks for work.
void pool_core::come_back(pool_worker& me) noexcept {
    wake_list wakes;
    {
        lock_guard hold(guard_);
        come_back_locked(me, wakes);
    }
    wakes.wake();
}

void pool_core::come_back_locked(pool_worker& me, wake_list& wakes) noexcept {
    if (!std::exchange(me.stuck, false)) return;
    --stuck_;
    ended_locked(wakes);
}

bool pool_core::help(pool_job& job) noexcept {
    pool_worker* const me = current_pool_worker;
    if (!inside(me)) return false;
    if (job.coroutine) return lend_slot(job);
    if (!job.move_on(job_phase::queued, job_phase::running)) return false;
    in_caller_.fetch_add(1, std::memory_order_relaxed);
    note_tombstone();
    ++me->depth;
    run_claimed(&job, me);
    --me->depth;
    return true;
}

}  // namespace gm::detail
