#pragma once
// runner: takes jobs from a store, runs their handlers, and says what became of them.
//
//     gm::jobs::runner work(store, kinds, {.workers = 8});
//     gm::jobs::runner_report report = work.run(context);       // until the context is done
//
// run() exchanges on the calling thread: in one call of the store it settles what has ended and claims what is next. The
// handlers run on pools of the core: functions on `workers` threads, coroutines `coroutines` at a time. The lease is renewed
// by a thread of its own, however busy the crew is; another one sweeps.
//
// A store that cannot be reached costs time and nothing else: the ends are kept and presented again until it has taken them.
//
// A job of a kind that the registry does not have is another worker's: it goes back uncounted, and this worker sees it again
// after 5 seconds at the soonest, and, where there are many of them, each a moment after the one before. A kind with workers
// of its own is better off in a queue of its own.
//
// Stop: what has not started goes back at once. What runs has `grace`, then its context is done (stopping), then
// `last_grace`. What has come back until then is settled; an error of one that was asked to stop gives the job back uncounted.
// What has not is left alone: its thread goes on, its claim ends with the lease, and the report counts it.
//
// It runs on virtual time as it is.

#include <memory>
#include <source_location>

#include <gristmill/context.hpp>
#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner_options.hpp>
#include <gristmill/jobs/store.hpp>

namespace gm::jobs {

// Thread safety: any member from any thread; one run() at a time (misuse). requires: the store and the registry outlive it, and
// every handler that the last report calls unfinished.
class runner {
public:
    runner(jobs::store& store, const registry& kinds, runner_options options = {},
           std::source_location where = std::source_location::current());
    runner(const runner&) = delete;
    runner& operator=(const runner&) = delete;
    ~runner();

    // Blocks until the context is done and the crew has come to rest. May be called again after that.
    runner_report run(const context& ctx = {}, std::source_location where = std::source_location::current());

    // Of a run that is stopping, or will be: no grace. What runs is asked to stop at once.
    void hurry() noexcept;

    // Another crew, while it runs. Also asked for through the store (ledger::scale). 0: the CPUs this process may use.
    void resize(unsigned workers);
    // Paused: nothing is claimed and what has not started goes back; what runs goes on.
    void pause(bool paused);

    runner_snapshot snapshot() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

// Runs that left handlers behind which did not come back: kept as they are for as long as the process lives.
std::size_t abandoned_runs() noexcept;

}  // namespace gm::jobs
