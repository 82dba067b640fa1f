// Admission: how a job gets into the queue, or does not.
#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/thread_wait.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

#include "pool_after_lock.hpp"

namespace gm::detail {

namespace {
// How deep jobs may run in place of a full queue, one in another. What comes below goes over the bound and is counted.
constexpr std::uint32_t deepest = 64;
// A crew of trivial jobs hands its allowances out in pieces; a small queue has nothing to hand out.
constexpr std::size_t smallest_shared_queue = 1024;
constexpr std::uint32_t largest_allowance = 256;
// Jobs that post into a full queue run their children in place, and ask only now and then whether it still is full.
constexpr std::uint32_t full_again_after = 16;
}  // namespace

pool_core::pool_core(const pool_options& options, std::function<worker_state_box()> make_state,
                     std::source_location made)
    : options_(options),
      make_state_(std::move(make_state)),
      observer_(options.observer),
      engine_(current_engine),
      unit_(engine_ ? 1.0 : os::nanoseconds_per_tick()),
      stamps_(options.times == job_times::counter || options.sizing.most != 0),
      plain_(!options.observer && options.timeout.count() <= 0 && options.queue_timeout.count() <= 0),
      worth_waking_(static_cast<std::uint64_t>(5'000 / unit_)),
      trivial_(static_cast<std::uint64_t>(1'000 / unit_)),
      brief_(static_cast<std::uint64_t>(50'000 / unit_)),
      between_looks_(static_cast<std::uint64_t>(2'000 / unit_)),
      moment_(static_cast<std::uint64_t>(1'000'000 / unit_)),
      may_spin_(!engine_ && os::usable_cpus() > 1),
      born_(stamp()),
      queue_(static_cast<std::uint64_t>(static_cast<double>(options.priority_step.count()) / unit_)),
      average_(static_cast<std::uint64_t>(10'000 / unit_)),
      coroutines_(static_cast<std::uint64_t>(static_cast<double>(options.priority_step.count()) / unit_)),
      made_(made) {
    if (options_.sizing.most != 0) {
        options_.sizing.least = std::clamp(options_.sizing.least, 1u, options_.sizing.most);
        workers_.store(options_.sizing.least, std::memory_order_relaxed);
    } else {
        workers_.store(options_.workers != 0 ? options_.workers : os::usable_cpus(), std::memory_order_relaxed);
    }
    if (options_.scheduler) home_core_.store(&options_.scheduler->core(), std::memory_order_relaxed);
    report_from_ = born_;
}

pool_core::~pool_core() = default;

void pool_core::release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// ---- room ----

std::size_t pool_core::waiting_refreshed() noexcept {
    taken_ahead_ = 0;
    for (const auto& each : crew_) taken_ahead_ += each->local.size() + each->allowance.load(std::memory_order_relaxed);
    const auto all = static_cast<std::ptrdiff_t>(queue_.size() + coroutines_.size() + taken_ahead_);
    return static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, all - tombstones_));
}

// requires: the lock.
bool pool_core::has_room() noexcept {
    if (options_.queue == unbounded_queue) return true;
    std::size_t limit = options_.queue;
    if (limit == 0) {
        const unsigned wanted = workers_.load(std::memory_order_relaxed), live = live_threads();
        limit = sleepers_ + waking_ + starting_ + looking_ + (wanted > live ? wanted - live : 0);
    }
    const auto sum = static_cast<std::ptrdiff_t>(queue_.size() + coroutines_.size() + taken_ahead_) - tombstones_;
    if (sum < static_cast<std::ptrdiff_t>(limit)) [[likely]]
        return true;
    return taken_ahead_ != 0 && waiting_refreshed() < limit;
}

// Tells those who wait for room, of which a worker has made some whose jobs take so long. While jobs are trivial, one waiter is woken
// when what is left would be done by the time it is up; while they are brief, when half of the queue is free: waking it for each place would
// cost as much as the job, or a thousand times that. It is safe because such a waiter looks again by itself for a while, and then asks to
// be told of every single place (strict_).
void pool_core::make_room_known(after_lock& after, std::uint64_t job_takes) noexcept {
    if (for_room_.empty()) [[likely]]
        return;
    const bool strict = strict_.load(std::memory_order_relaxed);
    const std::size_t waiting = waiting_refreshed();
    const std::size_t limit = std::max<std::size_t>(options_.queue, 1);
    if (options_.queue != 0 && waiting >= limit) return;
    const std::size_t free = options_.queue == 0 ? 1 : limit - waiting;
    const bool each_place = strict || job_takes >= brief_;
    if (!each_place && (job_takes < trivial_ ? waiting * average_ > worth_waking_ : waiting > limit / 2)) return;
    for (std::size_t i = each_place ? free : 1; i != 0; --i) {
        waiter* const first = for_room_.pop_claimed();
        if (!first) break;
        after.wakes.commit(*first);
    }
    if (for_room_.empty()) strict_.store(false, std::memory_order_relaxed);
}

void pool_core::give_way() const noexcept {
    for (int turn = 0; may_spin_ && turn != 20; ++turn) os::relax();
    std::this_thread::yield();
}

// Before a producer sleeps: the crew needs a few microseconds for a queue of trivial jobs, and perhaps our CPU.
bool pool_core::linger_for_room() noexcept {
    for (int look = 0; look != looks_before_sleep && !engine_; ++look) {
        give_way();
        if (queue_.size() <= options_.queue / 2) return true;
    }
    return false;
}

bool pool_core::wait_for_room(const limits& until) {
    std::chrono::microseconds patience{100};
    for (int looks = 0;; ++looks) {
        if (until.context && until.context->done()) return false;
        if (until.has_deadline && until.deadline <= now()) return false;
        thread_wait self;
        limits look = until;  // ours end it, or it is time to look again
        const bool strict = looks >= 4 || engine_;
        if (!strict) {
            look.deadline = std::min(until.deadline, now() + patience);
            look.has_deadline = true;
            patience *= 2;
        }
        {
            lock_guard hold(guard_);
            if (closed_ || has_room()) return true;
            if (strict) strict_.store(true, std::memory_order_relaxed);
            if (!self.arm(look)) return false;
            for_room_.push(self);
        }
        static_cast<void>(self.sleep(look));
        lock_guard hold(guard_);
        if (self.linked) for_room_.remove(self);
    }
}

bool pool_core::enqueue_for_room(waiter& who) noexcept {
    lock_guard hold(guard_);
    if (closed_ || has_room()) return false;
    strict_.store(true, std::memory_order_relaxed);
    for_room_.push(who);
    return true;
}

bool pool_core::withdraw_for_room(waiter& who) noexcept {
    lock_guard hold(guard_);
    if (!who.linked) return false;
    for_room_.remove(who);
    return true;
}

// ---- in ----

bool pool_core::post_closure(const entry_ops* ops, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    pool_entry entry;
    if (pool_worker* const me = current_pool_worker; !inside(me)) [[likely]] {
        const std::uint64_t entered = stamps_ || ordered_.load(std::memory_order_relaxed) ? stamp() : 0;
        lock_guard hold(guard_);
        if (pool_entry* const place = add_for_busy_crew(entered)) [[likely]] {
            lay(*place, ops, last_stamp_, a, b, c);
            return true;
        }
    } else {
        lay(entry, ops, 0, a, b, c);
        return post_from_inside(*me, entry);
    }
    lay(entry, ops, 0, a, b, c);
    return post_slowly(entry);
}

// requires: the lock. A place at the end of the queue, if there is room and nobody needs to be told: what a producer does a
// million times. Null: nothing happened.
inline pool_entry* pool_core::add_for_busy_crew(std::uint64_t entered) {
    if (closed_ || options_.sizing.most != 0) return nullptr;
    const auto waiting = static_cast<std::ptrdiff_t>(queue_.size() + coroutines_.size() + taken_ahead_) - tombstones_;
    if (waiting >= static_cast<std::ptrdiff_t>(std::min<std::size_t>(options_.queue, PTRDIFF_MAX))) return nullptr;
    if (sleepers_ != 0 ? worth_waking_somebody() : live_threads() < workers_.load(std::memory_order_relaxed))
        return nullptr;
    if (!queue_.fits(normal_priority)) return nullptr;
    pool_entry& place = queue_.add(normal_priority);
    last_stamp_ = std::max(entered, last_stamp_);
    ++submitted_;
    return &place;
}

bool pool_core::post_from_inside(pool_worker& me, pool_entry entry) {
    if (me.full_for != 0) {
        --me.full_for;
        if (me.depth < deepest && !closed_.load(std::memory_order_relaxed)) {
            run_here(entry);
            return true;
        }
    }
    return post_inside(me, entry) || post_slowly(entry);
}

bool pool_core::post_slowly(pool_entry& entry) {
    if (stamps_ || ordered_.load(std::memory_order_relaxed)) entry.stamp = stamp();
    admitted outcome;
    try {
        outcome = admit(entry, normal_priority, nullptr);
    } catch (...) {
        entry.discard();
        throw;
    }
    if (outcome == admitted::yes) return true;
    if (outcome == admitted::run_here) {
        run_here(entry);
        pool_worker* const me = current_pool_worker;
        if (inside(me) && options_.full == when_full::wait) me->full_for = full_again_after;
        return true;
    }
    entry.discard();
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
}

// What has no place in the queue, by whoever brought it.
void pool_core::run_here(pool_entry& entry) {
    pool_worker* const me = current_pool_worker;
    if (inside(me)) {
        me->in_place.add();
        run_in_place(entry, me);
    } else {
        in_caller_.fetch_add(1, std::memory_order_relaxed);
        run_in_place(entry, nullptr);
    }
}

bool pool_core::post_inside(pool_worker& me, pool_entry& entry) {
    if (closed_.load(std::memory_order_relaxed) || options_.sizing.most != 0) return false;
    const std::uint32_t allowed = me.allowance.load(std::memory_order_relaxed);
    if (allowed == 0 || ordered_.load(std::memory_order_relaxed)) [[unlikely]] {
        if (options_.queue < smallest_shared_queue || ordered_.load(std::memory_order_relaxed)) return false;
        lock_guard hold(guard_);
        if (!for_room_.empty()) return false;
        const std::size_t waiting = waiting_refreshed();
        if (waiting >= options_.queue) return false;
        const std::size_t share = std::clamp<std::size_t>((options_.queue - waiting) / 4, 1, largest_allowance);
        me.allowance.store(static_cast<std::uint32_t>(share), std::memory_order_relaxed);
        taken_ahead_ += share;
    }
    if (stamps_) entry.stamp = stamp();
    if (!me.local.push(entry)) return false;
    me.allowance.store(me.allowance.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    me.submitted.add();
    os::light_fence();  // pairs with the heavy ones of sleep() and hand_watch_on()
    if (!watched_.load(std::memory_order_relaxed)) [[unlikely]]
        request_watch();
    return true;
}

// requires: the lock. May throw std::bad_alloc, and then nothing happened. The time of entry never goes back, or a ring would
// not be in the order of its keys: two producers may read the counter in one order and get the lock in the other.
void pool_core::push_locked(pool_entry& entry, int level, pool_job* job, after_lock& after) {
    entry.stamp = last_stamp_ = std::max(entry.stamp, last_stamp_);
    if (job && job->coroutine) {
        keep_slots(coroutines_running_ + coroutines_.size() + 1);
        if (coroutines_.size() == 0 && coroutine_slots_taken() < workers_.load(std::memory_order_relaxed)) {
            ++coroutines_running_;
            after.coroutine = job;
        } else {
            coroutines_.push(level, entry);
        }
    } else {
        queue_.push(level, entry);
        if (sleepers_ != 0)
            after.wake = whom_to_wake();
        else if (wants_thread()) [[unlikely]]
            after.start = reserve_thread();
        if (options_.sizing.most != 0 && !load_watched_) {
            load_watched_ = true;
            after.watchdog_at = stamp() + ticks_of(std::chrono::milliseconds(5));
        }
    }
    ++submitted_;
    if (level != normal_priority) [[unlikely]]
        ordered_.store(true, std::memory_order_relaxed);
    if (job && job->queue_timeout.count() > 0) {
        ordered_.store(true, std::memory_order_relaxed);
        const std::uint64_t limit = ticks_of(job->queue_timeout);
        queue_limit_min_ = queue_limit_min_ == 0 ? limit : std::min(queue_limit_min_, limit);
        after.watchdog_at = std::min(after.watchdog_at, entry.stamp + limit);
    }
}

admitted pool_core::admit(pool_entry& entry, int level, pool_job* job) {
    for (bool lingered = false;; lingered = true) {
        pool_worker* first_of_all = nullptr;
        {
            after_lock after(*this);
            lock_guard hold(guard_);
            if (closed_) [[unlikely]]
                return admitted::closed;
            if (live_threads() == 0 && !(job && job->coroutine)) [[unlikely]]
                first_of_all = reserve_first_thread();
            if (!first_of_all) [[likely]] {
                if (has_room()) [[likely]] {
                    push_locked(entry, level, job, after);
                    return admitted::yes;
                }
                const admitted outcome = admit_when_full(entry, level, job, after);
                if (outcome != admitted::cancelled) return outcome;
            }
        }
        if (first_of_all) {
            if (!start_thread(*first_of_all)) no_thread();
            continue;
        }
        if (current_worker)
            misuse(
                "a submit to the full queue of the pool that was made here would block a scheduler's thread; co_await "
                "room() first",
                made_);
        limits until;
        if (job) until.context = job->parent.core();
        if (!(!lingered && linger_for_room()) && !wait_for_room(until)) return admitted::cancelled;
        pressed_at_.store(stamp(), std::memory_order_relaxed);
    }
}

// requires: the lock. `cancelled` stands for: wait.
admitted pool_core::admit_when_full(pool_entry& entry, int level, pool_job* job, after_lock& after) {
    pool_worker* const me = current_pool_worker;
    const bool coroutine = job && job->coroutine;
    const bool at_home = inside(me) || (current_worker && runs_on(&current_worker->home));
    switch (options_.full) {
        case when_full::refuse: return admitted::refused;
        case when_full::drop_oldest:
            if (!coroutine && queue_.size() != 0) {
                pool_entry victim = queue_.pop_oldest_of_lowest();
                if (victim.is_job()) {
                    after.victims.push(victim.job());
                } else {
                    after.victim = victim;
                    dropped_.fetch_add(1, std::memory_order_relaxed);
                }
                push_locked(entry, level, job, after);
                return admitted::yes;
            }
            break;
        case when_full::caller_runs:
            if (!coroutine && !(inside(me) && me->depth >= deepest)) return admitted::run_here;
            break;
        case when_full::wait:
            if (inside(me) && !coroutine && me->depth < deepest) return admitted::run_here;
            break;
    }
    if (!at_home) return admitted::cancelled;
    over_bound_.fetch_add(1, std::memory_order_relaxed);
    push_locked(entry, level, job, after);
    return admitted::yes;
}

void pool_core::submit(pool_job* job) {
    if (job->timeout.count() < 0) return never_runs(job, job_status::timed_out);
    if (job->queue_timeout.count() < 0) return never_runs(job, job_status::expired);
    pool_entry entry = entry_of(job);
    job->facts.stamps.queued = entry.stamp = stamp();
    job->retain();  // for what comes after: once it is queued it may be over
    struct releaser {
        pool_job* job;
        ~releaser() { job->release(); }
    } keep{job};
    if (pool_observer* const to = observer()) to->queued(event_of(*job));
    admitted outcome;
    try {
        outcome = admit(entry, job->level, job);
    } catch (...) {
        never_runs(job, job_status::refused);
        throw;
    }
    switch (outcome) {
        case admitted::yes: return;
        case admitted::run_here: return run_here(entry);
        case admitted::cancelled: return never_runs(job, job_status::cancelled);
        case admitted::refused:
        case admitted::closed: return never_runs(job, job_status::refused);
    }
}

bool pool_core::try_submit(pool_job* job) {
    if (job->timeout.count() < 0) return never_runs(job, job_status::timed_out), true;
    if (job->queue_timeout.count() < 0) return never_runs(job, job_status::expired), true;
    pool_entry entry = entry_of(job);
    job->facts.stamps.queued = entry.stamp = stamp();
    bool told =
        observer() == nullptr;  // before a worker can have it; its place is kept meanwhile, as one tombstone less
    for (bool place_kept = false;;) {
        pool_worker* first_of_all = nullptr;
        {
            after_lock after(*this);
            lock_guard hold(guard_);
            if (std::exchange(place_kept, false)) ++tombstones_;
            if (closed_) {
                after.victims.push(job);
                after.why = job_status::refused;
                return true;
            }
            if (!has_room()) return false;
            if (live_threads() == 0 && !job->coroutine) {
                first_of_all = reserve_first_thread();
            } else if (told) {
                push_locked(entry, job->level, job, after);
                return true;
            } else {
                place_kept = true;
                --tombstones_;
            }
        }
        if (first_of_all) {
            if (!start_thread(*first_of_all)) no_thread();
        } else if (pool_observer* const to = observer(); !std::exchange(told, true) && to) {
            to->queued(event_of(*job));
        }
    }
}

void pool_core::prepare(pool_job& job, const submit_options& options, std::source_location where) {
    if (options.priority < lowest_priority || options.priority > highest_priority)
        misuse("a priority is 0 to 7", where);
    job.core = this;
    retain();
    job.facts.id = job_id{next_id()};
    job.facts.stamps.virtual_time = engine_ != nullptr;
    job.level = static_cast<std::int8_t>(options.priority);
    job.name = options.name;
    job.timeout = options.timeout == the_pools ? options_.timeout : options.timeout;
    job.queue_timeout = options.queue_timeout == the_pools ? options_.queue_timeout : options.queue_timeout;
    job.parent = options.context;
}

}  // namespace gm::detail
