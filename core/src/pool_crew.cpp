// The crew as a whole: threads that start when they are needed, another size, the end.
#include <algorithm>
#include <cstdio>
#include <new>
#include <system_error>

#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/thread_wait.hpp>
#include <gristmill/pool.hpp>

#include "pool_after_lock.hpp"

namespace gm {
namespace detail {

namespace {

// Workers that were still stuck when their pool had gone: the one exception to "every thread has an owner that joins
// it". Never destroyed: a thread may come back while statics are.
struct abandoned_list {
    lock guard;
    std::vector<std::pair<pool_core*, pool_worker*>> workers;
};
abandoned_list& the_abandoned() noexcept {
    alignas(abandoned_list) static unsigned char room[sizeof(abandoned_list)];
    static abandoned_list* const instance = ::new (room) abandoned_list;
    return *instance;
}

}  // namespace

// ---- starting ----

// requires: the lock. Those that do work, or may: stuck ones count once the spares are used up.
unsigned pool_core::live_threads() const noexcept {
    const unsigned spares = std::min(options_.spare_workers, workers_.load(std::memory_order_relaxed));
    return threads_ - std::min(stuck_, spares);
}

// requires: the lock. More jobs wait than free workers come for them, and the crew is not whole yet.
bool pool_core::wants_thread() const noexcept {
    return sleepers_ == 0 && queue_.size() > starting_ + waking_ + looking_ &&
           live_threads() < workers_.load(std::memory_order_relaxed);
}

// requires: the lock. Null: no more are wanted, or the system has just refused one.
pool_worker* pool_core::reserve_thread() noexcept {
    if (live_threads() >= workers_.load(std::memory_order_relaxed)) return nullptr;
    if (retry_threads_at_ != 0 && live_threads() != 0 && stamp() < retry_threads_at_) return nullptr;
    pool_worker* chosen = nullptr;
    for (const auto& each : crew_)
        if (!each->alive && !each->launching) {
            chosen = each.get();
            break;
        }
    if (!chosen) {
        try {
            const std::size_t n = crew_.size();
            if (n == table_room_) {
                const std::size_t room = std::max<std::size_t>(8, 2 * n);
                auto table = std::make_unique<pool_worker*[]>(room);
                for (std::size_t i = 0; i != n; ++i) table[i] = crew_[i].get();
                tables_.push_back(std::move(table));
                crew_.reserve(room);
                table_room_ = room;
                table_.store(tables_.back().get(), std::memory_order_release);
            }
            crew_.push_back(std::make_unique<pool_worker>(*this, static_cast<int>(n)));
            chosen = crew_.back().get();
            tables_.back()[n] = chosen;
            table_size_.store(static_cast<std::uint32_t>(n + 1), std::memory_order_release);
        } catch (...) {
            return nullptr;  // out of memory: those who are there do the work
        }
    }
    chosen->alive = chosen->fresh = chosen->launching = true;
    chosen->average = average_;
    ++threads_;
    ++starting_;
    return chosen;
}

// The same where there is no thread at all.
pool_worker* pool_core::reserve_first_thread() {
    if (pool_worker* const which = reserve_thread()) return which;
    throw std::bad_alloc();  // nothing else keeps a pool without threads from one
}

bool pool_core::start_thread(pool_worker& which) noexcept {
    retain();  // the thread's
    try {
        which.thread.join();  // of the one that left this place
        which.thread = pool_thread(engine_, std::string(options_.name) + "-" + std::to_string(which.index),
                                   [this, &which] { run_worker(which); });
        lock_guard hold(guard_);  // it may have left already, but only now its place can be taken again
        which.launching = false;
        return true;
    } catch (...) {
        wake_list wakes;
        {
            lock_guard hold(guard_);
            which.alive = which.fresh = which.launching = false;
            --threads_;
            --starting_;
            publish_watched();
            ++threads_refused_;
            retry_threads_at_ = stamp() + ticks_of(std::chrono::seconds(1));
            ended_locked(wakes);
        }
        wakes.wake();
        release();
        return false;
    }
}

void pool_core::no_thread() {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                            "gm::pool cannot start a thread; " + os::thread_limits());
}

// Starts up to `most` threads, as many as are wanted.
void pool_core::grow(unsigned most) noexcept {
    for (unsigned i = 0; i != most; ++i) {
        pool_worker* which;
        {
            lock_guard hold(guard_);
            which = closed_ && queue_.size() == 0 ? nullptr : reserve_thread();
        }
        if (!which || !start_thread(*which)) return;
    }
}

void pool_core::start_all() {
    while (true) {
        pool_worker* which;
        {
            lock_guard hold(guard_);
            retry_threads_at_ = 0;
            which = closed_ ? nullptr : reserve_thread();
        }
        if (!which) return;
        if (!start_thread(*which)) no_thread();
    }
}

bool pool_core::resize(unsigned workers) {
    const unsigned wanted = workers != 0 ? workers : os::usable_cpus();
    std::size_t waiting;
    {
        lock_guard hold(guard_);
        if (closed_) return false;
        if (options_.sizing.most != 0) options_.sizing.least = options_.sizing.most = wanted;
        workers_.store(wanted, std::memory_order_relaxed);
        publish_watched();
        waiting = queue_.size();
    }
    grow(static_cast<unsigned>(std::min<std::size_t>(waiting, wanted)));
    hand_watch_on();
    wake_all();  // those who are too many leave
    coroutine_slot_free(0);
    return true;
}

// ---- the end ----

// requires: the lock.
void pool_core::ended_locked(wake_list& wakes) noexcept {
    while (waiter* const each = enders_.pop_claimed()) wakes.commit(*each);
}

// Until the threads have left that are not stuck in a job that timed out; or all such jobs are done; or all have come
// back. requires: closed.
bool pool_core::wait_until_ended(const limits& until, what awaited) noexcept {
    while (true) {
        thread_wait self;
        {
            lock_guard hold(guard_);
            const bool all = awaited == what::everything;
            const unsigned threads = threads_ - (all ? 0 : std::min(stuck_, threads_));
            const unsigned bodies = coroutines_running_ - (all ? 0 : std::min(coroutines_late_, coroutines_running_));
            if (threads == 0 && (awaited == what::threads || (bodies == 0 && coroutines_.size() == 0))) return true;
            if (until.context && until.context->done()) return false;
            if (until.has_deadline && until.deadline <= now()) return false;
            if (!self.arm(until)) return false;
            enders_.push(self);
        }
        static_cast<void>(self.sleep(until));
        lock_guard hold(guard_);
        if (self.linked) enders_.remove(self);
    }
}

void pool_core::stop_running(const char* why) noexcept {
    const std::exception_ptr cause = cause_of<cancelled>(why);
    const std::uint32_t n = table_size_.load(std::memory_order_acquire);
    pool_worker* const* const table = table_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i != n; ++i) {
        pool_job* job;
        {
            lock_guard hold(table[i]->frames_guard);
            job = table[i]->current.load(std::memory_order_relaxed);
            if (job) job->retain();
        }
        if (!job) continue;
        job->request_stop(cause);
        job->release();
    }
    // From the last to the first: when one leaves, the last takes its place, so none is passed over.
    for (std::size_t i = ~std::size_t{0}; i != 0;) {
        pool_job* job;
        {
            lock_guard hold(guard_);
            i = std::min(i, coroutine_jobs_.size());
            if (i == 0) return;
            job = coroutine_jobs_[--i];
            job->retain();
        }
        job->request_stop(cause);
        job->release();
    }
}

