// The crew's threads: how a worker takes jobs, steals them, sleeps, keeps watch and leaves.
#include <algorithm>
#include <thread>
#include <utility>

#include <gristmill/detail/pool_core.hpp>

#include "pool_after_lock.hpp"

namespace gm::detail {

constinit thread_local pool_worker* current_pool_worker = nullptr;

namespace {
constexpr std::uint32_t largest_batch = 240;
constexpr std::chrono::microseconds first_watch{100}, slowest_watch{1000};
constexpr int empty_looks_before_sleep = 8;
// Of its own queue between two looks at the crew's: whoever posts for ever must not starve those outside.
constexpr std::uint64_t turns = 61;

// False: it threw.
bool run_closure(pool_entry& entry) noexcept {
    try {
        entry.ops->run(entry.room);
        return true;
    } catch (...) {
        return false;
    }
}
}  // namespace

void pool_core::run_worker(pool_worker& me) noexcept {
    current_pool_worker = &me;
    if (options_.on_thread_start) options_.on_thread_start(me.index);
    if (pool_observer* const to = observer()) to->worker_started(me.index);
    {
        pool_entry entry;
        while (next(me, entry)) execute(me, entry);
    }
    if (me.state.destroy) me.state.destroy(me.state.state);
    me.state = {};
    if (pool_observer* const to = observer()) to->worker_stopped(me.index);
    current_pool_worker = nullptr;
    {
        after_lock after(*this);
        lock_guard hold(guard_);
        me.alive = false;
        ended_locked(after.wakes);
        after.wake_everybody = closed_;  // who kept watch over us may leave, too
    }
    forget_abandoned(me);
    release();
}

void pool_core::execute(pool_worker& me, pool_entry& entry) noexcept {
    ++me.session_jobs;
    if (entry.is_job()) return run_job(entry.job(), &me);
    bool ran;
    if (stamps_) {
        const std::uint64_t started = me.free_since;
        me.waited.add(nanoseconds_of(started - std::min(started, entry.stamp)));
        ran = run_closure(entry);
        me.free_since = stamp();
        me.ran.add(nanoseconds_of(me.free_since - started));
    } else {
        ran = run_closure(entry);
    }
    (ran ? me.closures_done : me.failed).add();
    me.jobs.add();
}

// A job that has no place in the queue runs here and now: on a worker of this pool, or (null) in its caller.
void pool_core::run_in_place(pool_entry& entry, pool_worker* me) noexcept {
    if (me) {
        ++me->depth;
        if (stamps_) me->free_since = stamp();
    }
    if (entry.is_job())
        run_job(entry.job(), me);
    else if (me)
        execute(*me, entry);
    else {
        const bool ran = run_closure(entry);
        (ran ? finished_ : failed_).fetch_add(1, std::memory_order_relaxed);
    }
    if (me) --me->depth;
}

// A session is what a worker does between two looks at the crew's queue; its length tells what a job takes.
void pool_core::begin_session(pool_worker& me) noexcept {
    me.session_jobs = 0;
    me.free_since = stamp();
    me.session_begun.store(me.free_since, std::memory_order_relaxed);
    me.in_job.store(true, std::memory_order_relaxed);
}

// Says when it had begun; 0: there was none.
std::uint64_t pool_core::end_session(pool_worker& me) noexcept {
    const std::uint64_t begun = me.session_begun.load(std::memory_order_relaxed);
    if (begun == 0) return 0;
    const std::uint64_t spent = stamp() - begun;
    me.busy_ticks.add(spent);
    me.busy_jobs.add(me.session_jobs);
    if (me.session_jobs != 0 && !engine_) me.average = me.average - me.average / 4 + spent / me.session_jobs / 4;
    me.session_begun.store(0, std::memory_order_relaxed);
    return begun;
}

// A look at the crew's queue takes its lines away from the producer, and gives them back slowly. A worker that has caught up with a
// producer of trivial jobs therefore looks every 2 µs at most, and finds a hundred jobs where it would have found five.
void pool_core::pace(const pool_worker& me, std::uint64_t begun) const noexcept {
    if (!may_spin_ || begun == 0 || me.average >= trivial_ || me.left_behind || strict_.load(std::memory_order_relaxed))
        return;
    while (stamp() - begun < between_looks_) os::relax();
}

bool pool_core::next(pool_worker& me, pool_entry& entry) noexcept {
    if (me.session_jobs < me.session_limit && !strict_.load(std::memory_order_relaxed) && me.local.pop(entry))
        return true;
    pace(me, end_session(me));
    bool others_run = false;  // and count on us to see what they queue for themselves
    while (true) {
        {
            after_lock after(*this);
            lock_guard hold(guard_);
            if (me.fresh || me.woken || me.watched_until_now) {
                starting_ -= me.fresh;
                waking_ -= me.woken;
                me.fresh = me.woken = me.watched_until_now = false;
                publish_watched();
                others_run = threads_ - sleepers_ > 1;
            }
            set_looking(me, false);
            come_back_locked(me, after.wakes);  // it was held up by a job that ran in place of another
            average_ = me.average;
            make_room_known(after, me.average);
            if (leave_if_asked(me)) {
                if (queue_.size() != 0) after.wake = whom_to_wake();  // the wake-up we got may have been for that job
                return false;
            }
            if (take(me, entry)) {
                after.wake = queue_.size() != 0 || me.local.size() != 0 ? whom_to_wake() : nullptr;
                break;
            }
            set_looking(me, true);
        }
        if (me.local.pop(entry)) break;
        if (steal(me, true) && me.local.pop(entry)) break;
        if (linger(me)) continue;
        me.in_job.store(false, std::memory_order_relaxed);
        if (!sleep(me)) {
            lock_guard hold(guard_);
            if (leave_idle(me)) return false;
        }
    }
    if (me.looking) [[unlikely]] {  // what it found was not the crew's, and a job there may have counted on it
        after_lock after(*this);
        lock_guard hold(guard_);
        set_looking(me, false);
        if (wants_thread()) after.start = reserve_thread();
    }
    if (others_run && !watched_.load(std::memory_order_relaxed)) hand_watch_on();
    begin_session(me);
    return true;
}

// requires: the lock. One job, and a batch of those behind it while jobs are trivial.
bool pool_core::take(pool_worker& me, pool_entry& entry) noexcept {
    while (true) {
        if (queue_.size() == 0) return false;
        entry = queue_.pop();
        if (!entry.is_job() || entry.job()->phase() == job_phase::queued) [[likely]]
            break;
        forget_tombstone(entry.job());
    }
    if (ordered_.load(std::memory_order_relaxed) || me.average >= trivial_ || me.local.size() != 0 ||
        strict_.load(std::memory_order_relaxed)) {
        me.left_behind = true;
        me.session_limit = turns;
        return true;
    }
    const std::uint64_t fitting = worth_waking_ * 4 / std::max<std::uint64_t>(me.average, 1);
    const auto n = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({queue_.size() / std::max(1u, live_threads() - sleepers_), largest_batch, fitting}));
    me.left_behind = n < queue_.size();
    me.session_limit = n + turns;
    if (n == 0) return true;
    me.local.put_batch(n, [this] { return queue_.pop(); });
    taken_ahead_ += n;
    return true;
}

