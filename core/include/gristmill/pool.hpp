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
// stop token is set, on the watchdog's thread (of a coroutine body: on the clock's): callbacks of that token run there, so
// they are short and wait for nothing, or other timeouts come late. What the job returns later is dropped and counted
// (late). Nothing can end a function from outside: it keeps its worker, which is replaced, up to once the crew, and what a
// job with a timeout captures must outlive the pool and the job, whichever is longer.
//
// A job that runs in place on a worker (below) is timed like any other; the jobs under it go on being timed, too. One that
// runs in a caller from outside (when_full::caller_runs) is not timed.
//
// Waiting inside. A job that waits for a job of the same pool runs that one itself if it is still queued; a job submitted from
// inside to the pool's full queue runs in place (when_full::wait and caller_runs; up to 64 deep, below that the bound is
// exceeded and counted).
//
// Thread safety: every member from any thread; the destructor by one, and by none of its own jobs (misuse).

#include <concepts>
#include <functional>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/detail/plain_wait.hpp>
#include <gristmill/detail/pool_core.hpp>
#include <gristmill/future.hpp>
#include <gristmill/job_result.hpp>
#include <gristmill/pool_options.hpp>

namespace gm {

template <class F>
concept job_body = std::invocable<std::decay_t<F>&> || std::invocable<std::decay_t<F>&, job&>;

// A body that stop() gave back: it has not run, and its future says `stopped`. Destroyed, it never runs.
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
    // Runs the body here, once; its value is dropped. What it throws is thrown, but for a small closure that was posted: that
    // is dropped. False: it ran before, or it is a coroutine body. A body of a pool_of has no state here: misuse.
    bool run();

private:
    detail::pool_entry entry_;
    bool full_;
};

class pool {
public:
    // Starts no thread yet. Negative times and sizes (-1 that became a huge number) and a priority_step of 0 or less are
    // misuse.
    explicit pool(const pool_options& options = {}, std::source_location where = std::source_location::current());
    pool(const pool&) = delete;
    pool& operator=(const pool&) = delete;
    // Stops: what waits is `stopped`, what runs is asked to stop and waited for. Workers that are stuck in jobs that timed out
    // have `grace` to come back, then they are abandoned, and standard error says so; see abandoned_workers(). Coroutine
    // bodies that run on the pool's own scheduler have `grace`, too, and are destroyed after it: `stopped`.
    ~pool();

    // The future of one job. When the queue is full: see when_full. After close: its result says refused. To wait for room on a
    // scheduler's thread is misuse; so it is for a coroutine body with drop_oldest or caller_runs, which waits: such a
    // body neither drops others nor runs in its caller.
    // Throws std::bad_alloc, and std::system_error (which says what limit was met) if the pool has no thread and cannot start
    // one; the pool is unharmed and the job is not in it: it counts as refused.
    template <job_body F>
    future<detail::body_value<std::decay_t<F>>> submit(F&& body, const submit_options& options = {},
                                                       std::source_location where = std::source_location::current()) {
        auto* const job = make(std::forward<F>(body), options, where);
        job->retain();
        future<detail::body_value<std::decay_t<F>>> result(job);
        core_->submit(job);
        return result;
    }

    // Fire and forget; otherwise as submit. False: refused, or the pool is closed; the body is dropped unrun. True also if its
    // context or a negative limit has ended it before it could run.
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

    // One job for each element, pulled where the stream is asked, at most `window` ahead (0: max(2 × workers, 16)). Their results
    // as they finish, or in the order of the elements: see stream.hpp. f(element) or f(element, gm::job&), and it may return
    // a task; it is shared by the jobs, which call it at the same time. The options are those of each job; job::index() and
    // job_result::index() say which element it was.
    template <std::ranges::input_range Range, class F>
    auto map(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0,
             std::source_location where = std::source_location::current());
    template <std::ranges::input_range Range, class F>
    auto map_ordered(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0,
                     std::source_location where = std::source_location::current());

    // For a coroutine that is about to submit: `co_await crew.room()` waits until the queue is not full (true), or the pool
    // is closed (false). Somebody else may be faster; a submit that would block a scheduler's thread is misuse.
    auto room() noexcept;

    // Another size, while it runs. Up: threads start as jobs wait. Down: the surplus leaves after the job in hand. 0: the CPUs
    // this process may use. A pool that followed the load has a fixed size from here on. False: the pool is closed, nothing
    // happened.
    bool resize(unsigned workers, std::source_location where = std::source_location::current());
    unsigned workers() const noexcept { return core_->workers(); }
    // Starts all threads now. Throws std::system_error that says which limit was met; those that started stay.
    void start() { core_->start_all(); }

