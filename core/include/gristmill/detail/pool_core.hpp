#pragma once
// The pool behind gm::pool: admission, the crew, the watchdog. Shared by the pool, its jobs and its threads, so that a
// stuck worker that comes back after the pool is gone finds what it needs.
//
// How jobs travel. Those from outside enter the crew's queue under the pool's lock; a worker takes one, or a batch while
// jobs are trivial (a batch of real jobs would wait behind the first of them). What jobs post goes to their worker's own
// queue, once it has got an allowance from the bound. Two things free what waits in a worker's own queue while that
// worker is held up: a peer that runs out of work looks there, and while any worker runs, one idle peer keeps watch every
// 100 µs (slowing down to 1 ms). Once several levels are in use, or expiry, everything goes through the crew's queue.
//
// Lock order: the list of the abandoned → a worker's frames → pool → job → run queues. No user code under any of them.

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/pool_job.hpp>
#include <gristmill/detail/pool_queue.hpp>
#include <gristmill/detail/pool_thread.hpp>
#include <gristmill/pool_options.hpp>
#include <gristmill/scheduler.hpp>

namespace gm::detail {

// A number that one thread writes and others read.
class own_counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.store(get() + n, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct own_histogram {
    own_counter buckets[48];
    own_counter total;
    void add(std::uint64_t nanoseconds) noexcept {
        buckets[std::min(47, static_cast<int>(std::bit_width(nanoseconds | 1)) - 1)].add();
        total.add(nanoseconds);
    }
};

// A job with a timeout, on the stack of the thread that runs it.
struct timed_frame {
    pool_job* job;
    std::uint64_t deadline;
    timed_frame* below;
};

struct worker_state_box {
    void* state = nullptr;
    void (*destroy)(void*) noexcept = nullptr;
};

class alignas(128) pool_worker {
public:
    pool_worker(pool_core& owner, int number) noexcept : core(owner), index(number) {}

    pool_core& core;
    const int index;

    // The worker's own; others read the counters.
    local_queue local;
    atomic<std::uint32_t> allowance{0};  // jobs it may still put into `local`
    own_counter jobs, closures_done, failed, submitted, in_place, busy_ticks, busy_jobs;
    std::uint32_t full_for = 0;  // posts of its jobs that need not ask again whether the queue is full
    own_histogram waited, ran;
    std::atomic<std::uint64_t> session_begun{0};
    std::uint64_t session_jobs = 0;
    std::uint64_t session_limit = 0;  // jobs of its own queue before it looks at the crew's
    bool left_behind = false;         // the last look at the crew's queue left something there
    bool watched_until_now = false;   // over the others: nobody has yet been told that it is over
    bool looking = false;             // for work, awake; the pool's lock
    std::uint64_t free_since = 0;     // when the last job ended, or the session began
    std::uint64_t average = 0;        // ticks of a job, smoothed
    std::uint64_t out_of_work_at = 0;
    std::uint32_t depth = 0;  // jobs that run in place, one in another
    worker_state_box state;
    parker bed;

    // The jobs with a timeout that it runs. The word is what the watchdog reads: the earliest deadline, 0 for none.
    lock frames_guard;
    timed_frame* frames = nullptr;
    std::atomic<std::uint64_t> deadline{0};
    std::atomic<pool_job*> current{nullptr};  // under frames_guard, but for a look whether there is one

    // Guarded by the pool's lock.
    pool_worker* sleeping_below = nullptr;
    bool asleep = false;
    bool woken = false;  // popped by a waker, not yet up
    bool fresh = false;  // started, not yet up
    bool stuck = false;
    bool alive = false;
    bool launching = false;  // whoever starts the thread has not yet put it into `thread`
    atomic<bool> in_job{false};
    pool_thread thread;

    atomic<bool> seen_full{false};  // its own queue was not empty when a guest looked last
};

extern constinit thread_local pool_worker* current_pool_worker;

enum class admitted : std::uint8_t { yes, run_here, refused, closed, cancelled };

class pool_core {
public:
    static constexpr int looks_before_sleep = 4;  // at a queue that is empty, or full

    pool_core(const pool_options& options, std::function<worker_state_box()> make_state, std::source_location made);

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept;

    // A small closure that nobody waits for. False: refused.
    bool post_closure(const entry_ops* ops, std::uint64_t a, std::uint64_t b, std::uint64_t c);
    // Takes over one reference; the job is queued, run or settled.
    void submit(pool_job* job);
    // For whoever cannot wait: false, nothing happened, if submit() would wait or run it here.
    bool try_submit(pool_job* job);
    bool wait_for_room(const limits& until);
    bool enqueue_for_room(waiter& who) noexcept;   // false: there is some, or the pool is closed
    bool withdraw_for_room(waiter& who) noexcept;  // false: it was fired
    bool closures_are_plain() const noexcept { return plain_; }
    std::uint64_t next_id() noexcept { return ids_.fetch_add(1, std::memory_order_relaxed) + 1; }
    void prepare(pool_job& job, const submit_options& options, std::source_location where);

    // 0: it was queued and is now cancelled; 1: it runs, its stop was requested; 2: it is done.
    int cancel(pool_job& job) noexcept;
    bool set_priority(pool_job& job, int level);
    // For a thread of this pool that is about to wait for `job`: runs it here if it is still queued.
    bool help(pool_job& job) noexcept;
    bool lend_slot(pool_job& job) noexcept;

    void start_all();
    bool resize(unsigned workers);
    void close() noexcept;
    bool closed() noexcept {
        lock_guard hold(guard_);
        return closed_;
    }
    enum class what : std::uint8_t { threads, jobs, everything };
    bool wait_until_ended(const limits& until, what awaited) noexcept;
    std::size_t stop_some(pool_entry* to, std::size_t most) noexcept;
    void stop_running(const char* why) noexcept;
    void end() noexcept;  // of ~pool

    pool_snapshot snapshot();
    void name_current(pool_snapshot& all);
    bool runs_on(const scheduler_core* home) const noexcept;
    pool_observer* observer() const noexcept { return observer_.load(std::memory_order_acquire); }
    sizing_report report();
    unsigned workers() const noexcept { return workers_.load(std::memory_order_relaxed); }

    static void* state_of(pool_worker* at);

    std::uint64_t stamp() const noexcept {
        return engine_ ? static_cast<std::uint64_t>(engine_->now().time_since_epoch().count()) : os::ticks();
    }

    // ---- for the parts of it in other files ----
    bool inside(const pool_worker* me) const noexcept { return me && &me->core == this; }
    std::uint64_t ticks_of(std::chrono::nanoseconds time) const noexcept {
        return time.count() <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(time.count()) / unit_);
    }
    std::chrono::nanoseconds time_of(std::uint64_t ticks) const noexcept {
        return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(ticks) * unit_));
    }
    std::uint64_t nanoseconds_of(std::uint64_t ticks) const noexcept {
        return static_cast<std::uint64_t>(static_cast<double>(ticks) * unit_);
    }
    job_event event_of(const pool_job& job) const noexcept;