// ---- who is awake ----

// Before it sleeps: an outside producer of trivial jobs would have to wake it every few jobs, at 2 µs each and with the lines of
// the queue going to and fro. So it gives way a few times, to the producer if that shares its CPU, and looks again.
// Only where it ran out of work a moment ago, too: a job that comes alone starts later on a worker that has just lain down.
// Brief jobs are worth it while a producer presses, that is, has just waited for room: woken for its first job, the worker
// would run in its place on its CPU, and so they would go on, job by job, while another CPU idles.
// True: there is something.
bool pool_core::linger(pool_worker& me) noexcept {
    if (engine_ || me.average >= brief_) return false;
    const std::uint64_t before = std::exchange(me.out_of_work_at, stamp());
    const bool trivial = me.average < trivial_;
    const std::uint64_t since = trivial ? before : std::min(before, pressed_at_.load(std::memory_order_relaxed));
    if (me.out_of_work_at - since > (trivial ? 10 * worth_waking_ : moment_)) return false;
    if (lingering_.exchange(true, std::memory_order_relaxed)) return false;
    bool found = queue_.size() != 0;
    for (int look = 0; look != looks_before_sleep && !found; ++look) {
        give_way();
        found = queue_.size() != 0;
    }
    lingering_.store(false, std::memory_order_relaxed);
    return found;
}

