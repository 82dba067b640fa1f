#pragma once
// What becomes of jobs: the end of a claim, and the end of a job.

#include "session.hpp"

namespace gm::stores::sqlite {

jobs::settled settle(session& in, std::int64_t worker, const jobs::settlement& finish);

// What a worker remembers of a job that it was given: what no row has to be read for.
struct remembered {
    std::int64_t queue = 0, name = 0;
    std::string key;
    micros started = 0;
};
// The same for what happens most, an ordinary job that is completed: in fewer statements. False: it is none of those, and
// nothing happened.
bool complete(session& in, std::int64_t worker, const jobs::settlement& finish, const remembered& job);

// The worker that ran it died: it is available again, or dead if that has happened too often.
void crashed(session& in, jobs::job_id job, std::int64_t worker);

// Ends a job that nobody runs, and what goes with it. requires: it is not over and not running.
void end_unclaimed(session& in, jobs::job_id job, jobs::state how);
// The same alone: whether others came after it, which is then for the caller to see to.
bool end_unclaimed_alone(session& in, jobs::job_id job, jobs::state how);

}  // namespace gm::stores::sqlite
