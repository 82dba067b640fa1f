// Coroutine bodies: multiplexed on a scheduler, `workers` of them at once. One that waits costs its frame.
#include <algorithm>

#include <gristmill/detail/pool_core.hpp>

#include "pool_after_lock.hpp"

namespace gm::detail {

gm::scheduler& pool_core::home() {
    if (options_.scheduler) return *options_.scheduler;
    lock_guard hold(home_guard_);
    if (!own_home_) {
        own_home_ = std::make_unique<gm::scheduler>(scheduler_options{.name = options_.name}, made_);
        home_core_.store(&own_home_->core(), std::memory_order_relaxed);
    }
    return *own_home_;
}

namespace {

// The deadline of one coroutine body, on the process's clock.
struct body_alarm : timer {
    pool_core* core;
    pool_job* job;
    wakeable node;
    void (*over)(pool_core&, pool_job&) noexcept;

    body_alarm(pool_core& owner, pool_job& of, void (*then)(pool_core&, pool_job&) noexcept) noexcept
        : core(&owner), job(&of), over(then) {
        node.target = this;
        fire = [](timer& self, wake_list& wakes) noexcept {
            auto& alarm = static_cast<body_alarm&>(self);
            alarm.fired = true;
            wakes.commit(alarm.node);
        };
        // Runs under no lock. The alarm is shared: see drop_alarm.
        node.wake = [](wakeable& self) noexcept {
            auto* const alarm = static_cast<body_alarm*>(self.target);
            alarm->over(*alarm->core, *alarm->job);
            alarm->release();
        };
    }
    void release() noexcept {
        if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            job->release();
            delete this;
        }
    }
    std::atomic<int> references{2};  // the body's and the clock's
    bool fired = false;              // written under the clock's lock, read after stop_timer
};

}  // namespace

// A body's run, from its slot to its result. It is a parameter of the driving coroutine, and so does its duty whether the body
// ends, is destroyed with its scheduler, or was never even started.
class body_run {
public:
    body_run(pool_core& core, pool_job* job) noexcept : core_(&core), job_(job) { core.retain(); }
    body_run(body_run&& other) noexcept
        : core_(other.core_),
          job_(std::exchange(other.job_, nullptr)),
          ended_(other.ended_),
          error_(std::move(other.error_)) {}
    body_run& operator=(body_run&&) = delete;
    ~body_run() {
        if (!job_) return;
        job_->end_context();
        job_->discard_body();
        core_->coroutine_over(*job_, ended_, std::move(error_));
        job_->release();
        core_->release();
    }
    pool_job& job() const noexcept { return *job_; }
    void end(std::exception_ptr error) noexcept {
        ended_ = true;
        error_ = std::move(error);
    }

private:
    pool_core* core_;
    pool_job* job_;
    bool ended_ = false;
    std::exception_ptr error_;
};

namespace {

task<> drive(body_run run) {
    gm::job self(&run.job(), -1, nullptr, nullptr);
    try {
        co_await run.job().run_coroutine(self);
        run.end(nullptr);
    } catch (...) {
        run.end(std::current_exception());
    }
}

}  // namespace

// Takes over the queue's reference. requires: it has a slot.
void pool_core::start_coroutine(pool_job* job) noexcept {
    const std::uint64_t started = stamp();
    if (!job->move_on(job_phase::queued, job_phase::running) || spent_before_start(job, started)) {
        job->release();
        return coroutine_slot_free(1);
    }
    job->facts.stamps.started = started;
    if (pool_observer* const to = observer()) to->started(event_of(*job));
    {
        lock_guard hold(guard_);
        job->place = coroutine_jobs_.size();
        coroutine_jobs_.push_back(job);  // room was made with its slot
    }
    body_run run(*this, job);
    try {
        if (job->timeout.count() > 0) set_alarm(*job);
        const char* const name = job->name ? job->name : options_.name;
        static_cast<void>(home().spawn(drive(std::move(run)), name));  // false: shut down, and `run` has told so
    } catch (...) {
        run.end(std::current_exception());  // out of memory or threads before it had begun
    }
}

