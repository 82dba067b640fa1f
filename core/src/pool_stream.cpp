// Streams: intake, delivery, the end.
#include <gristmill/detail/stream_core.hpp>

#include <algorithm>

#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/parker.hpp>

namespace gm::detail {

stream_core::stream_core(pool_core& crew, const submit_options& options, std::size_t window, bool ordered,
                         std::source_location where)
    : core_(crew),
      options_(options),
      where_(where),
      window_(window != 0 ? window : std::max<std::size_t>(2 * std::size_t{crew.workers()}, 16)),
      sink_(ordered ? nullptr : new job_sink) {
    if (options.priority < lowest_priority || options.priority > highest_priority)
        misuse("a priority is 0 to 7", where);
    if (static_cast<std::ptrdiff_t>(window) < 0) misuse("a stream's window is not negative", where);
}

// ---- in ----

void stream_core::hold(pool_job& made) noexcept {
    core_.prepare(made, options_, where_);
    made.facts.index = made_++;
    if (sink_) {
        sink_->retain();
        made.sink = sink_.get();
    }
    held_ = &made;
}

bool stream_core::try_admit() { return hand_over(false); }

// A coroutine on the pool's own scheduler may be one of its bodies: what it would wait for may wait for its slot.
bool stream_core::at_home() const noexcept { return current_worker && core_.runs_on(&current_worker->home); }

bool stream_core::hand_over(bool may_wait) {
    running_.push_back(held_);
    held_->retain();
    try {
        if (core_.try_submit(held_)) {
            held_ = nullptr;
            return true;
        }
    } catch (...) {
        held_->release();
        running_.pop_back();
        throw;
    }
    if (running_.size() == 1 && (may_wait || at_home())) {
        try {
            core_.submit(std::exchange(held_, nullptr));
        } catch (...) {
            // The job is settled, as refused: its result says so, and once is enough.
        }
        return true;
    }
    held_->release();
    running_.pop_back();
    return false;
}

// ---- out ----

pool_job* stream_core::pop_delivered() noexcept {
    pool_job* first;
    {
        lock_guard hold(sink_->guard);
        first = sink_->first;
        if (!first) return nullptr;
        sink_->first = first->next_delivered;
        if (!sink_->first) sink_->end = &sink_->first;
    }
    first->release();  // the sink's reference; ours is in running_
    return first;
}

bool stream_core::delivered() noexcept {
    if (ordered()) return running_.front()->done();
    lock_guard hold(sink_->guard);
    return sink_->first != nullptr;
}

bool stream_core::enqueue(waiter& consumer) noexcept {
    if (ordered()) return running_.front()->enqueue_waiter(consumer);
    lock_guard hold(sink_->guard);
    if (sink_->first) return false;
    sink_->waiters.push(consumer);
    return true;
}

bool stream_core::withdraw(waiter& consumer) noexcept {
    if (ordered()) return running_.front()->withdraw_waiter(consumer);
    lock_guard hold(sink_->guard);
    if (!consumer.linked) return false;
    sink_->waiters.remove(consumer);
    return true;
}

pool_job& stream_core::take() noexcept {
    pool_job* const done = ordered() ? running_.front() : pop_delivered();
    running_.erase(std::find(running_.begin(), running_.end(), done));
    return *done;
}

// On a thread of the pool, our own oldest job that is still queued runs here rather than that we wait for it.
pool_job& stream_core::wait(std::source_location where) {
    if (ordered())
        static_cast<void>(running_.front()->wait({}, where));
    else
        while (!delivered()) {
            if (help_one()) continue;
            if (current_worker)
                misuse("waiting for a stream on a scheduler's thread would block it; co_await its async_next()", where);
            wait_for_delivery();
        }
    return take();
}

bool stream_core::help_one() noexcept {
    if (!core_.inside(current_pool_worker)) return false;
    return std::any_of(running_.begin(), running_.end(), [this](pool_job* each) { return core_.help(*each); });
}

void stream_core::wait_for_delivery() {
    parker bed;
    waiter self;
    self.wake = wake_thread;
    self.target = &bed;
    if (!enqueue(self)) return;
    if (current_engine) current_engine->waits(nullptr, delivery::waits_as, this, where_);
    bed.park();
}

plain_wait<stream_core::delivery> stream_core::next_delivery() noexcept {
    if (at_home()) lend_slot();
    return plain_wait<delivery>(delivery{*this});
}

// The consumer may be a body of this pool, and hold the slot that its own jobs wait for. While none of them runs, the oldest
// gets it.
void stream_core::lend_slot() noexcept {
    pool_job* first_queued = nullptr;
    for (pool_job* const each : running_) {
        if (each->phase() != job_phase::queued) return;
        if (!first_queued && each->coroutine) first_queued = each;
    }
    if (first_queued) static_cast<void>(core_.lend_slot(*first_queued));
}

// ---- the end ----

// The last first: what runs is asked to stop when nothing is queued behind it that could start in its place.
void stream_core::cancel_all() noexcept {
    stopped_ = true;
    if (held_) std::exchange(held_, nullptr)->release();
    for (auto each = running_.rbegin(); each != running_.rend(); ++each) static_cast<void>(core_.cancel(**each));
}

// A consumer that is destroyed with its scheduler must not wait for bodies that are about to be destroyed there after it: they
// are `stopped` now, and what is left of them counts as late.
void pool_core::give_up_if_over(pool_job& job) noexcept {
    if (!job.coroutine) return;
    {
        lock_guard hold(home_guard_);
        gm::scheduler* const home = options_.scheduler ? options_.scheduler : own_home_.get();
        if (home && !home->core().stopped()) return;  // null: ~pool is at it
    }
    if (!job.move_on(job_phase::running, job_phase::settling)) return;
    {
        lock_guard hold(guard_);
        ++coroutines_late_;
    }
    conclude(&job, job_status::stopped, nullptr, stamp(), nullptr);
}

void stream_core::stop(std::source_location where) noexcept {
    cancel_all();
    for (pool_job* const each : running_) {
        core_.give_up_if_over(*each);
        if (current_worker && !each->done())
            misuse("a stream ends on a scheduler's thread while its jobs run: co_await its async_stop() first", where);
    }
    while (!running_.empty()) {
        if (ordered()) static_cast<void>(running_.front()->wait({}, where));
        while (!delivered()) wait_for_delivery();
        take().release();
    }
}

}  // namespace gm::detail
