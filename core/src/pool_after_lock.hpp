#pragma once
// What a holder of the pool's lock has found out must be done, and does once the lock is free. Declared before the guard, so
// that its destructor runs after the guard's.

#include <gristmill/detail/pool_core.hpp>

namespace gm::detail {

struct pool_core::after_lock {
    explicit after_lock(pool_core& pool) noexcept : core(pool) {}
    after_lock(const after_lock&) = delete;
    after_lock& operator=(const after_lock&) = delete;
    ~after_lock();

    // Settled jobs, linked by themselves: collecting them cannot fail.
    struct job_list {
        pool_job* first = nullptr;
        void push(pool_job* job) noexcept {
            job->next_delivered = first;
            first = job;
        }
    };

    pool_core& core;
    pool_worker* wake = nullptr;
    pool_worker* start = nullptr;
    pool_job* coroutine = nullptr;  // to be started
    job_list victims;               // taken out of the queue: they never run
    pool_entry victim;              // the same, a closure
    job_status why = job_status::dropped;
    std::uint64_t watchdog_at = ~std::uint64_t{0};
    bool wake_everybody = false;
    wake_list wakes;
};

inline pool_core::after_lock::~after_lock() {
    if (wake) wake->bed.unpark();
    wakes.wake();
    if (wake_everybody) core.wake_all();
    while (pool_job* const job = victims.first) {
        victims.first = job->next_delivered;
        job->next_delivered = nullptr;
        core.never_runs(job, why);
    }
    if (victim.ops) victim.discard();
    if (coroutine) core.start_coroutine(coroutine);
    if (watchdog_at != ~std::uint64_t{0}) core.need_watchdog(watchdog_at);
    if (start) static_cast<void>(core.start_thread(*start));  // refused: those who are there do the work
}

}  // namespace gm::detail
