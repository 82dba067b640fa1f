#include "program/journal/journal_file.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "stores/sqlite/src/connection.hpp"

namespace gm::program {

namespace {

using stores::sqlite::blob;
using stores::sqlite::connection;
using stores::sqlite::query;
using stores::sqlite::trouble;

constexpr std::int64_t application = 0x676d6a31;  // "gmj1": what the file says that it is
constexpr std::int64_t version = 2;
constexpr int pages_before_checkpoint = 1000;  // of the write-ahead log
constexpr auto patience_of_a_new_run = std::chrono::seconds(10);
constexpr auto patience_with_a_glance = std::chrono::milliseconds(50);  // as long as somebody's --list takes
constexpr unsigned lines_at_a_time = 128;                               // they come with their arguments
constexpr std::size_t rows_at_a_time = 32;                              // of an INSERT

constexpr const char* from_1_to_2 = "ALTER TABLE line ADD COLUMN worker INTEGER; PRAGMA user_version = 2";

constexpr const char* tables = R"(
    CREATE TABLE run (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        words BLOB NOT NULL, command BLOB NOT NULL, directory BLOB NOT NULL, started_in BLOB NOT NULL,
        names BLOB NOT NULL, started INTEGER NOT NULL,
        lines INTEGER NOT NULL DEFAULT 0, succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,
        jobs INTEGER NOT NULL DEFAULT 0, input_ended INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE line (
        number INTEGER PRIMARY KEY, identity BLOB NOT NULL, arguments BLOB NOT NULL,
        state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
        job INTEGER, status INTEGER, started INTEGER, runtime INTEGER, worker INTEGER
    ) STRICT;
    CREATE TABLE running (
        job INTEGER PRIMARY KEY, boot TEXT NOT NULL, pid INTEGER NOT NULL, started INTEGER NOT NULL
    ) STRICT;
)";

const std::string& boot_id() {
    static const std::string id = [] {
        std::string text;
        std::ifstream("/proc/sys/kernel/random/boot_id") >> text;
        return text;
    }();
    return id;
}

blob bytes_of(const line_identity& who) { return {{reinterpret_cast<const char*>(who.hash.data()), sizeof(who.hash)}}; }

line_identity identity_in(std::string_view bytes) {
    line_identity who;
    if (bytes.size() == sizeof(who.hash)) bytes.copy(reinterpret_cast<char*>(who.hash.data()), bytes.size());
    return who;
}

// Where the exceptions of the store's connection become values.
template <class F>
auto guarded(F&& body) -> result<decltype(body()), std::string> {
    try {
        return body();
    } catch (const trouble& why) {
        return failure(why.error.what);
    } catch (const std::exception& why) {
        return failure(std::string(why.what()));
    }
}

template <class F>
std::optional<std::string> error_of(F&& body) {
    auto done = guarded([&] {
        body();
        return true;
    });
    return done ? std::nullopt : std::optional(std::move(done).error());
}

}  // namespace

std::string packed(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) (all += word) += '\0';
    return all;
}

std::vector<std::string> unpacked(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t end; (end = text.find('\0')) != std::string_view::npos; text.remove_prefix(end + 1))
        words.emplace_back(text.substr(0, end));
    return words;
}

journal_file::journal_file(const std::string& path, std::chrono::milliseconds patience)
    : db_(std::make_unique<connection>(path, connection::mode::write, patience)), version_(version) {}

journal_file::~journal_file() = default;

// From here on the file is ours until we close it. Its first access locks it.
void journal_file::lock_file() {
    db_->run_script("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL");
    db_->run_script("PRAGMA journal_mode = WAL");
    sqlite3_wal_autocheckpoint(db_->handle(), pages_before_checkpoint);
    db_->run_script("BEGIN EXCLUSIVE; COMMIT");
}

void journal_file::make_tables() {
    db_->run_script("BEGIN IMMEDIATE");
    db_->run_script(tables);
    db_->run_script(("PRAGMA application_id = " + std::to_string(application)).c_str());
    db_->run_script(("PRAGMA user_version = " + std::to_string(version)).c_str());
    put_facts();
    db_->run_script("COMMIT");
}

