#include "connection.hpp"

#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <thread>
#include <utility>

namespace gm::stores::sqlite {

using jobs::store_error;
using jobs::store_fault;

void fail(store_fault fault, std::string what) { throw trouble{{fault, std::move(what)}}; }

store_error error_in_hand(const std::string& path) {
    try {
        throw;
    } catch (const trouble& why) {
        return why.error;
    } catch (const std::bad_alloc&) {
        return {store_fault::unreachable, path + ": out of memory"};
    } catch (const std::exception& why) {
        return {store_fault::unreachable, path + ": " + why.what()};
    }
}

bool query::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    of_.fail(sqlite3_extended_errcode(of_.handle()));
}

connection::connection(std::string path, mode how, std::chrono::milliseconds patience)
    : path_(std::move(path)), owned_(true), patience_(patience) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                      (how == mode::create ? SQLITE_OPEN_CREATE : 0);
    const int code = sqlite3_open_v2(path_.c_str(), &handle_, flags, nullptr);
    if (code != SQLITE_OK) {
        const store_error error = explain(code);
        sqlite3_close(handle_);
        throw trouble{error};
    }
    sqlite3_busy_handler(handle_, &wait_for_lock, this);
    sqlite3_wal_autocheckpoint(handle_, 0);
    // Debian's library overwrites deleted rows with zeros by default: each finished job would cost that.
    run_script("PRAGMA secure_delete = OFF; PRAGMA trusted_schema = OFF");
    if (how == mode::read) run_script("PRAGMA query_only = ON");
}

connection::connection(sqlite3* handle) : handle_(handle), owned_(false) {
    if (const char* const name = sqlite3_db_filename(handle, "main")) path_ = name;
}

connection::~connection() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    if (owned_) sqlite3_close(handle_);
}

sqlite3_stmt* connection::prepared(const char* sql) {
    sqlite3_stmt*& place = statements_[sql];
    if (!place) {
        const int code = sqlite3_prepare_v3(handle_, sql, -1, owned_ ? SQLITE_PREPARE_PERSISTENT : 0U, &place, nullptr);
        if (code != SQLITE_OK) fail(sqlite3_extended_errcode(handle_));
    }
    return place;
}

void connection::run_script(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sqlite3_extended_errcode(handle_));
}

void connection::roll_back() noexcept {
    if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

// SQLite's own handler sleeps for up to 100 ms at a time. We get here only when somebody who is not in our turnstile writes:
// the application itself, with jobs in its transaction.
int connection::wait_for_lock(void* self, int tries) noexcept {
    auto* const me = static_cast<connection*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (tries == 0) me->waiting_since_ = now;
    if (now - me->waiting_since_ >= me->patience_) return 0;
    std::this_thread::sleep_for(std::chrono::microseconds(tries < 10 ? 100 : 2000));
    return 1;
}

namespace {

store_error of_the_disk(const std::string& path, int code, int system, const char* said) {
    if (system == ENOSPC || system == EDQUOT)
        return {store_fault::full, path + ": no room on its file system: free some, then the same again will do"};
    if (code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA)
        return {store_fault::damaged, path + ": " + said + ": restore it from a backup"};
    return {store_fault::unreachable, path + ": " + said +
                                          (system ? std::string(" (") + std::strerror(system) + ")" : "") +
                                          ": look after the disk it is on"};
}

}  // namespace

store_error connection::explain(int code) const {
    const char* const said = handle_ ? sqlite3_errmsg(handle_) : sqlite3_errstr(code);
    const int system = handle_ ? sqlite3_system_errno(handle_) : 0;
    switch (code & 0xff) {
        case SQLITE_NOMEM: throw std::bad_alloc();
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:
            return {store_fault::unreachable,
                    path_ +
                        ": another program has kept a write transaction open for too long: it "
                        "has to end it; then the same again will do"};
        case SQLITE_FULL:
            return {store_fault::full,
                    path_ +
                        ": the disk is full, or the file has reached its allowed size: free some room, "
                        "then the same again will do"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return {store_fault::refused,
                    path_ + ": " + said + ": the file and its directory have to be writable for this user"};
        case SQLITE_CANTOPEN:
            return {store_fault::refused, path_ + ": " + said +
                                              (system ? std::string(" (") + std::strerror(system) + ")" : "") +
                                              ": look at its directory, and the rights there"};
        case SQLITE_CORRUPT:
            return {store_fault::damaged, path_ + ": " + said +
                                              ": restore it from a backup, or save what `.recover` of the "
                                              "sqlite3 program finds"};
        case SQLITE_NOTADB:
            return {store_fault::damaged, path_ + ": is no SQLite database: name another file, or move it away"};
        case SQLITE_IOERR: return of_the_disk(path_, code, system, said);
        case SQLITE_TOOBIG: return {store_fault::invalid, path_ + ": too big for SQLite: " + said};
        default: return {store_fault::damaged, path_ + ": " + said + ": its tables are not as gristmill left them"};
    }
}

}  // namespace gm::stores::sqlite