// requires: the lock. Who looks is counted only where it matters: to a crew that still grows, and where the free workers are
// all the room there is.
void pool_core::set_looking(pool_worker& me, bool looking) noexcept {
    looking = looking && (options_.queue == 0 || live_threads() < workers_.load(std::memory_order_relaxed));
    if (me.looking == looking) return;
    me.looking = looking;
    looking_ += looking ? 1 : -1u;
}

// requires: the lock. What is popped must be unparked.
pool_worker* pool_core::pop_sleeper() noexcept {
    pool_worker* const top = sleeping_;
    if (!top) return nullptr;
    sleeping_ = top->sleeping_below;
    top->asleep = false;
    top->woken = true;
    --sleepers_;
    ++waking_;
    return top;
}

// requires: the lock. Somebody, if nobody else would come soon: a wake-up costs the waker 2 µs, so nobody is woken for trivial
// work that a worker who runs is about to take, as long as one of the sleepers keeps watch.
bool pool_core::worth_waking_somebody() const noexcept {
    if (!sleeping_ || waking_ != 0) return false;
    return !watching_ || sleepers_ == threads_ - stuck_ || queue_.size() * average_ >= worth_waking_;
}

pool_worker* pool_core::whom_to_wake() noexcept { return worth_waking_somebody() ? pop_sleeper() : nullptr; }

// All at once: those who find nothing to do sleep again at once, and one by one this might never end.
void pool_core::wake_all() noexcept {
    pool_worker* first;
    {
        lock_guard hold(guard_);
        first = sleeping_;
        while (pop_sleeper()) {
        }
    }
    while (first) {
        pool_worker* const following = first->sleeping_below;  // before it is up, and may sleep again
        first->bed.unpark();
        first = following;
    }
}

// requires: the lock. Whether what a worker queues for itself will be seen while that worker is held up: somebody keeps watch, or
// the whole crew is there and at work, and each looks around before it sleeps. If not, whoever queues something has to say so.
void pool_core::publish_watched() noexcept {
    const bool all_at_work = sleepers_ == 0 && live_threads() >= workers_.load(std::memory_order_relaxed);
    watched_.store(watching_ || all_at_work, std::memory_order_relaxed);
}

// Something has been queued that nobody may see. Who is woken or started for it takes it, or finds nothing to do and keeps watch.
void pool_core::request_watch() noexcept {
    pool_worker* sleeper = nullptr;
    pool_worker* fresh = nullptr;
    {
        lock_guard hold(guard_);
        if (!watching_ && waking_ == 0 && starting_ == 0) {
            sleeper = pop_sleeper();
            if (!sleeper) fresh = reserve_thread();
        }
        watched_.store(true, std::memory_order_relaxed);  // until that one is up and says what is so
    }
    if (sleeper) sleeper->bed.unpark();
    if (fresh) static_cast<void>(start_thread(*fresh));  // refused: those who are there do the work
}

// Who would have seen what others queue for themselves is busy from here on, or is missing.
void pool_core::hand_watch_on() noexcept {
    os::heavy_fence();  // pairs with the light one of post_inside: they see that nobody watches, or we see what they queued
    if (anything_queued()) request_watch();
}

bool pool_core::anything_queued() const noexcept {
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);  // before the table: it only grows
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i != n; ++i)
        if (table[i]->local.size() != 0) return true;
    return false;
}