// False: nothing is in it.
bool journal_file::check_tables() {
    if (!db_->number("SELECT 1 FROM sqlite_schema")) return false;
    const auto kind = db_->number("PRAGMA application_id").value_or(0);
    const auto found = db_->number("PRAGMA user_version").value_or(0);
    if (kind == application && found > version)
        stores::sqlite::fail(jobs::store_fault::too_new,
                             db_->path() + ": was written by a newer gristmill (version " + std::to_string(found) +
                                 " of its journals; this one knows " + std::to_string(version) + "): use that one");
    if (kind != application || found < 1)
        stores::sqlite::fail(jobs::store_fault::damaged, db_->path() + ": is no journal of gristmill run");
    version_ = found;
    return true;
}

result<std::unique_ptr<journal_file>, journal_error> journal_file::begin(const std::string& path,
                                                                         const run_facts& facts) {
    auto made = guarded([&] {
        std::unique_ptr<journal_file> one(new journal_file(path, patience_of_a_new_run));
        one->lock_file();
        one->facts_ = facts;
        one->make_tables();
        return one;
    });
    if (!made) return failure(journal_error{.what = std::move(made).error()});
    return std::move(*made);
}

result<std::unique_ptr<journal_file>, journal_error> journal_file::open(const std::string& path) {
    // Whoever has just made it has not locked it yet, and is not to be disturbed.
    struct stat about{};
    bool is_empty = ::stat(path.c_str(), &about) == 0 && about.st_size == 0;
    std::unique_ptr<journal_file> one;
    const auto failed = error_of([&] {
        if (is_empty) return;
        one.reset(new journal_file(path, patience_with_a_glance));
        one->lock_file();
        is_empty = !one->check_tables();
        if (!is_empty) one->read_facts();
    });
    if (is_empty) return failure(journal_error{journal_error::empty, path + ": nothing is in it yet"});
    if (!failed) return one;
    const bool is_busy = one && (sqlite3_errcode(one->db_->handle()) & 0xff) == SQLITE_BUSY;
    return failure(journal_error{is_busy ? journal_error::busy : journal_error::unusable, *failed});
}

void journal_file::put_facts() {
    const std::string words = packed(facts_.words), names = packed(facts_.names);
    db_->run("INSERT INTO run (id, words, command, directory, started_in, names, started) VALUES (1, ?, ?, ?, ?, ?, ?)",
             blob{words}, blob{facts_.command}, blob{facts_.directory}, blob{facts_.started_in}, blob{names},
             facts_.started);
}

void journal_file::read_facts() {
    query row = db_->ask(
        "SELECT words, command, directory, started_in, names, started, lines, succeeded, failed, jobs, input_ended "
        "FROM run");
    if (!row.step()) stores::sqlite::fail(jobs::store_fault::damaged, db_->path() + ": does not say what run it is of");
    const auto count = [&](int column) { return static_cast<std::uint64_t>(row.integer(column)); };
    facts_ = {.words = unpacked(row.bytes(0)),
              .command = row.text(1),
              .directory = row.text(2),
              .started_in = row.text(3),
              .names = unpacked(row.bytes(4)),
              .started = row.integer(5),
              .lines = count(6),
              .succeeded = count(7),
              .failed = count(8),
              .jobs = count(9),
              .input_ended = row.integer(10) != 0};
}

void journal_file::bring_up_to_date() {
    if (version_ < 2) db_->run_script(from_1_to_2);
}

std::optional<std::string> journal_file::write(const journal_batch& batch) {
    const run_facts before = facts_;
    auto failed = error_of([&] {
        db_->run("BEGIN IMMEDIATE");
        bring_up_to_date();
        put(batch);
        db_->run("COMMIT");
    });
    if (!failed) {
        version_ = version;
        return std::nullopt;
    }
    db_->roll_back();
    facts_ = before;
    return failed;
}

