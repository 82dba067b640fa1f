#pragma once
// What a runner can be told when it is made, and what it tells about itself: reports and snapshots are plain values, the
// observer is the one thing that is called.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/record.hpp>
#include <gristmill/jobs/store.hpp>
#include <gristmill/jobs/verdict.hpp>
#include <gristmill/pool_options.hpp>

namespace gm::jobs {

// An attempt as an observer sees it; valid during the call.
struct attempt_event {
    job_id id;
    std::string_view kind, queue;
    int attempt = 1;
    int lane = -1;                       // of those that run now, the same as in the snapshot; -1: it never ran
    std::chrono::nanoseconds waited{0};  // at hand, before it started
    std::chrono::nanoseconds ran{0};
    verdict what = verdict::completed;  // of one that ended
    bool overlapping = false;           // abandoned: its handler has not come back
    std::string_view error{};
};

struct trouble_event {
    std::string_view doing;              // "exchange", "beat", "sweep", "cron", "notes", "subscribe"
    const store_error* error = nullptr;  // null: it works again
    unsigned times = 0;                  // in a row
};

// Called where it happens, from several threads at once, under no lock; fast, or it slows the runner down. It outlives the run.
struct runner_observer {
    virtual void started(const attempt_event&) noexcept {}
    virtual void finished(const attempt_event&) noexcept {}  // completed
    virtual void failed(const attempt_event&) noexcept {}    // every other end of one that ran
    virtual void lost(const attempt_event&) noexcept {}      // its claim is gone, and what it brought is dropped
    virtual void put_off(const attempt_event&) noexcept {}   // no handler for its kind: it never ran, and goes back
    virtual void trouble(const trouble_event&) noexcept {}
    virtual void resized(unsigned) noexcept {}
    virtual void wedged(std::chrono::nanoseconds) noexcept {}  // no exchange for so long: the beats stop

protected:
    ~runner_observer() = default;
};

struct runner_options {
    unsigned workers = 0;       // threads, for handlers that are functions; 0: the CPUs this process may use
    unsigned coroutines = 100;  // handlers that are coroutines, at once
    std::vector<std::string> queues{"default"};
    std::vector<std::string>
        env_secrets{};   // variables of this process that jobs may refer to (secrets.hpp), and no others
    std::string name{};  // of this worker, for people; empty: host and process
    std::chrono::microseconds lease = std::chrono::seconds(15);
    std::chrono::microseconds beat{};  // 0: a third of the lease
    // How long a handler has to come back after its time was up. Then it is abandoned: settled as failed and overlapping, and
    // a new thread takes its place.
    std::chrono::microseconds abandon_after = std::chrono::seconds(60);
    // When the run is to stop: what runs may go on so long, then it is asked to stop and has so long to obey.
    std::chrono::microseconds grace = std::chrono::seconds(25);
    std::chrono::microseconds last_grace = std::chrono::seconds(5);
    std::chrono::microseconds poll = std::chrono::seconds(5);  // looks at the store this often although no bell rings
    std::chrono::microseconds ahead = std::chrono::milliseconds(100);  // of measured starts, kept at hand
    std::size_t most_ahead = 2000;
    std::chrono::microseconds unstarted = std::chrono::seconds(1);  // what is at hand for so long goes back
    std::chrono::microseconds wedged = std::chrono::seconds(30);    // without an exchange: the beats stop
    size_limits limits{};                                           // as the store has them
    // The run ends when there is nothing more to do in its queues, now or later. What others run there is waited for, and what
    // a dead worker held; what nobody may run (a paused queue, say) is not, nor what waits for a
    // worker that knows its kind.
    bool until_idle = false;
    std::uint64_t seed = 0;  // of the jitter when the store is away; 0: by the time
    runner_observer* observer = nullptr;
};

// One handler that runs.
struct running_job {
    int lane = 0;  // the lowest that was free when it started
    job_id id;
    std::string kind, queue, key;
    int attempt = 1;
    bool coroutine = false;
    bool abandoned = false;
    stop_reason asked = stop_reason::none;
    std::chrono::nanoseconds since{0};  // its start
    double progress = 0;
    std::string note;
};

// What became of attempts, as the store has confirmed it.
struct attempt_counts {
    std::uint64_t started = 0;
    std::uint64_t completed = 0, retried = 0, dead = 0, cancelled = 0, snoozed = 0;
    std::uint64_t put_off = 0;  // claimed without a handler for their kind; the same one may come back several times
    std::uint64_t returned = 0, interrupted = 0;
    std::uint64_t lost = 0;       // the claim was gone
    std::uint64_t abandoned = 0;  // of retried and dead
};

enum class run_state : std::uint8_t { idle, running, paused, stopping };

struct runner_snapshot {
    run_state state = run_state::idle;
    unsigned workers = 0, coroutines = 0;
    std::size_t at_hand = 0;    // claimed and not started
    std::size_t unsettled = 0;  // ended, and the store does not know it yet
    std::vector<running_job> running;
    attempt_counts counts;
    double starts_per_second = 0;  // in the last tenth of a second
    duration_histogram waited, ran;
    bool store_away = false;
    std::string trouble;  // the store's last words, while it is away
};

struct [[nodiscard]] runner_report {
    attempt_counts counts;
    std::size_t unfinished = 0;        // handlers that had not come back when the run ended; their leases run out
    std::size_t unsettled = 0;         // ends that the store could not be told
    std::optional<store_error> error;  // what ended the run, or kept it from telling the ends
    explicit operator bool() const noexcept { return unfinished == 0 && unsettled == 0 && !error; }
};

}  // namespace gm::jobs
