#pragma once
// Durable jobs in one SQLite file, used by any number of processes of one machine.
//
//     auto store = gm::stores::open_sqlite("work.db");
//     if (!store) log(store.error().what);
//
// Nobody waits for a lock in the file: the processes line up for writing in a fair queue of their own, and each of them puts
// whatever its threads ask for meanwhile into one commit. With durability::full an accepted job is on the disk.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/store.hpp>

struct sqlite3;

namespace gm::stores {

enum class durability : std::uint8_t {
    full,    // survives a power cut
    normal,  // survives a crash of the program; a power cut may take the last commits
};

struct sqlite_options {
    bool create = true;   // the file, if it is not there
    bool migrate = true;  // its schema, if that is older
    durability durable = durability::full;
    jobs::size_limits limits{};
    // How long to wait for another process that holds the file (stopped in a debugger, a long transaction of the application)
    // before a call fails with store_fault::unreachable. Nothing happened then.
    std::chrono::milliseconds patience = std::chrono::seconds(30);
};

result<std::unique_ptr<jobs::store>, jobs::store_error> open_sqlite(const std::string& path,
                                                                    const sqlite_options& options = {});

// Inserts within the application's own transaction on `handle`, whose main database is the file of a store; the jobs are there
// when it commits, and never were when it rolls back. Without an open transaction it makes one. Workers hear of it within
// 50 ms. It switches off the automatic checkpoints of the handle: stores do them.
// requires: a handle that no other thread uses meanwhile.
result<std::vector<jobs::published>, jobs::store_error> insert_sqlite(sqlite3* handle,
                                                                      std::span<const jobs::new_job> jobs,
                                                                      const jobs::size_limits& limits = {});

// What a store has done since it was opened.
struct sqlite_counters {
    std::uint64_t operations = 0;   // publish, exchange, beat, sweep, changes
    std::uint64_t commits = 0;      // each an fsync at durability::full
    std::uint64_t unsynced = 0;     // but these: of claims alone, which the next one, or 50 ms, takes to the disk
    bool afloat = false;            // the last commit was one of those, and is not on the disk yet
    std::uint64_t checkpoints = 0;  // each two more
    std::uint64_t waiting = 0;      // operations that wait for the next commit, now
};
// requires: a store that open_sqlite has made.
sqlite_counters counters_of(const jobs::store& store);

}  // namespace gm::stores
