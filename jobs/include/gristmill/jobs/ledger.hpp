#pragma once
// The face of a store that can be asked: what is there, change it, pause it, limit it, schedule it; and what a running job
// records besides its end. Every change is one transaction, or many small ones where it says so.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/store.hpp>

namespace gm::jobs {

// Jobs that meet all of it; what is left empty does not matter.
struct filter {
    std::vector<job_id> ids{};
    std::vector<state> states{};
    std::string queue{}, kind{}, key{}, tag{}, worker{};
    std::string text{};  // somewhere in its arguments or its last error
    std::optional<wall_time> inserted_before{}, inserted_after{};
    std::optional<wall_time> finished_before{}, finished_after{};
};

enum class order : std::uint8_t { newest_first, oldest_first };
struct page {
    order by = order::newest_first;  // by id
    job_id beyond{};                 // the last one of the page before; none: from the start
    std::size_t most = 100;
};

struct queue_limits {
    unsigned running = 0;  // at the same time, over all workers; 0: any number
    unsigned running_per_key = 0;
    double rate = 0;     // starts a second; 0: any
    unsigned burst = 1;  // starts at once when it was idle
    double rate_per_key = 0;
    unsigned burst_per_key = 1;
    bool fair = false;  // keys take turns by what they have had, weighted; none idles while there is work
    std::map<std::string, double> weights{};  // of keys in fair shares; 1 where none is given
    bool operator==(const queue_limits&) const = default;
};
std::string fault_of(const queue_limits& limits);

struct queue_report {
    std::string name;
    bool paused = false;
    queue_limits limits;
    std::array<std::uint64_t, states> counts{};  // by state, of what is kept now
    std::uint64_t completed = 0, failed = 0;     // ever: completed jobs, failed attempts
    std::optional<wall_time> oldest_available;   // since when it is due
};

struct worker_report {
    std::int64_t number = 0;  // of this incarnation
    std::string name;
    std::vector<std::string> queues;
    wall_time started{}, last_beat{};
    pulse how;
    std::optional<unsigned> workers_wanted;
    bool alive = false;  // its lease is good
};

// What happens with the times that passed while nobody looked: nothing, one run, or all (the latest hundred).
enum class missed : std::uint8_t { skip, once, all };

struct cron_entry {
    std::string name;
    std::string line;          // cron.hpp
    std::string zone = "UTC";  // "Europe/Berlin"
    // Its run_at is the time that a run stands for, and it has no parents. Its unique key is kept: with `finished` a run is
    // left out while the one before is not over.
    new_job job;
    jobs::missed policy = missed::once;
    bool paused = false;
    wall_time next{};  // when it fires next; the epoch: not planned yet, which is done when it is first looked at
    std::optional<wall_time> last{};  // what `next` was when it fired last
};

// What a running job says about itself.
struct job_note {
    token which;
    std::optional<double> progress{};
    std::string note{};
    std::string log{};  // appended to the log of this attempt
};

struct step {
    std::string name;
    body result;
};

struct log_part {
    std::int64_t epoch = 0;
    std::string text;
    std::uint64_t left_out = 0;  // bytes between the first half and the last
};

struct retention {
    std::chrono::microseconds completed = std::chrono::hours(24);
    std::chrono::microseconds cancelled = std::chrono::hours(24);
    std::chrono::microseconds dead = std::chrono::hours(24 * 7);
    bool operator==(const retention&) const = default;
};

class ledger {
public:
    // ---- ask ----
    virtual result<std::optional<record>, store_error> find(job_id id) = 0;
    virtual result<std::vector<record>, store_error> list(const filter& which, const page& part) = 0;
    virtual result<std::uint64_t, store_error> count(const filter& which) = 0;
    virtual result<std::vector<queue_report>, store_error> queues() = 0;
    virtual result<std::vector<worker_report>, store_error> workers() = 0;
    virtual result<std::vector<log_part>, store_error> logs(job_id id) = 0;  // of its attempts, the oldest first

    // ---- change: how many were changed. In steps of some thousands, so that nobody waits long; each is a transaction ----
    // What waits is cancelled at once; of what runs it is asked, and happens by the next beat.
    virtual result<std::uint64_t, store_error> cancel(const filter& which) = 0;
    // Dead and cancelled jobs become available again, with attempts, crashes and interruptions at 0; retrying, scheduled and
    // snoozed ones become due now. One whose unique key is taken meanwhile stays as it is, and keeps none of the others back; if
    // it was named by its id, the answer is a conflict that names it, and the others are revived all the same.
    virtual result<std::uint64_t, store_error> retry(const filter& which) = 0;
    // Jobs that are over, or wait. What runs stays, and is not counted; so does a parent that somebody waits for.
    virtual result<std::uint64_t, store_error> remove(const filter& which) = 0;
    // Of jobs that are not over and do not run.
    virtual result<std::uint64_t, store_error> set_priority(const filter& which, int priority) = 0;

    // ---- queues and workers ----
    virtual result<bool, store_error> pause(const std::string& queue,
                                            bool paused) = 0;  // whether that changed anything
    virtual result<bool, store_error> limit(const std::string& queue, const queue_limits& limits) = 0;
    // Asks a worker (0: all) for a crew of that size; it hears of it at its next beat. How many were asked.
    virtual result<std::uint64_t, store_error> scale(std::int64_t worker, unsigned workers) = 0;
    virtual result<bool, store_error> retain(const retention& how) = 0;

    // ---- cron: entries are stored here; when they fire is for schedule.hpp ----
    // New, or in place of the one of that name. If line and zone are those that it had, its `next` and `last` stay what they
    // were: a program may put its entries whenever it starts, and what was missed meanwhile is not forgotten.
    virtual result<bool, store_error> put_cron(const cron_entry& entry) = 0;
    virtual result<bool, store_error> remove_cron(const std::string& name) = 0;
    virtual result<std::vector<cron_entry>, store_error> crons() = 0;
    // Inserts the jobs and moves the entry on, if it still is as it was: its `next` is `expected` and it is not paused. False:
    // somebody else has fired it, or it was changed; nothing happened. A job whose unique key is taken is left out. Without
    // any jobs it is only moved on, and its `last` stays.
    virtual result<bool, store_error> fire(const std::string& name, wall_time expected, wall_time next,
                                           std::span<const new_job> jobs) = 0;

    // ---- what a running job records; `refused` if the claim is no longer its worker's ----
    virtual result<std::vector<settled>, store_error> note(std::span<const job_note> notes) = 0;
    virtual result<std::vector<step>, store_error> steps(job_id id) = 0;
    virtual result<settled, store_error> put_step(token which, const step& done) = 0;

protected:
    ~ledger() = default;
};

}  // namespace gm::jobs
