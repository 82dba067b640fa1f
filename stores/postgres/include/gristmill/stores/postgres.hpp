#pragma once
// Durable jobs in PostgreSQL 15 or newer, for workers on many machines.
//
//     auto store = gm::stores::open_postgres("postgres://app@db.example/app");
//     if (!store) log(store.error().what);                 // db.example:5432/app: …
//
// What was accepted is on the server's disk as far as its own synchronous_commit goes. Everything lives in one schema, `gristmill` unless
// it is called otherwise; opening creates it, or brings it up to date. A pooler (pgbouncer) in transaction mode may stand in
// between.
//
// Any language inserts, within a transaction of its own:
//
//     select gristmill.insert('mail', '{"to": "ann"}', queue => 'letters', run_at => now() + interval '1 hour');
//     grant gristmill_enqueue to my_application;          -- who may do that, and nothing else

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/store.hpp>

struct pg_conn;  // libpq's PGconn

namespace gm::stores {

struct postgres_options {
    std::string schema = "gristmill";  // lower-case letters, digits and _, not a digit first
    // A way to the server that is no pooler, for LISTEN; empty: the URL itself is tried. Where it does not hear, workers look for
    // themselves, every 20 to 200 ms.
    std::string notify_url{};
    std::size_t connections = 4;  // for inserts and questions; a worker has three of its own besides, a busy one four
    // Longer than this no statement runs and no lock is waited for: what takes longer is an error, and may be tried again.
    std::chrono::milliseconds statement_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds lock_timeout = std::chrono::seconds(10);
    // How long an insert goes on trying while the server is away.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    bool migrate = true;  // false: a schema that is too old is an error
    jobs::size_limits limits{};
};

// The URL is libpq's, or its "key=value" form.
result<std::unique_ptr<jobs::store>, jobs::store_error> open_postgres(const std::string& url,
                                                                      const postgres_options& options = {});

// Inserts in the transaction that is open on the caller's own connection, or in one of its own if none is: the jobs are there if and when
// it commits. The schema has to exist. An error leaves a transaction failed, as any error of PostgreSQL does.
// requires: the connection is idle and not in pipeline mode.
result<std::vector<jobs::published>, jobs::store_error> insert_postgres(pg_conn* connection,
                                                                        std::span<const jobs::new_job> jobs,
                                                                        std::string_view schema = "gristmill");

}  // namespace gm::stores
