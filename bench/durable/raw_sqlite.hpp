// The raw limit of SQLite with our schema: the statements that the work needs, prepared, by hand, at synchronous=FULL, on one
// connection. Nothing is checked and nothing can be asked.
#pragma once

#include <sqlite3.h>

#include <condition_variable>
#include <mutex>
#include <semaphore>

#include "stores.hpp"

namespace bench::durable::raw_sqlite {

inline constexpr const char* insert_one =
    "INSERT INTO gm_jobs (id, state, queue, rank, kind, run_at, inserted, arguments) VALUES (?, 2, 1, ?, 1, ?, ?, ?)";

class database {
public:
    database() {
        check(sqlite3_open(url().substr(7).c_str(), &handle_) == SQLITE_OK, "cannot open");
        run("PRAGMA synchronous = FULL");
        run("PRAGMA cache_size = -32768");
        run("PRAGMA secure_delete = OFF");
        run("PRAGMA wal_autocheckpoint = 2000");
    }
    ~database() { sqlite3_close_v2(handle_); }
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    void run(const char* sql) {
        check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(handle_));
    }
    std::int64_t number(const char* sql);
    void commit() {
        run("COMMIT");
        ++commits_;
    }
    std::int64_t commits() const { return commits_; }
    sqlite3* handle() const { return handle_; }

private:
    sqlite3* handle_ = nullptr;
    std::int64_t commits_ = 0;
};

class statement {
public:
    statement(database& of, const char* sql) : of_(of.handle()) {
        check(sqlite3_prepare_v3(of_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made_, nullptr) == SQLITE_OK,
              sqlite3_errmsg(of_));
    }
    ~statement() { sqlite3_finalize(made_); }
    statement(const statement&) = delete;
    statement& operator=(const statement&) = delete;

    void bind(int at, std::int64_t value) { sqlite3_bind_int64(made_, at, value); }
    void bind(int at, const std::string& bytes) {
        sqlite3_bind_blob(made_, at, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
    }
    template <class... Values>
    void run(const Values&... values) {
        int at = 0;
        (bind(++at, values), ...);
        check(sqlite3_step(made_) == SQLITE_DONE, sqlite3_errmsg(of_));
        sqlite3_reset(made_);
    }
    bool step() { return sqlite3_step(made_) == SQLITE_ROW; }
    std::int64_t integer(int column) { return sqlite3_column_int64(made_, column); }
    int bytes(int column) { return sqlite3_column_bytes(made_, column); }
    void reset() { sqlite3_reset(made_); }

private:
    sqlite3* of_;
    sqlite3_stmt* made_ = nullptr;
};

inline std::int64_t database::number(const char* sql) {
    statement asking(*this, sql);
    check(asking.step(), sql);
    return asking.integer(0);
}

inline std::int64_t now_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

// One thread writes; whoever inserts waits for the commit that his job is in.
class writer {
public:
    writer() : thread_([this](std::stop_token stop) { work(stop); }) {}

    void insert(const std::string& arguments) {
        request mine{&arguments};
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(&mine);
        }
        asked_.notify_one();
        mine.done.acquire();
    }
    std::int64_t commits() const { return db_.commits(); }

private:
    struct request {
        const std::string* arguments;
        std::binary_semaphore done{0};
    };

    void work(std::stop_token stop) {
        std::vector<request*> batch;
        for (;;) {
            {
                std::unique_lock lock(mutex_);
                if (!asked_.wait(lock, stop, [&] { return !waiting_.empty(); })) return;
                batch.swap(waiting_);
            }
            db_.run("BEGIN IMMEDIATE");
            const std::int64_t now = now_us();
            for (request* const each : batch) insert_.run(next_++, now, now, now, *each->arguments);
            next_id_.run(next_);
            count_.run(static_cast<std::int64_t>(batch.size()));
            db_.commit();
            for (request* const each : batch) each->done.release();
            batch.clear();
        }
    }

    database db_;
    statement insert_{db_, insert_one};
    statement next_id_{db_, "UPDATE gm_meta SET value = ? WHERE name = 'next_id'"};
    statement count_{db_, "UPDATE gm_queues SET available = available + ? WHERE number = 1"};
    std::int64_t next_ = db_.number("SELECT value FROM gm_meta WHERE name = 'next_id'");
    std::mutex mutex_;
    std::condition_variable_any asked_;
    std::vector<request*> waiting_;
    std::jthread thread_;
};

