#pragma once
// The schema in the database and this program: which of them is older.

#include <cstdint>

#include "line.hpp"

namespace gm::stores::pg {

// What this program speaks. A migration that older workers cannot live with raises the least version that is asked of them.
inline constexpr std::int64_t worker_version = 1;

// The schema is as new as this program needs it; where `migrate` says so, it is made so. Any number of programs may do this at the
// same time.
std::optional<fault> prepare_schema(line& on, const settings& how, bool migrate);

// Names are put into SQL only here and in places like it: nothing but lower-case letters, digits and _ comes through.
bool is_schema_name(std::string_view name) noexcept;

}  // namespace gm::stores::pg