private:
    friend class pool_worker;

    ~pool_core();

    struct after_lock;  // what is to be done once the lock is free

    // admission: pool_core.cpp
    admitted admit(pool_entry& entry, int level, pool_job* job);
    admitted admit_when_full(pool_entry& entry, int level, pool_job* job, after_lock& after);
    void push_locked(pool_entry& entry, int level, pool_job* job, after_lock& after);
    bool post_inside(pool_worker& me, pool_entry& entry);
    bool post_from_inside(pool_worker& me, pool_entry entry);
    pool_entry* add_for_busy_crew(std::uint64_t entered);
    bool post_slowly(pool_entry& entry);
    void set_looking(pool_worker& me, bool looking) noexcept;
    bool worth_waking_somebody() const noexcept;
    bool has_room() noexcept;
    std::size_t waiting_refreshed() noexcept;
    void make_room_known(after_lock& after, std::uint64_t job_takes = UINT64_MAX) noexcept;
    void never_runs(pool_job* job, job_status why) noexcept;
    void forget_tombstone(pool_job* job) noexcept;
    void note_tombstone() noexcept;

    // the crew: pool_worker.cpp
    void run_worker(pool_worker& me) noexcept;
    bool next(pool_worker& me, pool_entry& entry) noexcept;
    bool take(pool_worker& me, pool_entry& entry) noexcept;
    bool must_shrink() const noexcept;
    bool leave_if_asked(pool_worker& me) noexcept;
    bool leave_idle(pool_worker& me) noexcept;
    bool steal(pool_worker& me, bool greedy) noexcept;
    bool sleep(pool_worker& me) noexcept;
    bool linger(pool_worker& me) noexcept;
    void run_here(pool_entry& entry);
    bool wake_up(pool_worker& me) noexcept;
    void end_watch(pool_worker& me) noexcept;
    void publish_watched() noexcept;
    void hand_watch_on() noexcept;
    bool anything_queued() const noexcept;
    void request_watch() noexcept;
    pool_worker* pop_sleeper() noexcept;
    pool_worker* whom_to_wake() noexcept;
    void wake_all() noexcept;
    void begin_session(pool_worker& me) noexcept;
    std::uint64_t end_session(pool_worker& me) noexcept;
    void pace(const pool_worker& me, std::uint64_t begun) const noexcept;
    void give_way() const noexcept;
    bool linger_for_room() noexcept;
    void execute(pool_worker& me, pool_entry& entry) noexcept;
    void run_in_place(pool_entry& entry, pool_worker* me) noexcept;

    // one job: pool_run.cpp
    void run_job(pool_job* job, pool_worker* me) noexcept;
    void run_claimed(pool_job* job, pool_worker* me) noexcept;
    bool spent_before_start(pool_job* job, std::uint64_t now) noexcept;
    void conclude(pool_job* job, job_status status, std::exception_ptr error, std::uint64_t finished,
                  pool_worker* me) noexcept;
    void late(pool_job* job, pool_worker* me) noexcept;
    void come_back(pool_worker& me) noexcept;
    void come_back_locked(pool_worker& me, wake_list& wakes) noexcept;

    // coroutine bodies: pool_coroutine.cpp
    friend class body_run;
    void start_coroutine(pool_job* job) noexcept;
    void set_alarm(pool_job& job);
    void slot_of_late_free() noexcept;
    friend class stream_core;
    void give_up_if_over(pool_job& job) noexcept;  // pool_stream.cpp
    void coroutine_over(pool_job& job, bool ended, std::exception_ptr error) noexcept;
    unsigned coroutine_slots_taken() const noexcept;
    void coroutine_slot_free(unsigned returned) noexcept;
    void keep_slots(std::size_t n);
    gm::scheduler& home();

    // threads: pool_crew.cpp
    pool_worker* reserve_thread() noexcept;
    pool_worker* reserve_first_thread();
    bool start_thread(pool_worker& which) noexcept;
    [[noreturn]] void no_thread();
    void grow(unsigned most) noexcept;
    unsigned live_threads() const noexcept;
    bool wants_thread() const noexcept;
    void ended_locked(wake_list& wakes) noexcept;

    // pool_watchdog.cpp
    void need_watchdog(std::uint64_t deadline) noexcept;
    void run_watchdog() noexcept;
    std::uint64_t look_at_workers(std::uint64_t now) noexcept;
    std::uint64_t look_at_queue(std::uint64_t now) noexcept;
    std::uint64_t look_at_load(std::uint64_t now) noexcept;
    std::uint64_t earliest_deadline() const noexcept;
    void time_out(pool_worker& who, std::uint64_t now) noexcept;
    void replace(pool_worker& who) noexcept;
    bool abandon_if_stuck(pool_worker& who) noexcept;
    static void forget_abandoned(pool_worker& me) noexcept;

    pool_options options_;
    std::function<worker_state_box()> make_state_;
    std::atomic<pool_observer*> observer_;  // null once the pool is gone: an abandoned worker may come back later
    engine* const engine_;
    const double unit_;  // nanoseconds in a stamp
    const bool stamps_;
    const bool plain_;  // a small closure needs neither an id nor an observer nor a timeout
    const std::uint64_t worth_waking_;
    const std::uint64_t trivial_;  // what takes less costs no more than to wake somebody for it
    const std::uint64_t brief_;  // while jobs take less, a waiter for room is told of half a queue; else of each place
    const std::uint64_t between_looks_;  // of a worker, while jobs are trivial
    const std::uint64_t moment_;         // a producer that waited for room so lately is about to bring more
    const bool may_spin_;                // somebody else can run meanwhile
    const std::uint64_t born_;

    atomic<std::uint32_t> references_{1};
    std::atomic<std::uint64_t> ids_{0};

    alignas(64) lock guard_;  // protects what follows; the atomics are read without it, as hints
    pool_queue queue_;
    std::size_t taken_ahead_ = 0;    // an upper bound of what lies in the workers' own queues and allowances
    std::ptrdiff_t tombstones_ = 0;  // entries whose jobs were settled in the queue
    std::uint64_t submitted_ = 0;
    std::uint64_t last_stamp_ = 0;     // of an entry
    pool_worker* sleeping_ = nullptr;  // a stack of parked workers
    unsigned sleepers_ = 0;
    unsigned waking_ = 0;
    unsigned starting_ = 0;
    unsigned looking_ = 0;  // who looks for work is free, though neither asleep nor on its way up
    unsigned threads_ = 0;
    unsigned stuck_ = 0;
    bool watching_ = false;
    atomic<bool> closed_{false};  // read without the lock by jobs that post
    bool load_watched_ = false;
    std::uint64_t average_ = 0;
    waiter_queue for_room_;
    waiter_queue enders_;
    std::uint64_t threads_refused_ = 0;
    std::uint64_t retry_threads_at_ = 0;
    std::uint64_t queue_limit_min_ = 0;  // the shortest queue_timeout seen, in ticks; 0: none
    std::vector<std::unique_ptr<pool_worker>> crew_;
    pool_queue coroutines_;
    unsigned coroutines_running_ = 0;
    unsigned coroutines_late_ = 0;              // of those: timed out
    std::vector<pool_job*> coroutine_jobs_;     // those that run
    std::atomic<std::uint64_t> pressed_at_{0};  // when a producer last came back from waiting for room

    alignas(64) atomic<bool> watched_{true};  // see publish_watched()
    atomic<bool> lingering_{false};
    atomic<bool> ordered_{false};  // levels or expiry are in use: no batches, no local queues
    atomic<bool> strict_{false};   // somebody waits for each single place
    std::atomic<unsigned> workers_{0};
    std::atomic<pool_worker* const*> table_{nullptr};
    std::atomic<std::uint32_t> table_size_{0};
    std::vector<std::unique_ptr<pool_worker*[]>> tables_;  // the last is in use; the others may still be read
    std::size_t table_room_ = 0;

    alignas(64) std::atomic<std::uint64_t> finished_{0};  // of jobs that were no small closures, as the next
    std::atomic<std::uint64_t> failed_{0}, timed_out_{0}, late_{0}, expired_{0}, cancelled_{0}, dropped_{0},
        refused_{0}, stopped_{0}, in_caller_{0}, over_bound_{0};

    // The watchdog's.
    alignas(64) std::atomic<std::uint64_t> wakes_at_{~std::uint64_t{0}};
    std::atomic<bool> watchdog_quits_{false};
    lock watchdog_guard_;  // for starting it
    std::atomic<bool> watchdog_runs_{false};
    parker watchdog_bed_;
    std::uint64_t next_scan_ = 0;
    std::uint64_t report_from_ = 0;
    std::uint64_t report_busy_ = 0, report_jobs_ = 0, report_waited_ = 0, report_ran_ = 0;

    lock home_guard_;
    std::unique_ptr<gm::scheduler> own_home_;
    std::atomic<const scheduler_core*> home_core_{nullptr};  // where coroutine bodies run, once it is known
    const std::source_location made_;                        // named where the call at fault does not say its own place
    pool_thread watchdog_;
};

}  // namespace gm::detail
