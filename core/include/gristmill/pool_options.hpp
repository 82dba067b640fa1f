#pragma once
// What a pool can be told when it is made, what a job can be told when it is submitted, and what a pool tells about
// itself: reports are plain values, the observer is the one thing that is called.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gristmill/context.hpp>
#include <gristmill/job_result.hpp>

namespace gm {

class scheduler;

// What a submit does when the queue is full. A function submitted from inside the pool to its own full queue runs in place with
// wait and caller_runs: waiting there could wait for itself.
enum class when_full : std::uint8_t {
    wait,         // the caller waits for room, until the pool is closed or the job's context is done
    refuse,       // the future says refused; post() returns false
    caller_runs,  // the caller runs the job now; a coroutine body waits for room instead
    drop_oldest,  // the oldest job of the lowest level makes room; its future says dropped. Waits where there is none to
                  // drop: in a queue of 0, or of coroutine bodies alone; and for a coroutine body
};

// counter: a job's result and the snapshot's histogram know its times; costs about 20 ns a job.
// none: they do not; timeouts and priorities work all the same.
enum class job_times : std::uint8_t { counter, none };

// Levels 0 to 7. A job is overtaken by one of a higher level only if that one arrives within (difference of levels) ×
// (priority_step): nothing starves.
inline constexpr int lowest_priority = 0, normal_priority = 3, highest_priority = 7;

inline constexpr std::size_t unbounded_queue = static_cast<std::size_t>(-1);

// The crew follows the load between `least` and `most` (pool_options::workers does not count then): it grows by one whenever the
// job at the head of the queue has waited more than 10 ms, and a thread that was idle for `idle` leaves. `least` is at
// least 1 and at most `most`. most = 0: the crew's size is fixed. For functions; coroutine bodies take no thread.
struct by_load {
    unsigned least = 1;
    unsigned most = 0;
    std::chrono::nanoseconds idle = std::chrono::seconds(10);
};

// A job as an observer sees it. The name is the one of its options; null: none.
struct job_event {
    job_id id;
    const char* name = nullptr;
    int worker = -1;  // from 0, as the thread's name has it; -1: none has it, or its caller, or it is a coroutine
    int priority = normal_priority;
    job_status status = job_status::ok;
    std::chrono::nanoseconds waited{0};
    std::chrono::nanoseconds ran{0};
};

// Called where it happens, under no lock of the pool's; fast and from several threads at once, or it slows the pool down.
// Every job is `queued` once, also one that is refused then, and ends in one of finished … dropped. `started` comes between
// if it ran. The observer outlives the pool. Workers count from 0.
struct pool_observer {
    virtual void queued(const job_event&) noexcept {}
    virtual void started(const job_event&) noexcept {}
    virtual void finished(const job_event&) noexcept {}  // status ok
    virtual void failed(const job_event&) noexcept {}
    virtual void timed_out(const job_event&) noexcept {}
    virtual void expired(const job_event&) noexcept {}
    virtual void dropped(const job_event&) noexcept {}  // status says why: dropped, cancelled, stopped, refused
    virtual void late(const job_event&) noexcept {}     // a timed-out job has come to its end; its outcome is gone
    virtual void worker_started(int) noexcept {}
    virtual void worker_stopped(int) noexcept {}
    virtual void worker_replaced(int) noexcept {}  // it is stuck in a job that timed out; another one took its place

protected:
    ~pool_observer() = default;
};

struct pool_options {
    // Threads for functions, and how many coroutine bodies run at once. 0: the CPUs this process may use, as for a
    // scheduler. Threads start when jobs need them; pool::start() starts them all.
    unsigned workers = 0;
    // Jobs that wait. 0: a job is accepted only when a worker is free to take it.
    std::size_t queue = 1024;
    when_full full = when_full::wait;
    by_load sizing = {};
    job_times times = job_times::counter;
    std::chrono::nanoseconds priority_step = std::chrono::seconds(1);
    std::chrono::nanoseconds timeout{0};                       // of each job that says nothing else; 0: none
    std::chrono::nanoseconds queue_timeout{0};                 // the same
    std::chrono::nanoseconds grace = std::chrono::seconds(1);  // what ~pool gives to workers that are stuck
    unsigned spare_workers = static_cast<unsigned>(
        -1);                    // replacements for stuck ones, at most; never more than workers, which is the default
    const char* name = "pool";  // of the threads, with their number; outlives the pool, as the next two
    pool_observer* observer = nullptr;
    gm::scheduler* scheduler = nullptr;                    // where coroutine bodies run; null: on one of the pool's own
    std::function<void(int worker)> on_thread_start = {};  // on each new thread, before its first job; must not throw
                                                           // (the program stops); several threads at once
};

inline constexpr std::chrono::nanoseconds the_pools = std::chrono::nanoseconds::min();  // a timeout: what the pool says

struct submit_options {
    int priority = normal_priority;  // outside of 0 … 7: misuse
    // From its start, also where it runs in place on a worker; not for one that runs in a caller from outside. 0: none.
    // Negative: over already, so the job never runs and is timed_out at once.
    std::chrono::nanoseconds timeout = the_pools;
    // In the queue. 0: none. Negative: expired at once.
    std::chrono::nanoseconds queue_timeout = the_pools;
    const char* name = nullptr;  // for observers and reports; outlives the job
    gm::context context = {};  // done before it starts: cancelled, when its turn comes; while it runs: its token is set
};

struct worker_report {
    int worker = 0;  // from 0
    enum state : std::uint8_t { idle, running, stuck } state = idle;
    std::uint64_t jobs = 0;
    job_id current;              // 0: none, or a small closure that was posted
    const char* name = nullptr;  // of that job
};

// Durations in powers of two of nanoseconds: bucket i counts those below 2^(i+1).
struct duration_histogram {
    std::array<std::uint64_t, 48> buckets{};
    std::uint64_t count = 0;
    // The upper edge of the bucket that holds this share (0 to 1) of all durations.
    std::chrono::nanoseconds quantile(double share) const noexcept;
};

struct pool_snapshot {
    std::size_t queued = 0;
    std::size_t running = 0;  // stuck ones included
    unsigned workers = 0;     // wanted
    unsigned threads = 0;     // alive, stuck ones included
    unsigned stuck = 0;       // in a job that timed out
    bool degraded = false;    // more workers are stuck than may be replaced
    bool closed = false;
    // submitted: those that got a place; not among them are those refused, and those run at once for want of a place. The others
    // are results, once for each job, but for late: jobs that timed out and have come to their end since.
    std::uint64_t submitted = 0, finished = 0, failed = 0, timed_out = 0, late = 0, expired = 0, cancelled = 0,
                  dropped = 0, refused = 0, stopped = 0;
    std::uint64_t ran_in_caller = 0;    // by caller_runs, by a full queue from inside, by a wait from inside
    std::uint64_t over_the_bound = 0;   // queued although the queue was full: in place would have been too deep
    std::uint64_t threads_refused = 0;  // by the system
    duration_histogram waited, ran;
    std::vector<worker_report> crew;
};

// What another size would change, judged by the time since the pool was made or last asked. It measures functions on the
// crew's threads, stuck ones included.
struct sizing_report {
    unsigned workers = 0;
    double utilisation = 0;                 // share of the crew's time spent in jobs
    double work = 0;                        // how many workers' time the jobs took
    std::chrono::nanoseconds mean_wait{0};  // in the queue; zero with job_times::none, as the next
    std::chrono::nanoseconds mean_run{0};
    unsigned suggested =
        0;  // the fewest that do this work at 80 % utilisation; never 0. A crew that is always busy hides
            // how much more there is to do: then it is the least that is needed
    double utilisation_with_one_more = 0;
    double utilisation_with_one_less = 0;  // above 1: the queue would grow without end; infinite for a crew of one
    std::string advice;                    // these figures in words
};

}  // namespace gm
