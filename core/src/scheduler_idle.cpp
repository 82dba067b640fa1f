// A worker without work: it spins a little, looks at what its peers have not got to, sleeps, or keeps watch over the others.
#include <algorithm>

#include <gristmill/detail/scheduler_core.hpp>

namespace gm::detail {

namespace {
// How often a worker on watch looks at its peers: at first, after a look that found frozen work (where one coroutine
// ran long, the next is likely to), and at most; each fruitless look doubles the time.
constexpr std::chrono::microseconds first_watch{100}, keen_watch{20}, slowest_watch{1000};
constexpr int empty_looks_before_sleep = 8;
}  // namespace

// While the work is worth sharing, more of it is likely to come within microseconds.
task_header* scheduler_core::spin(worker& me) noexcept {
    if (!me.offering_ || threads() == 1) return nullptr;
    {
        lock_guard hold(shared_guard_);
        ++spinners_;
        note_idle();
    }
    task_header* found = nullptr;
    const std::uint64_t start = ticks();
    for (bool stolen = false; !found && !stopping_.load(std::memory_order_relaxed);) {
        if (current_engine)
            current_engine->yield();
        else
            os::relax();
        if (shared_count_.load(std::memory_order_relaxed) != 0) break;
        const std::uint64_t spent = ticks() - start;
        if (spent > spin_ticks_) break;
        if (!stolen && spent > spin_ticks_ / 4) {
            stolen = true;
            found = look(me, true);
        }
    }
    {
        lock_guard hold(shared_guard_);
        --spinners_;
        note_idle();
    }
    return found ? found : take_shared(me);
}

// What has been in a peer's queue since the last look (or, for the greedy, what is there at all) is taken, by half.
task_header* scheduler_core::look(worker& me, bool greedy) noexcept {
    for (unsigned i = 1; i < threads(); ++i) {
        const unsigned which = (me.index_ + i) % threads();
        run_queue& queue = workers_[which]->queue;
        worker::glance& last = me.glances_[which];
        const worker::glance now{queue.ready(), queue.pops(), queue.children(), queue.oldest_taken()};
        const bool frozen = (now.ready != 0 && now.pops - last.pops < last.ready) ||
                            (now.children != 0 && last.children != 0 && now.oldest_taken == last.oldest_taken);
        last = now;
        if (!frozen && !(greedy && now.ready + now.children != 0)) continue;
        if (task_header* const chain = queue.steal()) return keep(me, chain);
    }
    return nullptr;
}

bool scheduler_core::anything_queued() const noexcept {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& each) { return each->queue.size() != 0; });
}

// Parks until there may be work; keeps watch over the others while they run and nobody else does.
task_header* scheduler_core::sleep(worker& me) noexcept {
    int empty_looks = 0;
    bool watch = false;
    if (task_header* const task = look(me, false)) {
        me.watch_delay_ = keen_watch;
        return task;
    }
    me.watch_delay_ = std::min(me.watch_delay_, first_watch);
    while (true) {
        {
            lock_guard hold(shared_guard_);
            if (stopping_.load(std::memory_order_relaxed) || shared_count_.load(std::memory_order_relaxed) != 0) {
                if (watch) end_watch();
                return nullptr;
            }
            const bool all_asleep = sleepers_ + 1 == threads();
            const bool tired = empty_looks >= empty_looks_before_sleep;
            if (!watch && !watching_ && !all_asleep && !tired) watch = watching_ = true;
            if (watch && (all_asleep || tired)) watch = watching_ = false;
            me.sleeping_below_ = sleeping_;
            sleeping_ = &me;
            me.asleep_ = true;
            ++sleepers_;
            note_idle();
            watched_.store(watching_, std::memory_order_relaxed);
        }
        if (!watch) {
            // Somebody may have queued work after our last look and before it could see that nobody watches.
            os::heavy_fence();
            if (!watched_.load(std::memory_order_relaxed) && anything_queued()) {
                if (!wake_up(me)) return nullptr;
                empty_looks = 0;
                continue;
            }
            me.bed_.park();
            return nullptr;
        }
        if (me.bed_.park_until(now() + me.watch_delay_) || !wake_up(me)) {
            end_watch_locked();
            return nullptr;
        }
        if (task_header* const task = look(me, false)) {
            me.watch_delay_ = keen_watch;
            end_watch_locked();
            return task;
        }
        me.watch_delay_ = std::min(me.watch_delay_ * 2, slowest_watch);
        empty_looks = anything_queued() ? 0 : empty_looks + 1;
    }
}

// Leaves the stack of sleepers by itself; false: somebody popped us first, and that unpark has been consumed.
bool scheduler_core::wake_up(worker& me) noexcept {
    {
        lock_guard hold(shared_guard_);
        if (me.asleep_) {
            worker** link = &sleeping_;
            while (*link != &me) link = &(*link)->sleeping_below_;
            *link = me.sleeping_below_;
            me.asleep_ = false;
            --sleepers_;
            note_idle();
            return true;
        }
    }
    me.bed_.park();
    return false;
}

// requires: shared_guard_ is held. What is popped must be unparked.
worker* scheduler_core::pop_sleeper() noexcept {
    worker* const top = sleeping_;
    if (!top) return nullptr;
    sleeping_ = top->sleeping_below_;
    top->asleep_ = false;
    --sleepers_;
    note_idle();
    return top;
}

void scheduler_core::note_idle() noexcept { idle_.store(sleepers_ + spinners_, std::memory_order_relaxed); }

void scheduler_core::end_watch() noexcept {
    watching_ = false;
    watched_.store(sleepers_ == 0, std::memory_order_relaxed);
}

// Who was woken, or kept watch, leaves for work: it may have been the one who would have seen what others queue, and what they
// have queued already will not be told again.
void scheduler_core::hand_watch_on() noexcept {
    {
        lock_guard hold(shared_guard_);
        watched_.store(watching_ || sleepers_ == 0, std::memory_order_relaxed);
        if (watched_.load(std::memory_order_relaxed) || threads() - sleepers_ == 1) return;
    }
    os::heavy_fence();
    if (anything_queued()) request_watch();
}

void scheduler_core::end_watch_locked() noexcept {
    lock_guard hold(shared_guard_);
    end_watch();
}

void scheduler_core::request_watch() noexcept {
    worker* sleeper = nullptr;
    {
        lock_guard hold(shared_guard_);
        if (!watching_) sleeper = pop_sleeper();  // it will find nothing to do, and keep watch
        watched_.store(true, std::memory_order_relaxed);
    }
    if (sleeper) sleeper->bed_.unpark();
}

}  // namespace gm::detail