// From a peer's own queue, by half: what has been there since the last look, or (greedy) what takes long.
bool pool_core::steal(pool_worker& me, bool greedy) noexcept {
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (std::uint32_t i = 1; i <= n; ++i) {
        pool_worker& peer = *table[(static_cast<std::uint32_t>(me.index) + i) % n];
        if (&peer == &me) continue;
        const std::uint32_t size = peer.local.size();
        if (greedy ? size * me.average < worth_waking_ : size == 0) continue;
        if (!greedy && !peer.seen_full.exchange(true, std::memory_order_relaxed)) continue;
        peer.seen_full.store(false, std::memory_order_relaxed);
        pool_entry stolen[largest_batch];
        const std::uint32_t got = peer.local.steal(stolen, largest_batch, false);
        if (got == 0) continue;
        me.local.put_reversed(stolen, got);
        return true;
    }
    return false;
}

// Parks until there may be work; keeps watch over the others while they run and nobody else does. False: idle for so long that
// it may leave.
bool pool_core::sleep(pool_worker& me) noexcept {
    auto delay = first_watch;
    int empty_looks = 0;
    bool watch = false;
    me.allowance.store(0, std::memory_order_relaxed);
    const bool may_leave = options_.sizing.most != 0;
    while (true) {
        {
            after_lock after(*this);
            lock_guard hold(guard_);
            if (queue_.size() != 0 || closed_ || must_shrink()) {
                if (watch) end_watch(me);
                if (queue_.size() != 0 || must_shrink() || !closed_ || !(anything_queued())) return true;
                // closed, and a peer still has something: keep watch over it
            }
            const bool all_asleep = sleepers_ + 1 >= threads_;
            const bool tired = empty_looks >= empty_looks_before_sleep;
            if (!watch && !watching_ && !all_asleep && !tired) watch = watching_ = true;
            if (watch && (all_asleep || tired)) watch = watching_ = false;
            set_looking(me, false);
            me.sleeping_below = sleeping_;
            sleeping_ = &me;
            me.asleep = true;
            ++sleepers_;
            publish_watched();
            if (options_.queue == 0) make_room_known(after);  // we are the room
        }
        if (!watch) {
            // Somebody may have queued for itself after our last look and before it could see that nobody watches.
            os::heavy_fence();
            if (!watched_.load(std::memory_order_relaxed) && anything_queued()) {
                if (!wake_up(me)) return true;  // somebody woke us, and nobody would do it again
                empty_looks = 0;
                continue;
            }
            if (!may_leave) {
                me.bed.park();
                return true;
            }
            if (me.bed.park_until(now() + options_.sizing.idle)) return true;
            return !wake_up(me);
        }
        if (me.bed.park_until(now() + delay) || !wake_up(me)) {
            lock_guard hold(guard_);
            end_watch(me);
            return true;
        }
        if (steal(me, false)) {
            lock_guard hold(guard_);
            end_watch(me);
            return true;
        }
        delay = std::min(delay * 2, slowest_watch);
        empty_looks = anything_queued() ? 0 : empty_looks + 1;
    }
}

// Leaves the stack of sleepers by itself; false: somebody popped us first, and that unpark has been consumed.
bool pool_core::wake_up(pool_worker& me) noexcept {
    {
        lock_guard hold(guard_);
        if (me.asleep) {
            pool_worker** link = &sleeping_;
            while (*link != &me) link = &(*link)->sleeping_below;
            *link = me.sleeping_below;
            me.asleep = false;
            --sleepers_;
            set_looking(me, true);
            return true;
        }
    }
    me.bed.park();
    return false;
}

// requires: the lock.
void pool_core::end_watch(pool_worker& me) noexcept {
    watching_ = false;
    me.watched_until_now = true;
}

// ---- who leaves ----

// requires: the lock, as the next two.
bool pool_core::must_shrink() const noexcept { return live_threads() > workers_.load(std::memory_order_relaxed); }

bool pool_core::leave_if_asked(pool_worker& me) noexcept {
    const bool over = closed_ && queue_.size() == 0 && !anything_queued();
    if (!over && !must_shrink()) return false;
    if (me.local.size() != 0) return false;  // those first
    --threads_;
    return true;
}

bool pool_core::leave_idle(pool_worker& me) noexcept {
    const unsigned wanted = workers_.load(std::memory_order_relaxed);
    if (queue_.size() != 0 || wanted <= options_.sizing.least) return false;
    set_looking(me, false);
    workers_.store(wanted - 1, std::memory_order_relaxed);
    --threads_;
    return true;
}

}  // namespace gm::detail
