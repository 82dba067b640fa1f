#pragma once
// Where the keys of a queue stand, for queues with fair shares or with limits for each key. An open key has an available job
// and nothing that holds it; a claim takes the heads of open keys, in the order of what the keys have had and then of the
// heads' ranks. So its cost does not depend on how many jobs lie behind keys that are closed.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "session.hpp"

namespace gm::stores::sqlite {

key_row read_key(session& in, const queue_row& of, const std::string& key);
void write_key(session& in, const queue_row& of, const std::string& key, key_row& row);

// Whether limits hold the key; if only its rate does, until when.
struct key_gate {
    bool open = true;
    std::optional<micros> opens;
};
key_gate gate_of(const queue_row& of, const key_row& row, micros now);

// A bucket of tokens, filled at `rate` a second up to `burst`.
double tokens_at(double tokens, micros refilled, double rate, double burst, micros now) noexcept;
micros token_time(double tokens, double rate, micros now) noexcept;  // when there will be one

// A job has become available or is so no longer. Nothing to do in queues that do not go by keys.
void key_arrived(session& in, const queue_row& of, const std::string& key, const standing& where);
void key_left(session& in, const queue_row& of, const std::string& key);
// The keys that are open, in no order, and enough of them: as many as jobs are wanted will do, by what they have had and then by
// their heads' ranks, for with each pick but the last one of them is still as it was, and goes before all that were left out.
// Those that this transaction has touched are among them whatever they are.
std::vector<std::pair<const std::string*, key_row*>> open_keys(session& in, const queue_row& of, std::size_t wanted);

// A job was claimed, or has ended its run. `refund`: it never started.
void key_started(const queue_row& of, key_row& row, micros now) noexcept;
void key_ended(session& in, const queue_row& of, const std::string& key, bool refund);

// Makes the rows of a queue whose limits were changed.
void rebuild_keys(session& in, const queue_row& of);
// Removes rows that say nothing any more, a few at a time.
void forget_idle_keys(session& in);
// Opens keys that would wait for their rate for longer than any does, because the clock was set back; a few at a time.
void open_late_keys(session& in);

}  // namespace gm::stores::sqlite
