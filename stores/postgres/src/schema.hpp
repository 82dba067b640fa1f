#pragma once
// The schema in the database and this program: which of them is older.
//
// A schema grows by steps, under workers of any age. A step that takes away what older programs use says so (`-- least worker: N` is
// its first line); it waits until no worker of such a program is left, and from then on they are refused. A program does without
// the last steps if they only take away: so old and new workers run side by side until the old ones are stopped.

#include <cstdint>
#include <span>

#include "line.hpp"
#include "migrations.hpp"

namespace gm::stores::pg {

struct program {
    std::span<const migration> steps;
    std::int64_t version = 0;  // what its workers speak
};

// What stores are opened as from now on: this program, or (in tests) one of another version.
const program& this_program() noexcept;
void be(const program& another) noexcept;

// The schema is as new as the program needs it; where `migrate` says so, it is made so. Any number of programs may do this at the
// same time.
std::optional<fault> prepare_schema(line& on, const settings& how, const program& ours, bool migrate);

// Names are put into SQL only here and in places like it: nothing but lower-case letters, digits and _ comes through.
bool is_schema_name(std::string_view name) noexcept;

}  // namespace gm::stores::pg