    // No more jobs; what waits is finished. True: all of it came to an end (timed out counts) before the limit. It waits: in one
    // of the pool's own jobs, or on a scheduler's thread, that is misuse (co_await gm::blocking([&] { crew.close(); })).
    bool close(const until& limit = {}, std::source_location where = std::source_location::current());
    // No more jobs; what waits is given back, what runs goes on. Does not wait.
    std::vector<waiting_job> stop();
    // The same, and waits for what runs, as close() does; whether all of it ended, another close() says.
    std::vector<waiting_job> stop(const until& limit, std::source_location where = std::source_location::current());

    // Counts and times as they are now. Taken while jobs run, they are not of one moment.
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

// A pool whose workers each have a state of their own, a connection say: made by `factory` on the worker's thread when its first
// job needs it, destroyed on that thread when the worker leaves. The factory may be called by several workers at once.
// Bodies are f(State&) or f(State&, gm::job&), for map f(State&, element) or f(State&, element, gm::job&); they are no
// coroutines, which have no worker. If the factory throws, the job that needed the state fails with that, and the next one
// tries again. In a caller (when_full::caller_runs from outside, waiting_job::run) there is no worker's state: misuse.
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
        return pool::submit(with_state(std::forward<F>(body), where), options, where);
    }
    template <class F>
    bool post(F&& body, const submit_options& options = {},
              std::source_location where = std::source_location::current()) {
        return pool::post(with_state(std::forward<F>(body), where), options, where);
    }
    template <std::ranges::input_range Range, class F>
    auto map(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0,
             std::source_location where = std::source_location::current()) {
        return pool::map(std::forward<Range>(elements), with_state_and_element(std::move(f), where), options, window,
                         where);
    }
    template <std::ranges::input_range Range, class F>
    auto map_ordered(Range&& elements, F f, const submit_options& options = {}, std::size_t window = 0,
                     std::source_location where = std::source_location::current()) {
        return pool::map_ordered(std::forward<Range>(elements), with_state_and_element(std::move(f), where), options,
                                 window, where);
    }

private:
    static State& state_of(const job& self, std::source_location where) {
        auto* const state = static_cast<State*>(self.worker_state());
        if (!state) detail::misuse("a body of a pool_of runs in a caller, where there is no worker's state", where);
        return *state;
    }
    // f with what it takes of (state, rest…, job).
    template <class F, class... Rest>
    static decltype(auto) call(F& f, State& state, job& self, Rest&&... rest) {
        if constexpr (std::invocable<F&, State&, Rest&&..., job&>) {
            static_assert(!detail::is_task<std::invoke_result_t<F&, State&, Rest&&..., job&>>,
                          "a body of a pool_of is a function: a coroutine has no worker, and so no state");
            return std::invoke(f, state, std::forward<Rest>(rest)..., self);
        } else {
            static_assert(!detail::is_task<std::invoke_result_t<F&, State&, Rest&&...>>,
                          "a body of a pool_of is a function: a coroutine has no worker, and so no state");
            return std::invoke(f, state, std::forward<Rest>(rest)...);
        }
    }
    template <class F>
    static auto with_state(F&& body, std::source_location where) {
        return [body = std::forward<F>(body), where](job& self) mutable -> decltype(auto) {
            return call(body, state_of(self, where), self);
        };
    }
    template <class F>
    static auto with_state_and_element(F f, std::source_location where) {
        return [f = std::move(f), where]<class Element>(Element&& element, job& self) mutable -> decltype(auto) {
            return call(f, state_of(self, where), self, std::forward<Element>(element));
        };
    }
};

// Workers that did not come back from jobs that had timed out before their pool was destroyed. They leave the count when they do.
std::size_t abandoned_workers() noexcept;

namespace detail {

struct room_in_pool {
    static constexpr const char* waits_as = "waits for room in a pool";
    pool_core& core;
    bool over() const noexcept { return false; }  // enqueue() looks
    bool enqueue(waiter& who) const noexcept { return core.enqueue_for_room(who); }
    bool withdraw(waiter& who) const noexcept { return core.withdraw_for_room(who); }
    const void* object() const noexcept { return &core; }
};

class [[nodiscard("co_await it")]] room_awaiter : public plain_wait<room_in_pool> {
public:
    explicit room_awaiter(pool_core& core) noexcept : plain_wait(room_in_pool{core}), core_(core) {}
    bool await_resume() noexcept {
        plain_wait::await_resume();
        return !core_.closed();
    }

private:
    pool_core& core_;
};

}  // namespace detail

inline auto pool::room() noexcept { return detail::room_awaiter(*core_); }

}  // namespace gm

#include <gristmill/stream.hpp>
