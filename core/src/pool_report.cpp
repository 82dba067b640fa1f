// What a pool tells about itself.
#include <algorithm>
#include <cmath>

#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/sizing.hpp>

namespace gm {

std::chrono::nanoseconds duration_histogram::quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i != buckets.size(); ++i) {
        seen += buckets[i];
        if (seen >= wanted && seen != 0) return std::chrono::nanoseconds(std::int64_t{2} << i);
    }
    return std::chrono::nanoseconds(0);
}

namespace detail {

pool_snapshot pool_core::snapshot() {
    pool_snapshot all;
    all.finished = finished_.load(std::memory_order_relaxed);
    all.failed = failed_.load(std::memory_order_relaxed);
    all.timed_out = timed_out_.load(std::memory_order_relaxed);
    all.late = late_.load(std::memory_order_relaxed);
    all.expired = expired_.load(std::memory_order_relaxed);
    all.cancelled = cancelled_.load(std::memory_order_relaxed);
    all.dropped = dropped_.load(std::memory_order_relaxed);
    all.refused = refused_.load(std::memory_order_relaxed);
    all.stopped = stopped_.load(std::memory_order_relaxed);
    all.ran_in_caller = in_caller_.load(std::memory_order_relaxed);
    all.over_the_bound = over_bound_.load(std::memory_order_relaxed);
    lock_guard hold(guard_);
    all.workers = workers_.load(std::memory_order_relaxed);
    all.threads = threads_;
    all.stuck = stuck_;
    all.degraded = stuck_ > std::min(options_.spare_workers, all.workers);
    all.closed = closed_;
    all.submitted = submitted_;
    all.threads_refused = threads_refused_;
    all.running = coroutines_running_;
    std::size_t local = 0;
    all.crew.reserve(crew_.size());
    for (const auto& each : crew_) {
        local += each->local.size();
        all.submitted += each->submitted.get();
        all.finished += each->closures_done.get();
        all.ran_in_caller += each->in_place.get();
        all.failed += each->failed.get();
        for (std::size_t i = 0; i != 48; ++i) {
            all.waited.buckets[i] += each->waited.buckets[i].get();
            all.waited.count += each->waited.buckets[i].get();
            all.ran.buckets[i] += each->ran.buckets[i].get();
            all.ran.count += each->ran.buckets[i].get();
        }
        if (!each->alive) continue;
        worker_report one;
        one.worker = each->index;
        one.jobs = each->jobs.get();
        const bool busy = each->in_job.load(std::memory_order_relaxed) && !each->asleep;
        one.state = each->stuck ? worker_report::stuck : busy ? worker_report::running : worker_report::idle;
        all.running += busy;
        all.crew.push_back(one);
    }
    const auto queued = static_cast<std::ptrdiff_t>(queue_.size() + coroutines_.size() + local) - tombstones_;
    all.queued = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, queued));
    return all;
}

void pool_core::name_current(pool_snapshot& all) {
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (worker_report& each : all.crew) {
        if (static_cast<std::uint32_t>(each.worker) >= n) continue;
        pool_worker& worker = *table[each.worker];
        lock_guard hold(worker.frames_guard);
        if (const pool_job* const job = worker.current.load(std::memory_order_relaxed)) {
            each.current = job->facts.id;
            each.name = job->name;
        }
    }
}

sizing_report pool_core::report() {
    lock_guard hold(guard_);
    const std::uint64_t now_at = stamp();
    std::uint64_t busy = 0, jobs = 0, waited = 0, ran = 0;
    for (const auto& each : crew_) {
        ran += each->ran.total.get();
        waited += each->waited.total.get();
        busy += each->busy_ticks.get();
        if (each->in_job.load(std::memory_order_relaxed) && !each->asleep && each->session_begun.load() != 0)
            busy += now_at - std::min(now_at, each->session_begun.load());
        jobs += each->jobs.get();
    }
    crew_load load;
    load.workers = workers_.load(std::memory_order_relaxed);
    load.work = static_cast<double>(busy - std::min(busy, report_busy_)) /
                std::max(1.0, static_cast<double>(now_at - report_from_));
    load.waiting = queue_.size();
    if (const std::uint64_t done = jobs - report_jobs_) {
        load.mean_wait = std::chrono::nanoseconds((waited - report_waited_) / done);
        load.mean_run = std::chrono::nanoseconds((ran - report_ran_) / done);
    }
    report_from_ = now_at;
    report_busy_ = busy;
    report_jobs_ = jobs;
    report_waited_ = waited;
    report_ran_ = ran;
    return judge(load);
}

}  // namespace detail
}  // namespace gm
