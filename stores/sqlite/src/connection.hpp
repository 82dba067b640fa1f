#pragma once
// One connection to the file and its prepared statements. Used by one thread at a time.
//
// Inside the store, and nowhere outside, a failure of SQLite is the exception `trouble`: it passes through code that is all
// about jobs, and becomes a value again where an operation ends (writer.cpp, store.cpp).

#include <sqlite3.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include <gristmill/jobs/store_error.hpp>

namespace gm::stores::sqlite {

struct trouble {
    jobs::store_error error;
};

[[noreturn]] void fail(jobs::store_fault fault, std::string what);

// The exception that is being handled, as a value.
// requires: called in a handler.
jobs::store_error error_in_hand(const std::string& path);

// Bytes that are bound as a BLOB; a string_view is bound as TEXT. Neither is copied: it lives until the query is over.
struct blob {
    std::string_view bytes;
};

class connection;

// A statement that runs: bound on construction, stepped row by row, reset at its end.
class query {
public:
    query(const query&) = delete;
    query& operator=(const query&) = delete;
    ~query() { sqlite3_reset(statement_); }

    // Whether there is one more row.
    bool step();

    // Binds the value of one more place, where their number is not known before.
    template <class Value>
    void bind_next(const Value& value) {
        bind(++bound_, value);
    }

    bool is_null(int column) const noexcept { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
    std::int64_t integer(int column) const noexcept { return sqlite3_column_int64(statement_, column); }
    double real(int column) const noexcept { return sqlite3_column_double(statement_, column); }
    // TEXT or BLOB; empty where it is NULL. Gone at the next step.
    std::string_view bytes(int column) const noexcept {
        const void* const data = sqlite3_column_blob(statement_, column);
        return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    std::string text(int column) const { return std::string(bytes(column)); }

private:
    friend class connection;
    template <class... Values>
    query(connection& of, sqlite3_stmt* statement, const Values&... values) : of_(of), statement_(statement) {
        (bind(++bound_, values), ...);
    }

    void bind(int place, std::integral auto value) noexcept {
        sqlite3_bind_int64(statement_, place, static_cast<std::int64_t>(value));
    }
    void bind(int place, double value) noexcept { sqlite3_bind_double(statement_, place, value); }
    void bind(int place, std::string_view value) noexcept {
        sqlite3_bind_text64(statement_, place, value.data() ? value.data() : "", value.size(), SQLITE_STATIC,
                            SQLITE_UTF8);
    }
    void bind(int place, const std::string& value) noexcept { bind(place, std::string_view(value)); }
    void bind(int place, const char* value) noexcept { bind(place, std::string_view(value)); }
    void bind(int place, blob value) noexcept {
        sqlite3_bind_blob64(statement_, place, value.bytes.data() ? value.bytes.data() : "", value.bytes.size(),
                            SQLITE_STATIC);
    }
    void bind(int place, std::nullopt_t) noexcept { sqlite3_bind_null(statement_, place); }
    template <class T>
    void bind(int place, const std::optional<T>& value) noexcept {
        if (value)
            bind(place, *value);
        else
            bind(place, std::nullopt);
    }

    connection& of_;
    sqlite3_stmt* const statement_;
    int bound_ = 0;
};

class connection {
public:
    enum class mode : std::uint8_t { create, write, read };

    // Opens the file. `patience` is how long a statement waits for a lock that others hold.
    connection(std::string path, mode how, std::chrono::milliseconds patience);
    // Borrows the application's own.
    explicit connection(sqlite3* handle);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    // `sql` is a literal: it is prepared once and found again by its address.
    template <class... Values>
    query ask(const char* sql, const Values&... values) {
        return query(*this, prepared(sql), values...);
    }
    // The address of SQL that is put together at run time, of literals alone: there are few such texts, and each is kept.
    const char* kept(const std::string& sql) { return texts_.insert(sql).first->c_str(); }
    // Several statements, run once.
    void run_script(const char* sql);

    // How many rows it changed.
    template <class... Values>
    std::int64_t run(const char* sql, const Values&... values) {
        query running(*this, prepared(sql), values...);
        while (running.step()) {
        }
        return sqlite3_changes64(handle_);
    }
    // The first column of the first row; none if there is no row or it is NULL.
    template <class... Values>
    std::optional<std::int64_t> number(const char* sql, const Values&... values) {
        query asking(*this, prepared(sql), values...);
        if (!asking.step() || asking.is_null(0)) return std::nullopt;
        return asking.integer(0);
    }

    bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }
    // Also where SQLite has done it by itself, after an error of the disk.
    void roll_back() noexcept;

    // SQLite's count of changes to tables, as of the last look whether they are still for this program (schema.hpp).
    std::int64_t known_tables = -1;

    sqlite3* handle() const noexcept { return handle_; }
    const std::string& path() const noexcept { return path_; }

    // What SQLite's result code means to a program and to a person.
    jobs::store_error explain(int code) const;
    [[noreturn]] void fail(int code) const { throw trouble{explain(code)}; }

private:
    sqlite3_stmt* prepared(const char* sql);
    static int wait_for_lock(void* self, int tries) noexcept;

    std::string path_;
    sqlite3* handle_ = nullptr;
    const bool owned_;
    std::chrono::milliseconds patience_{};
    std::chrono::steady_clock::time_point waiting_since_{};
    std::set<std::string> texts_;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by address: no text is compared
};

}  // namespace gm::stores::sqlite
