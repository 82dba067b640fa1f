#pragma once
// Worker processes: their leases, their deaths, and what is looked after beside.

#include <string>
#include <vector>

#include "session.hpp"
#include "side_file.hpp"

namespace gm::stores::sqlite {

struct incarnation {
    std::int64_t number = 0;
    std::string name;
    int version = 0;  // of its program
    std::vector<std::string> queues;
    micros lease = 0;
    micros started = 0;  // on the clock on the wall
};

std::int64_t next_worker(session& in);

// Makes the row of a worker, if it has none (any more), with a new lease. The worker's byte is locked before.
void sign_on(session& in, const incarnation& who);
// Gives back what it holds, and removes its row.
void sign_off(session& in, std::int64_t worker);

bool lease_is_good(session& in, std::int64_t worker);
bool holds_any(session& in, std::int64_t worker);

// How many hands the other workers of a queue have; none: one of its workers, or this one, has not told how many.
std::optional<std::size_t> hands_of_others(session& in, std::int64_t worker, const std::string& queue);

struct renewed {
    std::vector<std::pair<std::int64_t, std::int64_t>> held;  // (job, epoch), in order: what is its own by the tables
    std::vector<jobs::token> cancelled;
    std::optional<unsigned> wanted;
};
renewed renew(session& in, const incarnation& who, const jobs::pulse& how);

// Rescues the jobs of those that died: their byte is free, or they are of another boot, or their lease is over. The last counts
// only if this worker's own beats have come in time for as long as the other's lease: `steady`.
std::size_t rescue(session& in, const incarnation& who, const side_file& bytes, micros steady);

// Removes finished jobs that were kept long enough, some at a time.
inline constexpr std::size_t removed_at_once = 1'000;
std::size_t remove_old(session& in);

// Removes what belongs to a job that is in no table of jobs any more.
void remove_past(session& in, jobs::job_id job);

}  // namespace gm::stores::sqlite
