#pragma once
// Jobs that come after others. An edge is done when the child does not wait for that parent any more; `blocked` of the child
// counts the others.

#include "session.hpp"

namespace gm::stores::sqlite {

struct links {
    std::int64_t waits_for = 0;
    bool cancelled = false;  // a parent has failed, and this child goes with it
};
// Throws trouble (invalid) if a parent does not exist. The write transaction keeps parents from ending meanwhile.
links link_parents(session& in, jobs::job_id child, const jobs::new_job& job);

// A job that others came after is over.
void parent_is_over(session& in, jobs::job_id parent, jobs::state how);

// Cancels a job that has just been inserted, or waits, because its parent failed.
void cancel_orphan(session& in, jobs::job_id child);

}  // namespace gm::stores::sqlite
