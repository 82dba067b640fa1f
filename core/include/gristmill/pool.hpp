#pragma once
// pool: a crew of workers and a bounded queue. Functions run on threads; bodies that are coroutines are multiplexed on a
// scheduler, so that a crew of 100,000 of them that wait costs their frames.
//
//     gm::pool crew({.workers = 4, .queue = 100});
//     auto answer = crew.submit([] { return 6 * 7; });   // answer.get(), or co_await answer
//     crew.post([] { … });                               // nobody waits for it
//     for (auto& done : crew.map(paths, resize))         // as they finish
//         if (!done) log(done.id(), done.error());
//
// A body is f(), f(gm::job&), or either of them returning gm::task<R>. Whatever it throws becomes its result; the worker
// lives on. The exception of a job that was posted is counted, and told to the observer.
//
// Timeouts. The clock starts when the job does. When the time is up its result is `timed_out`, at once and for good, and its
// stop token is set; what it returns later is dropped and counted (late). Nothing can end a function from outside:
// it keeps its worker, which is replaced, up to once the crew, and what a job with a timeout captures must outlive the pool and
// the job, whichever is longer. A job that runs in its caller (when_full::caller_runs) is not timed.
//
// Waiting inside. A job that waits for a job of the same pool runs that one itself if it is still queued; a job submitted from
// inside to the pool's full queue runs in place (up to 64 deep; below that the bound is exceeded and counted).
//
// Thread safety: every member from any thread; the destructor by one, and by none of its own jobs (misuse).

#include <concepts>
#include <functional>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/detail/pool_core.hpp>
#include <gristmill/future.hpp>
#include <gristmill/job_result.hpp>
#include <gristmill/pool_options.hpp>

namespace gm {

template <class F>
concept job_body = std::invocable<std::decay_t<F>&> || std::invocable<std::decay_t<F>&, job&>;

// A body that stop() gave back: it has not run and its future says `stopped`. Dropped unrun unless it is run or posted.
class [[nodiscard]] waiting_job {
public:
    explicit waiting_job(const detail::pool_entry& adopted) noexcept : entry_(adopted), full_(true) {}
    waiting_job(waiting_job&& other) noexcept : entry_(other.entry_), full_(std::exchange(other.full_, false)) {}
    waiting_job& operator=(waiting_job&& other) noexcept {
        std::swap(entry_, other.entry_);
        std::swap(full_, other.full_);
        return *this;
    }
    ~waiting_job();

    job_id id() const noexcept;  // 0 of a small closure that was posted
    const char* name() const noexcept;
    // Runs the body here, once; its value is dropped and what it throws is thrown. Not for coroutine bodies: false.
    bool run();

private:
    detail::pool_entry entry_;
    bool full_;
};

class pool {
public:
    // Starts no thread yet. Negative times and a priority_step of 0 or less are misuse.
    explicit pool(const pool_options& options = {}, std::source_location where = std::source_location::current());
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    // Stops: what waits is `stopped`, what runs is asked to stop and waited for. Workers that are stuck in jobs that timed out
    // have `grace` to come back, then they are abandoned, and standard error says so; see abandoned_workers().
    ~pool();

    // The future of one job. When the queue is full: see when_full. After close: its result says refused.
    // Throws std::bad_alloc, and std::system_error (which says what limit was met) if the pool has no thread and cannot start
    // one; the pool is unharmed and the job is not in it.
    template <job_body F>
    future<detail::body_value<std::decay_t<F>>> submit(F&& body, const submit_options& options = {},
                                                       std::source_location where = std::source_location::current()) {
        auto* const job = make(std::forward<F>(body), options, where);
        job->retain();
        future<detail::body_value<std::decay_t<F>>> result(job);
        core_->submit(job);
        return result;
    }

    // Fire and forget. False: refused, or the pool is closed; the body is dropped unrun.
    template <job_body F>
    bool post(F&& body) {
        using body_type = std::decay_t<F>;
        if constexpr ((detail::small_closure<body_type> || detail::blocked_closure<body_type>) &&
                      std::invocable<body_type&>)
            if constexpr (!detail::is_task<detail::body_return<body_type>>)
                if (core_->closures_are_plain()) [[likely]] {
                    const auto packed = detail::pack_closure<body_type>(std::forward<F>(body));
                    return core_->post_closure(packed.ops, packed.words[0], packed.words[1], packed.words[2]);
                }
        return post(std::forward<F>(body), submit_options{});
    }
    template <job_body F>
    bool post(F&& body, const submit_options& options, std::source_location where = std::source_location::current()) {
        auto* const job = make(std::forward<F>(body), options, where);
        job->retain();
        struct releaser {
            detail::pool_job* job;
            ~releaser() { job->release(); }
        } keep{job};
        core_->submit(job);
        return !(job->done() && job->facts.status == job_status::refused);
    }

