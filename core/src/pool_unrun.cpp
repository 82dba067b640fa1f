// How jobs leave without having run: refused, cancelled or moved while they wait, and the queue closed, stopped and emptied.
#include <gristmill/detail/pool_core.hpp>

#include <cstddef>

#include "pool_after_lock.hpp"

namespace gm::detail {

// Takes over the queue's reference. requires: it is in no queue any more.
void pool_core::never_runs(pool_job* job, job_status why) noexcept {
    if (job->move_on(job_phase::queued, job_phase::settling)) {
        job->discard_body();
        conclude(job, why, nullptr, stamp(), nullptr);
        job->release();
    } else {
        lock_guard hold(guard_);
        forget_tombstone(job);
    }
}

// requires: the lock; the entry of a job that was settled while it was queued.
void pool_core::forget_tombstone(pool_job* job) noexcept {
    --tombstones_;
    job->release();
}

// A job has been settled while its entry lies in some queue. Its place is free at once; the entry goes when it is met, or when
// such entries are half of all.
void pool_core::note_tombstone() noexcept {
    after_lock after(*this);
    lock_guard hold(guard_);
    ++tombstones_;
    if (tombstones_ > 64 && tombstones_ > static_cast<std::ptrdiff_t>((queue_.size() + coroutines_.size()) / 2)) {
        const auto gone = [this](pool_entry entry) {
            if (!entry.is_job() || entry.job()->phase() == job_phase::queued) return false;
            forget_tombstone(entry.job());
            return true;
        };
        queue_.remove_if(gone);
        coroutines_.remove_if(gone);
    }
    make_room_known(after);
}

int pool_core::cancel(pool_job& job) noexcept {
    if (job.move_on(job_phase::queued, job_phase::settling)) {
        job.discard_body();
        conclude(&job, job_status::cancelled, nullptr, stamp(), nullptr);
        note_tombstone();
        return 0;
    }
    if (job.phase() != job_phase::running) return 2;
    job.request_stop(cause_of<cancelled>("the job was cancelled"));
    return 1;
}

bool pool_core::set_priority(pool_job& job, int level) {
    lock_guard hold(guard_);
    if (job.phase() != job_phase::queued) return false;
    if (level == job.level) return true;
    pool_queue& queue = job.coroutine ? coroutines_ : queue_;
    pool_entry mine = entry_of(&job);
    bool found = false;
    queue.remove_if([&](pool_entry entry) {
        if (!entry.is_job() || entry.job() != &job) return false;
        mine = entry;
        return found = true;
    });
    if (!found) return false;  // a worker has it in hand
    ordered_.store(true, std::memory_order_relaxed);
    job.level = static_cast<std::int8_t>(level);
    queue.insert(level, mine);  // there is room for it: see remove_if
    return true;
}

void pool_core::close() noexcept {
    after_lock after(*this);
    lock_guard hold(guard_);
    closed_.store(true, std::memory_order_relaxed);
    while (waiter* const each = for_room_.pop_claimed()) after.wakes.commit(*each);
    strict_.store(false, std::memory_order_relaxed);
    after.wake_everybody = true;
    ended_locked(after.wakes);
}

// requires: closed. Takes up to `most` of what waits, settled as `stopped`; each is then the caller's to run or to discard. 0: no
// more waits.
std::size_t pool_core::stop_some(pool_entry* to, std::size_t most) noexcept {
    std::size_t n = 0;
    {
        lock_guard hold(guard_);
        const auto take = [&](pool_entry entry) {
            if (entry.is_job() && !entry.job()->move_on(job_phase::queued, job_phase::settling))
                forget_tombstone(entry.job());
            else
                to[n++] = entry;
        };
        for (pool_queue* const queue : {&queue_, &coroutines_})
            while (n != most && queue->size() != 0) take(queue->pop());
        for (const auto& each : crew_)
            while (n != most && each->local.size() != 0) {
                pool_entry one;
                if (each->local.steal(&one, 1, true) != 0) take(one);
            }
    }
    for (std::size_t i = 0; i != n; ++i) {
        if (to[i].is_job())
            conclude(to[i].job(), job_status::stopped, nullptr, stamp(), nullptr);
        else
            stopped_.fetch_add(1, std::memory_order_relaxed);
    }
    return n;
}

}  // namespace gm::detail
