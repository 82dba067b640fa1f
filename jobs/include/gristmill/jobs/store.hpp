#pragma once
// The seam between durable jobs and what keeps them. It has three faces, so that a broker is a store like any other and nothing
// is faked:
//
//     sink      jobs go in                              every store
//     source    a worker process takes jobs and says what became of them    every store
//     ledger    ask, change, pause, limit, schedule     stores that can be asked: SQL and memory (ledger.hpp)
//
// Everything here blocks and is called from plain threads. The world's failures are values. What is promised for every store is
// written here, and stores/conformance tests it.
//
// Thread safety: a store, its sink and its ledger from any thread. A source: exchange from one thread at a time, beat from
// another, sweep from a third.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/feature.hpp>
#include <gristmill/jobs/record.hpp>
#include <gristmill/jobs/store_error.hpp>
#include <gristmill/result.hpp>

namespace gm::jobs {

class ledger;

// ---- in ----

struct published {
    enum outcome_kind : std::uint8_t {
        accepted,    // it is kept as safely as this store keeps anything
        duplicate,   // its unique key is taken; `id` is who has it
        unroutable,  // there is nowhere it would go
        unknown,     // the store went away meanwhile: it may be there or not
    };
    outcome_kind outcome = accepted;
    job_id id{};  // where the store numbers its jobs
};

class sink {
public:
    // One for each job, in their order. Where the store has transactions all are inserted, or (error) none is; a duplicate is
    // no error. A job with a fault (fault_of) or a parent that does not exist is store_fault::invalid, and the words say which.
    virtual result<std::vector<published>, store_error> publish(std::span<const new_job> jobs) = 0;

protected:
    ~sink() = default;
};

// ---- out ----

// One claim of one job, as the store sees it. Opaque to everybody else: (job, epoch) in SQL, (channel, delivery tag) or
// (generation, partition, offset) with brokers.
struct token {
    std::int64_t first = 0, second = 0, third = 0;
    auto operator<=>(const token&) const = default;
};

struct delivery {
    token which;
    job_id id;  // 0 where the store numbers none
    std::string kind, queue, key;
    body arguments;
    std::vector<std::string> tags;
    int attempt = 1;  // the number of this one among those that count
    int crashes = 0;  // of earlier workers under this job
    wall_time inserted{}, run_at{};
    std::chrono::microseconds timeout{};
    std::optional<retry_policy> retry;
    bool has_steps = false;  // an earlier attempt has recorded some
};

// Once it was asked to be cancelled, it is cancelled whatever its end is, unless that is `completed`.
enum class verdict : std::uint8_t {
    completed,
    retry,        // it failed, and is tried again at `at`
    dead,         // it failed for good
    cancelled,    // it stopped because somebody asked for that; the attempt does not count
    snoozed,      // no failure: again at `at`; the attempt does not count
    returned,     // it never started: nothing is counted or charged, and it does not run again before `at`
    interrupted,  // it started and its worker had to stop: an interruption, no attempt
};

struct settlement {
    token which;
    verdict what = verdict::completed;
    body result{};        // of a completed one
    std::string error{};  // of retry, dead, cancelled: why
    wall_time at{};
    std::chrono::microseconds ran{};  // how long its handler took; its end is now
    bool overlapping = false;         // of retry and dead: its handler has not come back
};

// `refused`: the claim is no longer this worker's (it was rescued, cancelled or removed meanwhile) and nothing happened. The same
// settlement of the same claim again is `settled`, so that it can be repeated when the answer was lost.
enum class settled : std::uint8_t { yes, refused, unknown };

// Jobs that took their worker down are claimed one at a time by a worker that holds nothing else, and that is given nothing
// else while it holds one: what comes down with them next time is nobody else's.
enum class claim : std::uint8_t { ordinary, suspect };

struct demand {
    std::size_t idle = 0;  // workers that have nothing to do
    // Jobs to have at hand beyond that. They take places where places are limited: a queue with limits gives so many that every
    // hand of its other workers still finds a place, none while one of its workers has not told by a beat how many hands it
    // has, and none where a rate says when jobs start.
    std::size_t ahead = 0;
    claim which = claim::ordinary;
};

struct exchanged {
    std::vector<settled> outcomes;  // of the finishes, in their order
    std::vector<delivery> jobs;     // in the order in which they should start
    bool suspects = false;  // there is an eligible job that waits to be claimed alone; looked for when jobs are wanted
    // When something that waits for its time, or for a rate, becomes eligible: look again then, if no bell rings before.
    std::optional<std::chrono::microseconds> next_in;
};

// What beat tells the store about this worker, for people to see.
struct pulse {
    unsigned workers = 0, busy = 0;
    std::uint64_t completed = 0, failed = 0;
};

struct beaten {
    std::vector<token> lost;  // claims that are no longer this worker's: their handlers are to stop
    std::vector<token>
        cancelled;  // somebody asked for these to be cancelled; told at every beat until they are settled
    std::optional<unsigned> workers_wanted;  // somebody asked for a crew of that size
};

struct swept {
    std::size_t rescued = 0;  // jobs of workers that died
    std::size_t removed = 0;  // finished jobs whose time was over
    std::chrono::microseconds again_in{1'000'000};
};

// One worker process (an incarnation of it) and what it holds. Opening it registers the worker; destroying it gives back
// what it holds, as `returned`, and signs the worker off.
class source {
public:
    virtual ~source() = default;

    // Settles the finishes and claims: places that the finishes make free can be claimed. In one commit where the store has commits, or
    // in two at once (feature::one_commit); with an empty demand it only settles. Does not wait for jobs. After an error it is not known
    // what happened: the same finishes are presented again, and what had been claimed but could not be told is delivered then.
    virtual result<exchanged, store_error> exchange(std::span<const settlement> finishes, const demand& wanted) = 0;

    // Renews the lease of everything that this worker holds. To be called every third of a lease. Once the lease has passed,
    // exchange gives no jobs until a beat has taken it again; then the bell rings.
    virtual result<beaten, store_error> beat(const pulse& how) = 0;

    // Looks after the house: gives the jobs of dead workers back (at most three times for a job, then it is dead: it is
    // suspected of having killed them), removes what was kept long enough. Others are declared dead only if this
    // worker's own beats succeeded for a whole lease, so that an outage of the store is not taken for everybody's death.
    // What takes long, with a snapshot held open say, may be left to a later call.
    virtual result<swept, store_error> sweep() = 0;
};

struct subscription {
    std::vector<std::string> queues{"default"};  // they take turns
    std::string worker{};                        // a name for people; empty: host and process
    std::chrono::microseconds lease = std::chrono::seconds(15);
    // Called when there may be something to claim, from any thread, also from within publish: it must neither block nor call
    // the store. A store that hears nothing from elsewhere calls it at intervals of its own.
    std::function<void()> bell{};
};

// ---- the store ----

inline constexpr int crash_cap = 3;

class store {
public:
    virtual ~store() = default;

    virtual std::string name() const = 0;  // its URL without secrets
    virtual const feature_table& can() const noexcept = 0;
    virtual jobs::sink& sink() noexcept = 0;
    virtual jobs::ledger* ledger() noexcept = 0;  // null: it cannot be asked
    virtual result<std::unique_ptr<source>, store_error> subscribe(const subscription& how) = 0;

    // What time it is where jobs become due.
    virtual wall_time now() = 0;

    supported can(feature which) const noexcept { return can()[static_cast<std::size_t>(which)]; }
};

}  // namespace gm::jobs