inline void single(const std::string& name) {
    const std::int64_t n = scaled(100'000);
    fill(*open_store(), 10);  // the tables, the queue, the kind
    writer by;
    insert_singly(name, n, [&](int) { return [&](std::int64_t number) { by.insert(arguments_of(number)); }; });
    report(name + "/commits", static_cast<double>(by.commits()) * 1000 / static_cast<double>(n), "a 1,000 jobs");
}

inline void bulk(const std::string& name) {
    const std::int64_t n = scaled(100'000);
    fill(*open_store(), 10);
    database db;
    statement insert(db, insert_one);
    std::vector<std::string> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(arguments_of(i));
    timer clock;
    db.run("BEGIN IMMEDIATE");
    std::int64_t next = db.number("SELECT value FROM gm_meta WHERE name = 'next_id'");
    const std::int64_t now = now_us();
    for (const std::string& each : all) insert.run(next++, now, now, now, each);
    statement(db, "UPDATE gm_meta SET value = ? WHERE name = 'next_id'").run(next);
    statement(db, "UPDATE gm_queues SET available = available + ? WHERE number = 1").run(n);
    db.run("COMMIT");
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
}

// What a worker does, in transactions that the caller begins and commits.
class crew_of_one {
public:
    struct claim {
        std::int64_t id, epoch;
    };

    explicit crew_of_one(database& of) : db_(of) {}

    void settle(const std::vector<claim>& held, std::int64_t now) {
        for (const claim& each : held) {
            finish_.run(each.id, now, each.epoch);
            gone_.run(each.id);
            stopped_.run(me, each.id);
        }
        settled_ = static_cast<std::int64_t>(held.size());
    }
    std::vector<claim> claim_some(std::int64_t most, std::int64_t now) {
        std::vector<claim> held;
        pick_.bind(1, most);
        while (pick_.step()) {
            check(pick_.bytes(3) == static_cast<int>(arguments_of(0).size()), "these are not its arguments");
            held.push_back({pick_.integer(0), pick_.integer(1) + 1});
        }
        pick_.reset();
        for (const claim& each : held) {
            take_.run(each.id);
            runs_.run(me, each.id, now);
        }
        claimed_ = static_cast<std::int64_t>(held.size());
        return held;
    }
    void commit() {
        count_.run(std::exchange(claimed_, 0), std::exchange(settled_, 0));
        db_.commit();
    }

private:
    static constexpr std::int64_t me = 1'000'000;

    database& db_;
    std::int64_t claimed_ = 0, settled_ = 0;  // in this transaction
    statement pick_{
        db_,
        "SELECT id, epoch, kind, arguments FROM gm_jobs INDEXED BY gm_ready WHERE queue = 1 AND state = 2 AND"
        " crashes = 0 AND key = '' ORDER BY rank LIMIT ?"};
    statement take_{db_, "UPDATE gm_jobs SET state = 3, epoch = epoch + 1 WHERE id = ?"};
    statement runs_{db_, "INSERT INTO gm_running (worker, job, ran_by, started) VALUES (?, ?, 1, ?)"};
    statement finish_{
        db_,
        "INSERT INTO gm_finished SELECT id, 5, queue, epoch, kind, key, priority, run_at, inserted, attempts + 1,"
        " crashes, interruptions, cancel_asked, children, has_steps, has_past, orphaned, type, timeout, arguments,"
        " tags, retry, unique_key, unique_until, unique_window, 0, epoch, overlapping, 1, ?2, progress, note, ?2,"
        " x'', '' FROM gm_jobs WHERE id = ?1 AND state = 3 AND epoch = ?3"};
    statement gone_{db_, "DELETE FROM gm_jobs WHERE id = ?"};
    statement stopped_{db_, "DELETE FROM gm_running WHERE worker = ? AND job = ?"};
    statement count_{
        db_,
        "UPDATE gm_queues SET available = available - ?1, running = running + ?1 - ?2, completed = completed + ?2,"
        " ever_completed = ever_completed + ?2 WHERE number = 1"};
};

// Claims a batch and settles the one before, in one commit.
inline void drain(const std::string& name, std::int64_t n) {
    constexpr std::int64_t most = 2'000;
    database db;
    crew_of_one crew(db);
    std::vector<crew_of_one::claim> held, before;
    std::int64_t done = 0;
    timer clock;
    do {
        held.swap(before);
        db.run("BEGIN IMMEDIATE");
        const std::int64_t now = now_us();
        crew.settle(before, now);
        done += static_cast<std::int64_t>(before.size());
        held = crew.claim_some(std::min(most, n - done), now);
        crew.commit();
    } while (!held.empty());
    check(done == n, "not all of them were drained");
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
    report(name + "/commits", static_cast<double>(db.commits()) * 1000 / static_cast<double>(n), "a 1,000 jobs");
}

// Three commits one after the other, of all jobs that are due: they are inserted, claimed, finished.
inline void latency(const std::string& name, int rate, std::int64_t n) {
    finish(10);  // the tables, the queue, the kind
    database db;
    statement insert(db, insert_one);
    statement next_id(db, "UPDATE gm_meta SET value = ? WHERE name = 'next_id'");
    statement count(db, "UPDATE gm_queues SET available = available + ? WHERE number = 1");
    std::int64_t next = db.number("SELECT value FROM gm_meta WHERE name = 'next_id'");
    crew_of_one crew(db);
    steadily(name, rate, n, [&](std::int64_t from, std::int64_t to) {
        db.run("BEGIN IMMEDIATE");
        const std::int64_t now = now_us();
        for (std::int64_t i = from; i < to; ++i) insert.run(next++, now, now, now, arguments_of(i));
        next_id.run(next);
        count.run(to - from);
        db.commit();
        db.run("BEGIN IMMEDIATE");
        const auto held = crew.claim_some(to - from, now_us());
        check(static_cast<std::int64_t>(held.size()) == to - from, "they are not there");
        crew.commit();
        db.run("BEGIN IMMEDIATE");
        crew.settle(held, now_us());
        crew.commit();
    });
    report(name + "/commits", static_cast<double>(db.commits()) * 1000 / static_cast<double>(n), "a 1,000 jobs");
}

}  // namespace bench::durable::raw_sqlite
