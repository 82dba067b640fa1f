#pragma once
// The schema in the file: numbered steps (schema/*.sql) that are carried in the binary. The version stands in gm_meta, not in
// SQLite's user_version: that one is the application's.

#include <span>

#include "connection.hpp"

namespace gm::stores::sqlite {

struct migration {
    int version;
    const char* name;
    const char* sql;
};
extern const std::span<const migration> migrations;  // in their order; never empty

// The least version of a program that can use what the newest migration leaves: raised by a migration that takes away something
// which older programs use.
inline constexpr int least_worker = 1;

enum class fit : std::uint8_t { good, behind, none };  // behind: to be migrated; none: no tables yet
// Throws too_new if the file is for newer programs only.
fit fit_of(connection& db);

// Brings the schema up to date. requires: an open write transaction.
void migrate(connection& db);

}  // namespace gm::stores::sqlite