void pool_core::end() noexcept {
    if (inside(current_pool_worker)) misuse("the pool that was made here is destroyed by one of its own jobs", made_);
    close();
    pool_entry waiting;
    while (stop_some(&waiting, 1) != 0) waiting.discard();
    wake_all();
    stop_running("the pool was destroyed");
    static_cast<void>(wait_until_ended({}, what::threads));
    limits grace;
    grace.deadline = now() + options_.grace;
    grace.has_deadline = true;
    const bool all_back = wait_until_ended(grace, what::everything);
    watchdog_quits_.store(true);
    watchdog_bed_.unpark();
    {
        lock_guard hold(watchdog_guard_);  // whoever started it may be abandoned, and is not joined below
    }
    watchdog_.join();
    own_home_.reset();
    std::size_t left_behind = 0;
    for (const auto& each : crew_) {
        if (!all_back && abandon_if_stuck(*each))
            ++left_behind;
        else
            each->thread.join();
    }
    observer_.store(nullptr, std::memory_order_release);
    if (left_behind != 0)
        std::fprintf(stderr,
                     "gristmill: pool '%s' abandoned %zu worker(s) that did not come back from jobs that timed out\n",
                     options_.name, left_behind);
}

// Under the list's lock, so that the worker, should it come back just now, finds itself there and leaves the list.
bool pool_core::abandon_if_stuck(pool_worker& who) noexcept {
    abandoned_list& list = the_abandoned();
    lock_guard hold(list.guard);
    {
        lock_guard also(guard_);
        if (!who.alive || !who.stuck) return false;
    }
    list.workers.emplace_back(this, &who);
    who.thread.let_go();
    return true;
}

void pool_core::forget_abandoned(pool_worker& me) noexcept {
    abandoned_list& list = the_abandoned();
    lock_guard hold(list.guard);
    std::erase_if(list.workers, [&](const auto& each) { return each.second == &me; });
}

}  // namespace detail

std::size_t abandoned_workers() noexcept {
    auto& list = detail::the_abandoned();
    detail::lock_guard hold(list.guard);
    return list.workers.size();
}

}  // namespace gm