// A line whose end comes with it is written once, as it is then. Those that follow one another, and were written before, are changed
// together: a command of a thousand of them (-n) ends by one statement.
void journal_file::put(const journal_batch& batch) {
    const std::uint64_t first_new = batch.lines.empty() ? facts_.lines + 1 : batch.lines.front().number;
    std::vector<const ended_lines*> ends(batch.lines.size());  // of the new lines; null: none yet
    for (const ended_lines& one : batch.ended)
        for (auto first = one.lines.begin(); first != one.lines.end();) {
            auto last = first;
            while (last + 1 != one.lines.end() && last[1] == *last + 1 && last[1] != first_new) ++last;
            const std::uint64_t count = *last - *first + 1;
            if (*first >= first_new)
                std::fill_n(ends.begin() + static_cast<std::ptrdiff_t>(*first - first_new), count, &one);
            else
                put_end(one, *first, *last);
            (one.how == line_state::succeeded ? facts_.succeeded : facts_.failed) += count;
            first = last + 1;
        }
    put_lines(batch.lines, ends);
    for (const std::uint64_t job : batch.gone) db_->run("DELETE FROM running WHERE job = ?", job);
    for (const running_command& one : batch.running)
        db_->run("INSERT OR REPLACE INTO running (job, boot, pid, started) VALUES (?, ?, ?, ?)", one.job, boot_id(),
                 one.pid, one.started);
    facts_.lines += batch.lines.size();
    facts_.jobs = std::max(facts_.jobs, batch.highest_job);
    facts_.input_ended = facts_.input_ended || batch.input_ended;
    db_->run("UPDATE run SET lines = ?, succeeded = ?, failed = ?, jobs = ?, input_ended = ?", facts_.lines,
             facts_.succeeded, facts_.failed, facts_.jobs, static_cast<int>(facts_.input_ended));
}

namespace {

std::string insert_of(std::size_t rows) {
    std::string text =
        "INSERT INTO line (number, identity, arguments, state, job, status, started, runtime, worker) VALUES ";
    for (std::size_t i = 0; i < rows; ++i)
        text += i == 0 ? "(?, ?, ?, ?, ?, ?, ?, ?, ?)" : ", (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    return text;
}

void bind_line(query& into, const new_line& one, const ended_lines* end) {
    into.bind_next(one.number);
    into.bind_next(bytes_of(one.who));
    into.bind_next(blob{one.arguments});
    into.bind_next(static_cast<int>(end ? end->how : line_state::waiting));
    if (!end) {
        for (int column = 0; column < 5; ++column) into.bind_next(std::nullopt);
        return;
    }
    into.bind_next(end->job);
    into.bind_next(end->status);
    into.bind_next(end->started);
    into.bind_next(end->runtime);
    into.bind_next(end->worker);
}

}  // namespace

// Many rows to a statement: a row on its own costs more than twice as much, most of it to begin and to end the statement.
void journal_file::put_lines(const std::vector<new_line>& fresh, const std::vector<const ended_lines*>& ends) {
    for (std::size_t i = 0; i < fresh.size();) {
        const std::size_t rows = fresh.size() - i < rows_at_a_time ? 1 : rows_at_a_time;
        query insert = db_->ask(db_->kept(insert_of(rows)));
        for (const std::size_t end = i + rows; i != end; ++i) bind_line(insert, fresh[i], ends[i]);
        (void)insert.step();
    }
}

// Of lines that are in the file. One that had failed, and was run again, is counted anew.
void journal_file::put_end(const ended_lines& one, std::uint64_t first, std::uint64_t last) {
    if (facts_.failed != 0)
        facts_.failed -= static_cast<std::uint64_t>(
            db_->number("SELECT count(*) FROM line WHERE number BETWEEN ? AND ? AND state = ?", first, last,
                        static_cast<int>(line_state::failed))
                .value_or(0));
    db_->run(
        "UPDATE line SET state = ?, job = ?, status = ?, started = ?, runtime = ?, worker = ? "
        "WHERE number BETWEEN ? AND ?",
        static_cast<int>(one.how), one.job, one.status, one.started, one.runtime, one.worker, first, last);
}

