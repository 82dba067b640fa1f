// A job's own life: settling, waiting for it, its context.
#include <gristmill/detail/pool_job.hpp>

#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/thread_wait.hpp>

namespace gm {

const char* to_string(job_status status) noexcept {
    switch (status) {
        case job_status::ok: return "ok";
        case job_status::failed: return "failed";
        case job_status::timed_out: return "timed out";
        case job_status::expired: return "expired";
        case job_status::cancelled: return "cancelled";
        case job_status::dropped: return "dropped";
        case job_status::refused: return "refused";
        case job_status::stopped: return "stopped";
    }
    return "unknown";
}

const char* job_not_done::what() const noexcept {
    switch (status) {
        case job_status::timed_out: return "the job was not done: timed out";
        case job_status::expired: return "the job was not done: expired";
        case job_status::cancelled: return "the job was not done: cancelled";
        case job_status::dropped: return "the job was not done: dropped";
        case job_status::refused: return "the job was not done: refused";
        case job_status::stopped: return "the job was not done: stopped";
        case job_status::ok:
        case job_status::failed: break;
    }
    return "the job was not done";
}

namespace detail {

std::chrono::nanoseconds between_stamps(const job_stamps& of, std::uint64_t from, std::uint64_t to) noexcept {
    if (from == 0 || to <= from) return std::chrono::nanoseconds(0);
    const double unit = of.virtual_time ? 1.0 : os::nanoseconds_per_tick();
    return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(to - from) * unit));
}

std::optional<time_point> time_of_stamp(const job_stamps& of, std::uint64_t stamp) noexcept {
    if (stamp == 0) return std::nullopt;
    if (of.virtual_time) return time_point(std::chrono::nanoseconds(static_cast<std::int64_t>(stamp)));
    const std::uint64_t ticks = os::ticks();
    return clock::now() - between_stamps(of, stamp, ticks);
}

void job_sink::deliver(pool_job& done) noexcept {
    wake_list wakes;
    {
        lock_guard hold(guard);
        done.next_delivered = nullptr;
        *end = &done;
        end = &done.next_delivered;
        if (waiter* const consumer = waiters.pop_claimed()) wakes.commit(*consumer);
    }
    wakes.wake();
}

void discard_job(void* room) noexcept {
    pool_job* const job = *std::launder(static_cast<pool_job**>(room));
    job->discard_body();
    job->release();
}

pool_job::~pool_job() {
    if (sink) sink->release();
    if (core) core->release();
}

void pool_job::settle() noexcept {
    retain();  // a waiter may let go of its reference before we are through
    wake_list wakes;
    {
        lock_guard hold(guard_);
        phase_.store(static_cast<std::uint32_t>(job_phase::done), std::memory_order_release);
        while (waiter* const each = waiters_.pop_claimed()) wakes.commit(*each);
    }
    wakes.wake();
    if (sink)
        sink->deliver(*this);  // with our reference
    else
        release();
}

bool pool_job::enqueue_waiter(waiter& who) noexcept {
    lock_guard hold(guard_);
    if (done()) return false;
    waiters_.push(who);
    return true;
}

bool pool_job::withdraw_waiter(waiter& who) noexcept {
    lock_guard hold(guard_);
    if (!who.linked) return false;
    waiters_.remove(who);
    return true;
}

bool pool_job::wait(const limits& until, std::source_location where) noexcept {
    if (done()) return true;
    if (core->help(*this) && done()) return true;
    if (current_worker) misuse("waiting for a job on a scheduler's thread would block it; co_await the future", where);
    thread_wait self;
    if (!self.arm(until)) return done();
    if (!enqueue_waiter(self)) return true;
    static_cast<void>(self.sleep(until));
    static_cast<void>(withdraw_waiter(self));
    return done();
}

context pool_job::body_context() {
    {
        lock_guard hold(guard_);
        if (context_) return *context_;
    }
    auto made = std::make_unique<context_source>(parent);
    bool stop;
    gm::context mine;
    {
        lock_guard hold(guard_);
        if (!context_) context_ = std::move(made);
        mine = *context_;
        stop = stop_requested();
    }
    if (stop) mine.core()->cancel(cause_of<cancelled>("the job was asked to stop"));
    return mine;
}

void pool_job::request_stop(const std::exception_ptr& cause) noexcept {
    gm::context mine;
    {
        lock_guard hold(guard_);
        stop_requested_.store(true, std::memory_order_release);
        if (context_) mine = *context_;
    }
    if (mine.core()) mine.core()->cancel(cause);
}

void pool_job::end_context() noexcept {
    std::unique_ptr<context_source> ended;
    {
        lock_guard hold(guard_);
        ended = std::move(context_);
    }
}

}  // namespace detail
}  // namespace gm