    // One job for each element, pulled on the thread that iterates, a window of max(2 × workers, 16) ahead. As they finish, or in
    // the order of the elements. See stream.hpp.
    template <std::ranges::input_range Range, class F>
    auto map(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0);
    template <std::ranges::input_range Range, class F>
    auto map_ordered(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0);

    // For a coroutine that is about to submit: `co_await crew.room()` waits until the queue is not full (true), or the pool
    // is closed (false). Somebody else may be faster; a submit that would block a scheduler's thread is misuse.
    auto room() noexcept;

    // Another size, while it runs. Up: threads start as jobs wait. Down: the surplus leaves after the job in hand. 0: as in the
    // options. False: the pool is closed, nothing happened.
    bool resize(unsigned workers) { return core_->resize(workers); }
    unsigned workers() const noexcept { return core_->workers(); }
    // Starts all threads now. Throws std::system_error that says which limit was met; those that started stay.
    void start() { core_->start_all(); }

    // No more jobs; what waits is finished. True: all of it came to an end (timed out counts) before the limit.
    bool close(const until& limit = {});
    // No more jobs; what runs is finished, what waits is given back.
    std::vector<waiting_job> stop();
    // The same, and waits for what runs.
    std::vector<waiting_job> stop(const until& limit, bool* all_ended = nullptr);

    pool_snapshot snapshot() const;
    gm::sizing_report sizing_report() { return core_->report(); }

    detail::pool_core& core() const noexcept { return *core_; }

protected:
    pool(const pool_options& options, std::function<detail::worker_state_box()> make_state, std::source_location where);

    template <class F>
    auto* make(F&& body, const submit_options& options, std::source_location where) {
        using body_type = std::decay_t<F>;
        auto* const job = new detail::typed_job<body_type, detail::body_value<body_type>>(std::forward<F>(body));
        core_->prepare(*job, options, where);
        return job;
    }

private:
    detail::pool_core* core_;
};

// A pool whose workers each have a state of their own, a connection say: made by `factory` on the worker's thread before its
// first job, destroyed on that thread when the worker leaves. Bodies are f(State&) or f(State&, gm::job&). If the factory
// throws, the job that needed the state fails with that, and the next one tries again.
template <class State>
class pool_of : public pool {
public:
    template <std::invocable Factory>
    explicit pool_of(Factory factory, pool_options options = {},
                     std::source_location where = std::source_location::current())
        : pool(
              options,
              [factory = std::move(factory)]() mutable {
                  return detail::worker_state_box{new State(factory()),
                                                  [](void* state) noexcept { delete static_cast<State*>(state); }};
              },
              where) {}

    template <class F>
    auto submit(F&& body, const submit_options& options = {},
                std::source_location where = std::source_location::current()) {
        return pool::submit(with_state(std::forward<F>(body)), options, where);
    }
    template <class F>
    bool post(F&& body, const submit_options& options = {},
              std::source_location where = std::source_location::current()) {
        return pool::post(with_state(std::forward<F>(body)), options, where);
    }

private:
    // In the caller of submit (when_full::caller_runs from outside) there is no worker, and so no state: misuse.
    template <class F>
    static auto with_state(F&& body) {
        return [body = std::forward<F>(body)](job& self) mutable -> decltype(auto) {
            auto* const state = static_cast<State*>(self.worker_state());
            if (!state) detail::misuse("a pool_of with caller_runs: the caller has no worker's state");
            if constexpr (std::invocable<std::decay_t<F>&, State&, job&>)
                return std::invoke(body, *state, self);
            else
                return std::invoke(body, *state);
        };
    }
};

// Workers that did not come back from jobs that had timed out before their pool was destroyed. They leave the count when they do.
std::size_t abandoned_workers() noexcept;

namespace detail {

class [[nodiscard]] room_awaiter {
public:
    explicit room_awaiter(pool_core& core) noexcept : core_(core) {}
    room_awaiter(const room_awaiter&) = delete;
    room_awaiter& operator=(const room_awaiter&) = delete;
    ~room_awaiter() {
        if (waiting_ && !core_.withdraw_for_room(waiter_)) settle(waiter_);
    }
    bool await_ready() const noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        aim(waiter_, self);
        waiting_ = true;
        if (core_.enqueue_for_room(waiter_)) return next_on_this_thread();
        waiting_ = false;
        return self;
    }
    bool await_resume() noexcept {
        waiting_ = false;
        return !core_.closed();
    }

private:
    pool_core& core_;
    waiter waiter_;
    bool waiting_ = false;
};

}  // namespace detail

inline auto pool::room() noexcept { return detail::room_awaiter(*core_); }

}  // namespace gm

#include <gristmill/stream.hpp>
