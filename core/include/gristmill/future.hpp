#pragma once
// future<T>: a job's result, for one who waits: a thread by get(), a coroutine by co_await. Letting go of it neither waits
// nor cancels.

#include <coroutine>
#include <memory>
#include <source_location>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/plain_wait.hpp>
#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/pool_job.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/job_result.hpp>

namespace gm {

// What cancel() met.
enum class cancel_outcome : std::uint8_t {
    queued,   // it never runs; its result is `cancelled`
    running,  // its stop token is set; its result is whatever it makes of that
    done,     // too late
};

namespace detail {

inline constexpr const char* no_job = "a future without a job, or whose result was taken";

struct job_releaser {
    void operator()(pool_job* job) const noexcept { job->release(); }
};

// The end of a job, for plain_wait. The result stays for whoever takes it.
struct job_end {
    static constexpr const char* waits_as = "waits for a job";
    pool_job* job;
    bool over() const noexcept { return job->done(); }
    bool enqueue(waiter& who) const noexcept { return job->enqueue_waiter(who); }
    bool withdraw(waiter& who) const noexcept { return job->withdraw_waiter(who); }
    const void* object() const noexcept { return job; }
};

template <class T>
class [[nodiscard]] future_awaiter {
public:
    explicit future_awaiter(job_state<T>* adopted) noexcept : state_(adopted), end_(job_end{adopted}) {}

    bool await_ready(std::source_location where = std::source_location::current()) noexcept {
        if (!state_) misuse(no_job, where);
        return end_.await_ready();
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        if (state_->coroutine && current_worker && state_->core->runs_on(&current_worker->home))
            static_cast<void>(state_->core->lend_slot(*state_));
        return end_.await_suspend(self);
    }
    job_result<T> await_resume() {
        end_.await_resume();
        return state_->take_result();
    }

private:
    std::unique_ptr<job_state<T>, job_releaser> state_;
    plain_wait<job_end> end_;
};

}  // namespace detail

// Thread safety: one thread at a time; any thread.
template <class T>
class [[nodiscard]] future {
public:
    using value_type = T;

    future() noexcept = default;
    explicit future(detail::job_state<T>* adopted) noexcept : state_(adopted) {}
    future(future&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    future& operator=(future&& other) noexcept {
        future old(std::move(*this));
        state_ = std::exchange(other.state_, nullptr);
        return *this;
    }
    ~future() {
        if (state_) state_->release();
    }

    // False: made without a job, or its result was taken.
    bool valid() const noexcept { return state_ != nullptr; }
    job_id id(std::source_location where = std::source_location::current()) const { return state(where).facts.id; }
    bool ready(std::source_location where = std::source_location::current()) const { return state(where).done(); }

    // Waits for the result and takes it: once. On a worker of the job's own pool, a function that is still queued runs here and
    // now, and no other one does. requires: valid(), as all that follow and precede but valid() itself; not on a thread of a
    // scheduler unless ready() (misuse: co_await it).
    job_result<T> get(std::source_location where = std::source_location::current()) {
        static_cast<void>(state(where).wait({}, where));
        future taken(std::move(*this));
        return taken.state_->take_result();
    }

    // Waits, but not longer: true if the result is there to be taken. It helps as get() does, and a job that it runs here is run
    // to its end, whatever the limit.
    bool wait(const until& limit, std::source_location where = std::source_location::current()) const {
        return state(where).wait(limit.limits(), where);
    }

    cancel_outcome cancel(std::source_location where = std::source_location::current()) const {
        detail::job_state<T>& job = state(where);
        return static_cast<cancel_outcome>(job.core->cancel(job));
    }

    // True: it was still queued. Its place is as if it had been submitted at its time with this priority.
    // Costs time as the queue is long.
    bool set_priority(int priority, std::source_location where = std::source_location::current()) const {
        if (priority < lowest_priority || priority > highest_priority) detail::misuse("a priority is 0 to 7", where);
        return state(where).core->set_priority(state(where), priority);
    }

    // Takes the result, as get() does.
    auto operator co_await() { return detail::future_awaiter<T>(std::exchange(state_, nullptr)); }

    detail::job_state<T>* release() noexcept { return std::exchange(state_, nullptr); }

private:
    [[noreturn]] static void missing(std::source_location where) { detail::misuse(detail::no_job, where); }
    detail::job_state<T>& state(std::source_location where) const {
        if (!state_) missing(where);
        return *state_;
    }

    detail::job_state<T>* state_ = nullptr;
};

}  // namespace gm