void pool_core::set_alarm(pool_job& job) {
    job.retain();
    auto* const alarm = new body_alarm(*this, job, [](pool_core& core, pool_job& late_job) noexcept {
        if (!late_job.move_on(job_phase::running, job_phase::settling)) return;
        late_job.request_stop(cause_of<deadline_exceeded>());
        core.conclude(&late_job, job_status::timed_out, nullptr, core.stamp(), nullptr);
        core.slot_of_late_free();
    });
    job.alarm = alarm;
    job.drop_alarm = [](void* which) noexcept {
        auto* const mine = static_cast<body_alarm*>(which);
        stop_timer(*mine);
        if (!mine->fired) mine->release();
        mine->release();
    };
    start_timer(*alarm, now() + job.timeout);
}

// A body that timed out gives its slot away, as a stuck worker is replaced: up to once the crew.
void pool_core::slot_of_late_free() noexcept {
    {
        lock_guard hold(guard_);
        const unsigned spares = std::min(options_.spare_workers, workers_.load(std::memory_order_relaxed));
        if (++coroutines_late_ > spares) return;
    }
    coroutine_slot_free(0);
}

void pool_core::coroutine_over(pool_job& job, bool ended, std::exception_ptr error) noexcept {
    if (job.drop_alarm) std::exchange(job.drop_alarm, nullptr)(job.alarm);
    {
        lock_guard hold(guard_);
        coroutine_jobs_[job.place] = coroutine_jobs_.back();
        coroutine_jobs_[job.place]->place = job.place;
        coroutine_jobs_.pop_back();
    }
    const bool counts = job.move_on(job_phase::running, job_phase::settling);
    if (counts) {
        const job_status status = error ? job_status::failed : ended ? job_status::ok : job_status::stopped;
        if (status != job_status::ok) job.discard_value();
        conclude(&job, status, std::move(error), stamp(), nullptr);
    } else {
        {
            lock_guard hold(guard_);
            --coroutines_late_;
        }
        late(&job, nullptr);
    }
    coroutine_slot_free(1);
}

// requires: the lock. May throw std::bad_alloc, and then nothing happened.
void pool_core::keep_slots(std::size_t n) {
    if (coroutine_jobs_.capacity() < n)
        coroutine_jobs_.reserve(std::max<std::size_t>({16, n, 2 * coroutine_jobs_.capacity()}));
}

// requires: the lock. Bodies that timed out take none, up to once the crew.
unsigned pool_core::coroutine_slots_taken() const noexcept {
    const unsigned spares = std::min(options_.spare_workers, workers_.load(std::memory_order_relaxed));
    return coroutines_running_ - std::min({coroutines_late_, spares, coroutines_running_});
}

// `returned` slots are free again; whoever waits for one gets it.
void pool_core::coroutine_slot_free(unsigned returned) noexcept {
    while (true) {
        after_lock after(*this);
        lock_guard hold(guard_);
        coroutines_running_ -= std::exchange(returned, 0u);
        if (coroutines_.size() == 0 || coroutine_slots_taken() >= workers_.load(std::memory_order_relaxed)) {
            make_room_known(after);
            if (coroutines_running_ == 0) ended_locked(after.wakes);
            return;
        }
        pool_job* const job = coroutines_.pop().job();
        if (job->phase() != job_phase::queued) {
            forget_tombstone(job);
            continue;
        }
        ++coroutines_running_;
        after.coroutine = job;
        make_room_known(after);
    }
}

// A body of this pool waits for another that has no slot yet: it runs beyond the bound, in the slot of the one that waits.
bool pool_core::lend_slot(pool_job& job) noexcept {
    if (job.phase() != job_phase::queued) return false;
    bool mine = false;
    {
        lock_guard hold(guard_);
        coroutines_.remove_if([&](pool_entry entry) {
            if (entry.job() != &job) return false;
            return mine = true;
        });
        if (mine) ++coroutines_running_;
    }
    if (mine) {
        in_caller_.fetch_add(1, std::memory_order_relaxed);
        start_coroutine(&job);
    }
    return false;
}

bool pool_core::runs_on(const scheduler_core* home) const noexcept {
    return home_core_.load(std::memory_order_relaxed) == home;
}

}  // namespace gm::detail
