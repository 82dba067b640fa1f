#pragma once
// Jobs go in. Their ids are reserved here, before they are sent: when the answer to a commit is lost, the same jobs are sent again, and
// those that are there already are passed over.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/store.hpp>

#include "line.hpp"

namespace gm::stores::pg {

using publications = std::vector<jobs::published>;

using job_pointers = std::span<const jobs::new_job* const>;
std::vector<const jobs::new_job*> pointers_to(std::span<const jobs::new_job> jobs);

// Statements that insert the jobs, in their order, each some thousands.
struct insertion {
    std::vector<statement> list{};
    std::vector<std::size_t> counts{};  // of jobs in each of them
};
// `again`: they may be there already.
insertion insertion_of(job_pointers jobs, std::span<const std::int64_t> ids, bool again);
// Out of the rows that each of them gave.
publications publications_of(std::span<const std::int64_t> ids, std::span<const std::size_t> counts,
                             std::span<const rows> answers);

// On a connection of somebody else's, in its transaction.
result<publications, jobs::store_error> insert_on(PGconn* connection, std::span<const jobs::new_job> jobs,
                                                  const std::string& schema);

// What is wrong with one of them; empty: nothing.
std::string fault_among(std::span<const jobs::new_job> jobs, const jobs::size_limits& limits);

// Ids in reserve, so that a job does not cost a question. Up to a thousand are lost when a program ends.
// Thread safety: any thread.
class id_stock {
public:
    explicit id_stock(line_pool& lines) : lines_(&lines) {}
    outcome<std::vector<std::int64_t>> take(std::size_t count);

private:
    line_pool* lines_;
    std::mutex mutex_;  // the two below; held while more are fetched: the others would only do the same
    std::deque<std::int64_t> ids_;
    std::size_t block_ = 8;  // doubles up to a thousand: a program that inserts one job leaves no gap of a thousand
};

// Inserts of many threads go together: what arrives while two transactions are on their way goes into the next, which is one
// commit for all of them.
// Thread safety: any thread.
class inserter {
public:
    inserter(line_pool& lines, std::chrono::milliseconds patience, const jobs::size_limits& limits)
        : lines_(&lines), stock_(lines), patience_(patience), limits_(limits) {}

    result<publications, jobs::store_error> publish(std::span<const jobs::new_job> jobs);
    outcome<std::vector<std::int64_t>> reserve(std::size_t count) { return stock_.take(count); }

private:
    struct request {
        job_pointers jobs;
        std::vector<std::int64_t> ids;
        std::condition_variable woken{};
        bool taken = false, done = false;
        bool alone = false;  // the transaction it was part of failed because of one of them: each for itself now
        publications answer{};
        std::optional<fault> why{};
    };

    outcome<publications> send(job_pointers jobs, std::span<const std::int64_t> ids);
    outcome<publications> together(job_pointers jobs, std::vector<std::int64_t> ids);
    void lead(std::unique_lock<std::mutex>& lock);

    line_pool* lines_;
    id_stock stock_;
    const std::chrono::milliseconds patience_;
    const jobs::size_limits limits_;

    std::mutex mutex_;  // all below, and the requests
    std::deque<request*> waiting_;
    int flying_ = 0;
};

}  // namespace gm::stores::pg
