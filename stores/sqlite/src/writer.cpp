#include "writer.hpp"

#include <algorithm>
#include <new>

#include <gristmill/detail/os.hpp>

namespace gm::stores::sqlite {

using jobs::store_error;
using jobs::store_fault;
using namespace std::chrono_literals;

namespace {

constexpr int checkpoint_pages = 2'000;  // 8 MB
constexpr auto hearing = 50ms;           // and so long a commit may be afloat
constexpr std::size_t most_together = 256;

class turn {
public:
    turn(side_file& at, bool entered) : at_(at) {
        if (!entered) at_.enter();
    }
    ~turn() { at_.leave(); }
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;

private:
    side_file& at_;
};

// Looks at the file before anything is put beside it.
const std::string& usable(connection& db) {
    static_cast<void>(db.number("PRAGMA schema_version"));
    if (sqlite3_db_readonly(db.handle(), "main") == 1)
        fail(store_fault::refused, db.path() + ": is read-only for this user: a store writes, even when it only looks");
    return db.path();
}

int note_pages(void* pages, sqlite3*, const char*, int count) noexcept {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
}

}  // namespace

writer::writer(const std::string& path, const sqlite_options& options,
               std::function<void(const std::set<std::string>&)> rung)
    : path_(path),
      patience_(options.patience),
      full_(options.durable == durability::full),
      rung_(std::move(rung)),
      db_(path, options.create ? connection::mode::create : connection::mode::write, options.patience),
      checkpoints_(path, connection::mode::write, options.patience),
      turnstile_(usable(db_)),
      session_(db_, options.limits),
      next_checkpoint_(checkpoint_pages) {
    open(options);
    thread_ = std::thread([this] { work(); });
}

writer::~writer() {
    {
        const std::lock_guard held(lock_);
        stopping_ = true;
    }
    asked_.notify_one();
    thread_.join();
}

void writer::open(const sqlite_options& options) {
    const turn ours(turnstile_, false);
    const fit found = fit_of(db_, ours_);
    if ((found == fit::behind || found == fit::none) && !options.migrate)
        fail(store_fault::too_old, path_ + ": its tables " +
                                       (found == fit::none ? "are not there yet" : "are of an older gristmill") +
                                       ": open it once with migration allowed");
    {
        query asking = db_.ask("PRAGMA journal_mode = WAL");
        if (!asking.step() || asking.bytes(0) != "wal")
            fail(store_fault::refused,
                 path_ + ": its file system, or who else has it open, does not allow write-ahead logging");
    }
    db_.run_script("PRAGMA cache_size = -32768");
    db_.run_script(full_ ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    checkpoints_.run_script("PRAGMA synchronous = FULL");
    if (found != fit::good && options.migrate) {
        db_.run_script("BEGIN IMMEDIATE");
        try {
            migrate(db_, ours_);
            db_.run_script("COMMIT");
        } catch (...) {
            db_.roll_back();
            throw;
        }
    }
    sqlite3_wal_hook(db_.handle(), &note_pages, &wal_pages_);
    data_version_ = db_.number("PRAGMA data_version").value_or(0);
}

void writer::begin() {
    db_.run("BEGIN IMMEDIATE");
    refuse_if_newer(db_, ours_);
}

std::optional<store_error> writer::run(operation& what) {
    bool nobody_writes = false;
    {
        const std::lock_guard held(lock_);
        if (stopping_) return store_error{store_fault::stopped, path_ + ": the store is being closed"};
        waiting_.push_back(&what);
        nobody_writes = !std::exchange(writing_, true);
    }
    if (nobody_writes) write_here();
    const auto deadline = clock::now() + patience_;
    bool patient = true;
    while (what.done_.load(std::memory_order_acquire) == 0) {
        if (!patient) {
            detail::os::wait(what.done_, 0);
        } else if (!detail::os::wait_until(what.done_, 0, deadline)) {
            patient = false;
            const std::lock_guard held(lock_);
            if (std::erase(waiting_, &what) != 0)
                return store_error{store_fault::unreachable,
                                   path_ +
                                       ": another process holds the file and does not go on: look for one that is "
                                       "stopped; then the same again will do"};
        }
    }
    return std::move(what.error_);
}

void writer::listen(bool wanted) noexcept {
    const std::lock_guard held(lock_);
    listening_ = wanted;
    asked_.notify_one();
}

sqlite_counters writer::counters() const {
    sqlite_counters now;
    now.operations = operations_.load(std::memory_order_relaxed);
    now.commits = commits_.load(std::memory_order_relaxed);
    now.unsynced = unsynced_.load(std::memory_order_relaxed);
    now.checkpoints = checkpoint_count_.load(std::memory_order_relaxed);
    const std::lock_guard held(lock_);
    now.waiting = waiting_.size();
    now.afloat = afloat_;
    return now;
}

// Where another process has its turn it is left to our thread, which may wait longer than the caller's patience.
void writer::write_here() {
    if (turnstile_.enter_if_free()) {
        commit(true);
        hear_others();
    }
    const std::lock_guard held(lock_);
    writing_ = false;
    if (!waiting_.empty() || (afloat_ && !listening_)) asked_.notify_one();
}

void writer::work() {
    detail::os::name_this_thread("gm-sqlite");
    const auto asked = [this] { return !writing_ && (stopping_ || !waiting_.empty()); };
    const auto by_time = [this] { return listening_ || afloat_; };
    std::unique_lock held(lock_);
    for (bool over = false; !over;) {
        if (by_time())
            asked_.wait_for(held, hearing, asked);
        else
            asked_.wait(held, [&] { return asked() || by_time(); });
        if (writing_) continue;
        writing_ = true;
        const bool idle = waiting_.empty();
        over = idle && stopping_;
        held.unlock();
        if (!idle)
            commit(false);
        else if (afloat_)
            sync_log();
        if (!over) hear_others();
        held.lock();
        writing_ = false;
    }
}

// What has piled up is taken only when it is our turn and the transaction has begun, so that all that came meanwhile is in it.
void writer::commit(bool our_turn) {
    std::vector<operation*> batch;
    std::set<std::string> rung;
    try {
        const turn ours(turnstile_, our_turn);
        checkpoint_if_due();
        if (doubtful_) renew_log();
        choose_sync();
        begin();
        take_more(batch, lasting_);
        run_batch(batch);
        rung = session_.rung();
    } catch (...) {
        const store_error why = error_in_hand(path_);
        db_.roll_back();
        session_.forget();
        if (batch.empty()) take_more(batch, true);
        for (operation* const each : batch) each->error_ = why;
    }
    for (operation* const each : batch)
        if (!each->error_) each->committed();
    if (!rung.empty()) rung_(rung);
    for (operation* const each : batch) finish(*each);
}

void writer::take_more(std::vector<operation*>& batch, bool lasting) {
    const std::lock_guard held(lock_);
    std::erase_if(waiting_, [&](operation* each) {
        if (batch.size() == most_together || (!lasting && !each->may_be_lost())) return false;
        batch.push_back(each);
        return true;
    });
}

// SQLite takes it before a transaction only. What may not be lost and comes just after this waits for the next one.
void writer::choose_sync() {
    if (!full_) return;
    bool needed = false;
    {
        const std::lock_guard held(lock_);
        needed = !std::ranges::all_of(waiting_, &operation::may_be_lost);
    }
    if (needed == lasting_) return;
    db_.run_script(needed ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    lasting_ = needed;
}

void writer::end() {
    try {
        db_.run("COMMIT");
    } catch (const trouble&) {
        if (sqlite3_extended_errcode(db_.handle()) == SQLITE_IOERR_FSYNC) doubtful_ = true;
        throw;
    }
    commits_.fetch_add(1, std::memory_order_relaxed);
    if (!lasting_) unsynced_.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard held(lock_);
    afloat_ = !lasting_;
}

// There is nothing to commit: the log alone, as a commit would.
void writer::sync_log() noexcept {
    sqlite3_file* log = nullptr;
    sqlite3_file_control(db_.handle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    const bool done =
        log && log->pMethods && log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY) == SQLITE_OK;
    if (!done) doubtful_ = true;
    const std::lock_guard held(lock_);
    afloat_ = false;
}

// What the system still has of the log is written to the file and synced there, and the log begins anew: behind a gap nothing would be
// found after a power cut. This kind of checkpoint holds off those who write, and waits for those who read.
void writer::renew_log() {
    const int code =
        sqlite3_wal_checkpoint_v2(checkpoints_.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    if (code == SQLITE_BUSY)
        fail(store_fault::unreachable,
             path_ +
                 ": its disk has failed, and somebody who reads for long keeps its log from being written once more: "
                 "he has to end that; then the same again will do");
    if (code != SQLITE_OK) checkpoints_.fail(code);
    doubtful_ = false;
    checkpoint_count_.fetch_add(1, std::memory_order_relaxed);
    next_checkpoint_ = checkpoint_pages;
    wal_pages_ = 0;
}

void writer::run_batch(std::vector<operation*>& batch) {
    if (!run_together(batch)) run_apart(batch);
    operations_.fetch_add(batch.size(), std::memory_order_relaxed);
}

// What comes while they run is in time for their commit, and not kept waiting for the disk twice.
bool writer::run_together(std::vector<operation*>& batch) {
    session_.begin();
    for (std::size_t next = 0; next != batch.size();) {
        if (!run_one(*batch[next])) {
            db_.roll_back();
            session_.forget();
            return batch.size() == 1;  // its error stands
        }
        if (++next == batch.size()) take_more(batch, lasting_);
    }
    session_.flush();
    end();
    return true;
}

// Once more, one by one. An error of the disk rolls everything back: then those that had gone well fail with it.
void writer::run_apart(std::vector<operation*>& batch) {
    begin();
    session_.begin();
    for (operation* const each : batch) {
        each->error_.reset();
        db_.run("SAVEPOINT one");
        if (run_one(*each)) {
            session_.flush();
        } else {
            if (!db_.in_transaction()) throw trouble{*each->error_};
            db_.run("ROLLBACK TO one");
            session_.forget();
        }
        db_.run("RELEASE one");
    }
    end();
}

bool writer::run_one(operation& what) noexcept {
    try {
        what.run(session_);
        return true;
    } catch (...) {
        what.error_ = error_in_hand(path_);
        return false;
    }
}

// The thread that waits may return, and the operation be gone, as soon as the word has changed.
void writer::finish(operation& what) noexcept {
    std::atomic<std::uint32_t>& done = what.done_;
    done.store(1, std::memory_order_release);
    detail::os::wake_one(done);
}

// The version of SQLite in Debian 12 can lose a commit of one process that falls together with a checkpoint of another. So
// nobody can commit here: our own connection holds the write transaction while the second one copies the pages.
void writer::checkpoint_if_due() noexcept {
    if (wal_pages_ < next_checkpoint_) return;
    try {
        db_.run("BEGIN IMMEDIATE");
        int in_wal = 0, copied = 0;
        const int code =
            sqlite3_wal_checkpoint_v2(checkpoints_.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
        db_.run("COMMIT");
        checkpoint_count_.fetch_add(1, std::memory_order_relaxed);
        if (code == SQLITE_IOERR_FSYNC) doubtful_ = true;
        // A reader that holds an old state, or a full disk, keeps some pages back: try again when there is more.
        next_checkpoint_ = code == SQLITE_OK && copied == in_wal ? checkpoint_pages : wal_pages_ + checkpoint_pages;
        wal_pages_ = 0;
    } catch (const trouble&) {
        db_.roll_back();
        next_checkpoint_ = wal_pages_ + checkpoint_pages;
    }
}

// The number changes when another connection has committed: another process, or the application with jobs of its own.
void writer::hear_others() noexcept {
    const auto now = clock::now();
    if (now - heard_ < hearing) return;
    heard_ = now;
    try {
        const std::int64_t version = db_.number("PRAGMA data_version").value_or(0);
        if (std::exchange(data_version_, version) != version) rung_({});
    } catch (const trouble&) {
        // Whoever asks for something next will be told.
    }
}

}  // namespace gm::stores::sqlite
