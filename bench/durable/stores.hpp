// Filling a store through its own interface, for ours and for the raw loop alike, and counting what the store did.
#pragma once

#include <libpq-fe.h>
#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/open.hpp>
#include <gristmill/stores/sqlite.hpp>

#include "durable.hpp"

namespace bench::durable {

inline std::unique_ptr<gm::jobs::store> open_store(const std::string& at = url()) {
    auto store = gm::stores::open(at);
    check(static_cast<bool>(store), store ? "" : store.error().what);
    return *std::move(store);
}

inline gm::jobs::new_job job_of(std::int64_t number, std::string key = {}) {
    gm::jobs::new_job job;
    job.kind = kind;
    job.arguments.bytes = arguments_of(number);
    job.key = std::move(key);
    return job;
}

// `key_of(i)` is the key of each, empty for none.
template <class KeyOf>
void fill(gm::jobs::store& store, std::int64_t n, KeyOf key_of) {
    gm::jobs::client client(store);
    for (std::int64_t from = 0; from < n; from += 10'000) {
        std::vector<gm::jobs::new_job> jobs;
        for (std::int64_t i = from; i < std::min(n, from + 10'000); ++i) jobs.push_back(job_of(i, key_of(i)));
        const auto put = client.insert_all(std::move(jobs));
        check(static_cast<bool>(put), put ? "" : put.error().what);
    }
}

inline void fill(gm::jobs::store& store, std::int64_t n) {
    fill(store, n, [](std::int64_t) { return std::string(); });
}

// Inserts and drains so many.
inline void finish(std::int64_t n) {
    auto store = open_store();
    fill(*store, n);
    gm::jobs::registry kinds;
    kinds.add(kind, [](const gm::jobs::body&) {});
    const auto done = gm::jobs::runner(*store, kinds, {.workers = crew, .until_idle = true}).run();
    check(static_cast<std::int64_t>(done.counts.completed) == n, "not all of those before are over");
}

struct closes {
    void operator()(PGconn* of) const noexcept { PQfinish(of); }
    void operator()(PGresult* of) const noexcept { PQclear(of); }
};
using connection = std::unique_ptr<PGconn, closes>;
using answer = std::unique_ptr<PGresult, closes>;

inline connection connect(const std::string& to = url()) {
    connection made(PQconnectdb(to.c_str()));
    check(PQstatus(made.get()) == CONNECTION_OK, PQerrorMessage(made.get()));
    return made;
}

inline answer ask(PGconn* of, const char* sql) {
    answer made(PQexec(of, sql));
    const ExecStatusType how = PQresultStatus(made.get());
    check(how == PGRES_TUPLES_OK || how == PGRES_COMMAND_OK, PQerrorMessage(of));
    return made;
}

// Commits since it was made, for 1,000 jobs. PostgreSQL counts them when the connections that made them are closed: so `store`
// is closed first.
class commit_count {
public:
    explicit commit_count(const gm::jobs::store& store) : before_(now(store)) {}

    void report_for(const std::string& name, std::unique_ptr<gm::jobs::store> store, std::int64_t jobs) {
        if (scheme() == "memory") return;
        double after = 0;
        if (scheme() == "sqlite") after = now(*store);
        store.reset();
        if (scheme() == "postgres") after = syncs();
        report(name + "/commits", (after - before_) * 1000 / static_cast<double>(jobs), "a 1,000 jobs");
    }

private:
    static double now(const gm::jobs::store& store) {
        if (scheme() == "sqlite") {
            const auto counted = gm::stores::counters_of(store);
            return static_cast<double>(counted.commits - counted.unsynced);
        }
        return scheme() == "postgres" ? syncs() : 0;
    }
    // Of the write-ahead log to the disk: commits of several connections share one.
    static double syncs() {
        const auto at = connect();
        return std::atof(PQgetvalue(ask(at.get(), "select wal_sync from pg_stat_wal").get(), 0, 0));
    }

    double before_;
};

}  // namespace bench::durable
