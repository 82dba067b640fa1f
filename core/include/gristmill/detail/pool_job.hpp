#pragma once
// A job with a life of its own: it has an id, can be waited for, cancelled, timed out. Shared between the queue (or the
// worker that runs it) and its future or stream.
//
// One word says how far it is, and whoever moves it on owns the next step:
//   queued ──► running    a worker, or somebody who waits for it inside of the pool
//   queued ──► settling   a cancel, a drop, an expiry, a stop: it never runs
//   running ─► settling   its worker when the body ends, or the watchdog when the time is up; the loser's outcome is late
//   settling ► done       under the lock, with the waiters
// Whoever settles writes the facts; everybody else reads them after seeing `done`.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <gristmill/context.hpp>
#include <gristmill/detail/atomic.hpp>
#include <gristmill/detail/block_cache.hpp>
#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/waiter.hpp>
#include <gristmill/job_result.hpp>
#include <gristmill/pool_options.hpp>
#include <gristmill/task.hpp>

namespace gm {
class job;
}

namespace gm::detail {

class pool_core;
class pool_worker;
class pool_job;

// Where finished jobs of a stream go. Delivery never blocks: the job itself is the list's node.
class job_sink {
public:
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    void deliver(pool_job& done) noexcept;  // takes over one reference to it

    lock guard;  // protects what follows
    pool_job* first = nullptr;
    pool_job** end = &first;
    waiter_queue waiters;

private:
    atomic<std::uint32_t> references_{1};
};

enum class job_phase : std::uint32_t { queued, running, settling, done };

class pool_job {
public:
    pool_job(const pool_job&) = delete;
    pool_job& operator=(const pool_job&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    // A job is made by one thread and mostly ends on another.
    static void* operator new(std::size_t size) { return block_cache::take(size); }
    static void* operator new(std::size_t size, std::align_val_t alignment) { return ::operator new(size, alignment); }
    static void operator delete(void* what, std::size_t size) noexcept { block_cache::give(what, size); }
    static void operator delete(void* what, std::size_t, std::align_val_t alignment) noexcept {
        ::operator delete(what, alignment);
    }

    // The body. A coroutine's is only made here.
    virtual void run(job& self) = 0;
    virtual task<> run_coroutine(job& self) = 0;
    virtual void discard_body() noexcept = 0;  // what it captured goes; called once, by whoever took it out of `queued`
    virtual void discard_value() noexcept = 0;  // of a job that was late

    job_phase phase() const noexcept { return static_cast<job_phase>(phase_.load(std::memory_order_acquire)); }
    bool done() const noexcept { return phase() == job_phase::done; }
    bool move_on(job_phase from, job_phase to) noexcept {
        auto expected = static_cast<std::uint32_t>(from);
        return phase_.compare_exchange_strong(expected, static_cast<std::uint32_t>(to), std::memory_order_acq_rel,
                                              std::memory_order_acquire);
    }
    // requires: the caller moved it to `settling` and wrote the facts. No use of it afterwards without a reference.
    void settle() noexcept;

    // A future's end of it.
    bool enqueue_waiter(waiter& who) noexcept;                            // false: it is done already
    bool withdraw_waiter(waiter& who) noexcept;                           // false: it was fired
    bool wait(const limits& until, std::source_location where) noexcept;  // blocks; false: the limit came first

    // The token and context that the body sees: made when it first asks.
    context body_context();
    void request_stop(const std::exception_ptr& cause) noexcept;
    bool stop_requested() const noexcept { return stop_requested_.load(std::memory_order_acquire); }
    void end_context() noexcept;

    // Written before it is queued.
    pool_core* core = nullptr;  // retained
    job_facts facts;
    const char* name = nullptr;
    context parent;
    std::chrono::nanoseconds timeout{0};
    std::chrono::nanoseconds queue_timeout{0};
    std::int8_t level = 0;  // changed under the pool's lock
    bool coroutine = false;
    job_sink* sink = nullptr;  // retained
    pool_job* next_delivered = nullptr;
    std::size_t place = 0;  // among the coroutine bodies that run; under the pool's lock
    void* alarm = nullptr;  // of a coroutine body with a timeout
    void (*drop_alarm)(void*) noexcept = nullptr;

protected:
    pool_job() noexcept = default;
    virtual ~pool_job();

private:
    atomic<std::uint32_t> references_{1};
    atomic<std::uint32_t> phase_{0};
    atomic<bool> stop_requested_{false};
    lock guard_;  // protects waiters_ and context_
    waiter_queue waiters_;
    std::unique_ptr<context_source> context_;
};

template <class R>
class job_state : public pool_job {
public:
    // requires: done; once. Without a value the slot is left alone: a body that timed out may still be at it.
    job_result<R> take_result() {
        if (facts.status != job_status::ok) return job_result<R>(std::move(facts), {});
        return job_result<R>(std::move(facts), std::move(slot_));
    }
    void discard_value() noexcept override { slot_.clear(); }

protected:
    result_slot<R> slot_;
};

// f() or f(job&).
template <class F>
decltype(auto) call_body(F& f, job& self) {
    if constexpr (std::invocable<F&, job&>)
        return std::invoke(f, self);
    else
        return std::invoke(f);
}
template <class F>
using body_return = decltype(call_body(std::declval<F&>(), std::declval<job&>()));
template <class R>
struct body_value_of {
    using type = std::conditional_t<std::is_rvalue_reference_v<R>, std::remove_reference_t<R>, R>;
};
template <class R>
struct body_value_of<task<R>> {
    using type = R;
};
template <class F>
using body_value = typename body_value_of<body_return<F>>::type;

template <class F, class R>
class typed_job final : public job_state<R> {
public:
    template <class G>
        requires(!std::same_as<std::remove_cvref_t<G>, typed_job>)
    explicit typed_job(G&& body) : body_(std::in_place, std::forward<G>(body)) {
        this->coroutine = is_task<body_return<F>>;
    }

