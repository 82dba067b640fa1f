#pragma once
// Unique keys: who has one, and when it is let go.

#include "session.hpp"

namespace gm::stores::sqlite {

// Who has the key by now; 0: nobody.
jobs::job_id holder_of(session& in, std::int64_t kind, std::string_view key);
// requires: nobody has it.
void take_key(session& in, std::int64_t kind, const jobs::unique_key& unique, jobs::job_id job);
void release_key(session& in, std::int64_t kind, std::string_view key, jobs::job_id job);
void forget_expired_keys(session& in);

}  // namespace gm::stores::sqlite
