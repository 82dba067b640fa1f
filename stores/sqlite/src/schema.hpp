#pragma once
// The schema in the file: numbered steps (schema/*.sql) that are carried in the binary. The version stands in gm_meta, not in
// SQLite's user_version: that one is the application's.
//
// A schema grows by steps, under workers of any age. A step that takes away what older programs use says so (`-- least worker: N` is
// its first line, N the least version of a program that can live with it); it waits until no worker of an older program is left, and
// from then on they are refused. A program does without the last steps if they only take away: so old and new ones run side by
// side until the old ones are stopped.

#include <span>

#include "connection.hpp"

namespace gm::stores::sqlite {

struct migration {
    int version;
    const char* name;
    const char* sql;
};

struct program {
    std::span<const migration> steps;  // in their order; never empty
    int version() const noexcept { return steps.back().version; }
};

// What stores are opened as from now on: this program, or (in tests) one of another version.
const program& this_program() noexcept;
void be(const program& another) noexcept;

// loose: it will do, and what older programs used may be taken away; behind: to be migrated; none: no tables yet.
enum class fit : std::uint8_t { good, loose, behind, none };
// Throws too_new if the file is for newer programs only.
fit fit_of(connection& db, const program& ours);

// The same, if anybody has changed tables since it was asked last on this connection. In each transaction: a file may be migrated
// while others have it open, and a program that is too old for it must not touch it.
void refuse_if_newer(connection& db, const program& ours);

// Brings the schema up to date. Throws too_old if a step that cannot be done without waits for workers to end. requires: an open
// write transaction.
void migrate(connection& db, const program& ours);

}  // namespace gm::stores::sqlite