    void run(job& self) override {
        if constexpr (!is_task<body_return<F>>) {
            if constexpr (std::is_void_v<R>)
                call_body(*body_, self);
            else if constexpr (std::is_reference_v<R>)
                this->slot_.value = std::addressof(call_body(*body_, self));
            else
                this->slot_.value.emplace(made_in_place{*body_, self});
        }
    }
    task<> run_coroutine(job& self) override {
        if constexpr (is_task<body_return<F>>) {
            if constexpr (std::is_void_v<R>)
                co_await call_body(*body_, self);
            else if constexpr (std::is_reference_v<R>)
                this->slot_.value = std::addressof(co_await call_body(*body_, self));
            else
                this->slot_.value.emplace(co_await call_body(*body_, self));
        } else {
            co_return;
        }
    }
    void discard_body() noexcept override { body_.reset(); }

private:
    // Converts to what the body returns, so that a result that cannot move is built where it stays.
    struct made_in_place {
        F& body;
        job& self;
        operator R() { return call_body(body, self); }
    };
    std::optional<F> body_;
};

}  // namespace gm::detail

namespace gm {

// What a body that takes a `gm::job&` knows of itself. Valid while the body runs, on its thread or in its coroutine.
class job {
public:
    job(detail::pool_job* state, int worker, void* (*state_of)(detail::pool_worker*), detail::pool_worker* at) noexcept
        : state_(state), worker_(worker), worker_state_(state_of), at_(at) {}
    job(const job&) = delete;
    job& operator=(const job&) = delete;

    job_id id() const noexcept { return state_->facts.id; }
    std::uint64_t index() const noexcept { return state_->facts.index; }  // of its element, from 0, in a stream
    int worker() const noexcept { return worker_; }                       // -1: in the caller of submit
    const char* name() const noexcept { return state_->name; }
    int priority() const noexcept { return state_->level; }

    // Set when the job is cancelled, its time is up, its context done or the pool destroyed. Waits that take a context
    // end then.
    gm::context context() const { return state_->body_context(); }
    std::stop_token stop_token() const { return context().stop_token(); }
    bool stop_requested() const noexcept { return state_->stop_requested() || state_->parent.is_done(); }

    // The worker's state; see pool_of. Null outside of one.
    void* worker_state() const { return worker_state_ ? worker_state_(at_) : nullptr; }

private:
    detail::pool_job* state_;
    int worker_;
    void* (*worker_state_)(detail::pool_worker*);
    detail::pool_worker* at_;
};

}  // namespace gm
