// The watchdog: one thread a pool, started by the first job that needs it, asleep while nothing is due. It reads a deadline
// word of each worker, looks through the queue for jobs whose time there is over, and lets a crew that follows the load grow.
// There is no heap of timers: a job with a timeout costs its worker two stores.
#include <algorithm>

#include <gristmill/detail/pool_core.hpp>

#include "pool_after_lock.hpp"

namespace gm::detail {

namespace {
constexpr std::uint64_t never = ~std::uint64_t{0};
}

// Whoever sets a deadline stores it, then looks when the watchdog wakes; the watchdog stores when it wakes, then looks at the
// deadlines again. All four are sequentially consistent: one of the two sees the other.
void pool_core::need_watchdog(std::uint64_t deadline) noexcept {
    if (!watchdog_runs_.load(std::memory_order_acquire)) [[unlikely]] {
        lock_guard hold(watchdog_guard_);
        if (!watchdog_.running() && !watchdog_quits_.load()) {
            try {
                watchdog_ = pool_thread(engine_, std::string(options_.name) + "-dog", [this] { run_watchdog(); });
                watchdog_runs_.store(true, std::memory_order_release);
            } catch (...) {
                return;  // the next job with a timeout tries again
            }
        }
    }
    if (deadline < wakes_at_.load()) watchdog_bed_.unpark();
}

void pool_core::run_watchdog() noexcept {
    while (!watchdog_quits_.load()) {
        const std::uint64_t now_at = stamp();
        std::uint64_t next = look_at_workers(now_at);
        next = std::min(next, look_at_queue(now_at));
        next = std::min(next, look_at_load(now_at));
        wakes_at_.store(next);
        const std::uint64_t seen_later = earliest_deadline();
        if (seen_later < next) continue;
        if (next == never) {
            watchdog_bed_.park();
        } else {
            const std::uint64_t ahead = next - std::min(next, stamp());
            static_cast<void>(watchdog_bed_.park_until(now() + time_of(ahead) + std::chrono::microseconds(1)));
        }
        wakes_at_.store(0);  // awake: whoever sets a deadline need not wake us, we are about to look
    }
}

std::uint64_t pool_core::earliest_deadline() const noexcept {
    std::uint64_t earliest = never;
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i != n; ++i)
        if (const std::uint64_t deadline = table[i]->deadline.load()) earliest = std::min(earliest, deadline);
    return earliest;
}

std::uint64_t pool_core::look_at_workers(std::uint64_t now) noexcept {
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i != n; ++i) {
        const std::uint64_t deadline = table[i]->deadline.load();
        if (deadline != 0 && deadline <= now) time_out(*table[i], now);
    }
    return earliest_deadline();
}

// The result is final at once; then the job is asked to stop, and its worker counts as stuck until it comes back.
void pool_core::time_out(pool_worker& who, std::uint64_t now) noexcept {
    while (true) {
        pool_job* job = nullptr;
        {
            lock_guard hold(who.frames_guard);
            std::uint64_t earliest = 0;
            for (timed_frame* each = who.frames; each; each = each->below) {
                if (!job && each->deadline != 0 && each->deadline <= now) {
                    each->deadline = 0;
                    job = each->job;
                    job->retain();
                } else if (each->deadline != 0 && (earliest == 0 || each->deadline < earliest)) {
                    earliest = each->deadline;
                }
            }
            if (!job) return who.deadline.store(earliest);
            if (!job->move_on(job_phase::running, job_phase::settling)) {
                job->release();
                continue;
            }
            // Still under the guard: the worker cannot have left the job, so it is stuck for sure.
            lock_guard also(guard_);
            if (!who.stuck) {
                who.stuck = true;
                ++stuck_;
                publish_watched();
            }
        }
        job->request_stop(cause_of<deadline_exceeded>());
        conclude(job, job_status::timed_out, nullptr, now, nullptr);
        job->release();
        replace(who);
    }
}

void pool_core::replace(pool_worker& who) noexcept {
    bool replaced;
    {
        after_lock after(*this);
        lock_guard hold(guard_);
        replaced = live_threads() < workers_.load(std::memory_order_relaxed);
        if (replaced && queue_.size() != 0 && !sleeping_) after.start = reserve_thread();
        ended_locked(after.wakes);
    }
    hand_watch_on();  // over what it queued for itself
    if (replaced)
        if (pool_observer* const to = observer()) to->worker_replaced(who.index);
}

// Every job with a queue_timeout whose time is over is expired now, not when its turn comes. The look is as long as the queue,
// so it takes a twentieth of the time at most.
std::uint64_t pool_core::look_at_queue(std::uint64_t now) noexcept {
    after_lock after(*this);
    lock_guard hold(guard_);
    if (queue_limit_min_ == 0 || queue_.size() + coroutines_.size() == 0) return never;
    if (now < next_scan_) return next_scan_;
    after.why = job_status::expired;
    std::uint64_t next = never;
    const auto over = [&](pool_entry entry) {
        if (!entry.is_job()) return false;
        pool_job* const job = entry.job();
        if (job->queue_timeout.count() <= 0) return false;
        const std::uint64_t due = entry.stamp + ticks_of(job->queue_timeout);
        if (due > now) {
            next = std::min(next, due);
            return false;
        }
        after.victims.push(job);
        return true;
    };
    queue_.remove_if(over);
    coroutines_.remove_if(over);
    if (after.victims.first) make_room_known(after);
    const std::uint64_t end = stamp();
    next_scan_ = end + std::max(20 * (end - now), ticks_of(std::chrono::microseconds(200)));
    return next == never ? never : std::max(next, next_scan_);
}

// by_load: one more whenever the head of the queue has waited more than 10 ms.
std::uint64_t pool_core::look_at_load(std::uint64_t now) noexcept {
    if (options_.sizing.most == 0) return never;
    after_lock after(*this);
    lock_guard hold(guard_);
    if (queue_.size() == 0) {
        load_watched_ = false;
        return never;
    }
    const std::uint64_t head = queue_.first().stamp, limit = ticks_of(std::chrono::milliseconds(10));
    const unsigned wanted = workers_.load(std::memory_order_relaxed);
    if (now > head + limit && wanted < options_.sizing.most) {
        workers_.store(wanted + 1, std::memory_order_relaxed);
        after.start = reserve_thread();
    }
    return now + limit / 2;
}

}  // namespace gm::detail
