#pragma once
// What a store should do, as simply as it can be written: a map of jobs that is searched from end to end for everything. It
// knows no fair shares, rates, sweeps of what is old, or pages: those have tests of their own.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

namespace gm::test {

class model {
public:
    struct job {
        jobs::new_job made;
        jobs::state state = jobs::state::waiting;
        jobs::wall_time run_at{};
        std::int64_t epoch = 0;
        int attempts = 0, crashes = 0, interruptions = 0;
        bool cancel_asked = false;
        std::set<jobs::job_id> blocked_by;
        int holder = 0;       // of a running one
        jobs::token claim{};  // of the one that runs
        std::optional<std::pair<jobs::token, jobs::verdict>> settled;
    };
    struct queue {
        bool paused = false;
        unsigned running = 0, running_per_key = 0;  // limits
        std::uint64_t completed = 0, failed = 0;
    };

    std::map<jobs::job_id, job> all;
    std::map<std::string, queue> queues;
    jobs::wall_time now{};

    // Who has its unique key; none: it may come.
    std::optional<jobs::job_id> duplicate_of(const jobs::new_job& made) const;
    void insert(jobs::job_id id, const jobs::new_job& made);
    // The most that a worker of this queue may be given; `hands_of_others`: of the queue's other workers, none if one of all has
    // not told. And that it was given one, under this token.
    std::vector<jobs::job_id> next(int holder, const std::string& queue, const jobs::demand& wanted,
                                   std::optional<std::size_t> hands_of_others = {});
    void claimed(jobs::job_id id, int holder, jobs::token as);
    bool is_current(jobs::token claim) const;  // its job runs by it
    jobs::settled settle(int holder, const jobs::settlement& end);
    void died(int holder);  // and was found out
    void signed_off(int holder);

    bool cancel(jobs::job_id id);
    bool retry(jobs::job_id id);
    bool remove(jobs::job_id id);
    bool set_priority(jobs::job_id id, int priority);
    void promote();  // what has come due

    std::uint64_t count(const std::string& of, jobs::state which) const;

private:
    struct taken {
        jobs::job_id by;
        jobs::wall_time until;
    };
    using key_name = std::pair<std::string, std::string>;

    void finish(jobs::job_id id, jobs::state how);
    void set_free(job& which);
    void free_key(jobs::job_id id);
    bool pinned(jobs::job_id id) const;
    std::size_t may_give(const std::string& from, std::size_t could_start, const jobs::demand& wanted,
                         std::size_t hands_of_others) const;
    bool may_run(const job& which, const std::vector<jobs::job_id>& chosen) const;

    std::map<key_name, taken> keys_;
};

}  // namespace gm::test
