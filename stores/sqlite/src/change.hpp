#pragma once
// What people do to single jobs. Each says whether it changed anything.

#include "session.hpp"

namespace gm::stores::sqlite {

bool cancel(session& in, jobs::job_id job);
bool remove(session& in, jobs::job_id job);
bool set_priority(session& in, jobs::job_id job, int priority);

enum class retried : std::uint8_t { no, yes, key_taken };
retried retry(session& in, jobs::job_id job);

}  // namespace gm::stores::sqlite