result<std::vector<running_command>, std::string> journal_file::left_running() {
    return guarded([&] {
        std::vector<running_command> all;
        query row = db_->ask("SELECT job, pid, started FROM running WHERE boot = ? ORDER BY job", boot_id());
        while (row.step())
            all.push_back({static_cast<std::uint64_t>(row.integer(0)), static_cast<pid_t>(row.integer(1)),
                           static_cast<unsigned long long>(row.integer(2))});
        return all;
    });
}

std::optional<std::string> journal_file::forget_running() {
    return error_of([&] { db_->run("DELETE FROM running"); });
}

namespace {

journal_file::known_line line_in(const query& row) {
    return {.number = static_cast<std::uint64_t>(row.integer(0)),
            .state = static_cast<line_state>(row.integer(1)),
            .who = identity_in(row.bytes(2))};
}

}  // namespace

journal_file::lines journal_file::lines_to_run(std::uint64_t number, bool waiting, bool failed) {
    return guarded([&] {
        std::vector<known_line> all;
        query row = db_->ask(
            "SELECT number, state, identity, arguments FROM line "
            "WHERE number > ? AND (state = 0 AND ? OR state = 2 AND ?) ORDER BY number LIMIT ?",
            number, static_cast<int>(waiting), static_cast<int>(failed), lines_at_a_time);
        while (row.step()) {
            all.push_back(line_in(row));
            all.back().arguments = row.text(3);
        }
        return all;
    });
}

journal_file::lines journal_file::lines_after(std::uint64_t number, std::uint64_t last, unsigned most) {
    return guarded([&] {
        std::vector<known_line> all;
        query row = db_->ask(
            "SELECT number, state, identity FROM line WHERE number > ? AND number <= ? ORDER BY number LIMIT ?", number,
            last, most);
        while (row.step()) all.push_back(line_in(row));
        return all;
    });
}

// The lines of one job have one end, so what the first of them says holds for all.
std::optional<std::string> journal_file::each_ended(bool with_arguments, const std::function<void(ended_job&&)>& tell) {
    return error_of([&] {
        query row = db_->ask(db_->kept("SELECT job, state, status, " + std::string(version_ < 2 ? "0" : "worker") +
                                       ", started, runtime, " + (with_arguments ? "arguments" : "x''") +
                                       " FROM line WHERE state <> 0 ORDER BY job, number"));
        std::optional<ended_job> now;
        while (row.step()) {
            const auto job = static_cast<std::uint64_t>(row.integer(0));
            if (now && now->job != job) tell(std::move(*std::exchange(now, std::nullopt)));
            if (!now)
                now = ended_job{.job = job,
                                .how = static_cast<line_state>(row.integer(1)),
                                .status = static_cast<int>(row.integer(2)),
                                .worker = static_cast<unsigned>(row.integer(3)),
                                .started = row.integer(4),
                                .runtime = row.integer(5)};
            std::ranges::move(unpacked(row.bytes(6)), std::back_inserter(now->arguments));
        }
        if (now) tell(std::move(*now));
    });
}

std::optional<std::string> journal_file::index_lines() {
    return error_of([&] {
        db_->run_script(
            "CREATE INDEX IF NOT EXISTS line_identity ON line (identity);"
            "CREATE TEMP TABLE taken (identity BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID");
    });
}

result<std::optional<journal_file::known_line>, std::string> journal_file::take(const line_identity& who,
                                                                                std::uint64_t number,
                                                                                std::uint64_t last) {
    return guarded([&]() -> std::optional<known_line> {
        const auto taken = db_->number("SELECT number FROM temp.taken WHERE identity = ?", bytes_of(who));
        const auto after = std::max(number, static_cast<std::uint64_t>(taken.value_or(0)));
        query row = db_->ask(
            "SELECT number, state, identity FROM line WHERE identity = ? AND number > ? AND number <= ? "
            "ORDER BY number LIMIT 1",
            bytes_of(who), after, last);
        if (!row.step()) return std::nullopt;
        known_line found = line_in(row);
        db_->run("INSERT OR REPLACE INTO temp.taken (identity, number) VALUES (?, ?)", bytes_of(who), found.number);
        return found;
    });
}

}  // namespace gm::program
