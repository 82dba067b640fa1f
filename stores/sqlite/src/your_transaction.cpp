// Inserting on the application's own connection.
#include "insert.hpp"
#include "schema.hpp"

namespace gm::stores {

namespace {

using namespace sqlite;
using jobs::store_fault;

// What is done within is done as a whole: in a savepoint of the application's transaction, or in a transaction of its own.
class scope {
public:
    explicit scope(connection& db) : db_(db), own_(!db.in_transaction()) {
        db_.run_script(own_ ? "BEGIN IMMEDIATE" : "SAVEPOINT gm_insert");
    }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope() {
        if (done_) return;
        if (own_)
            db_.roll_back();
        else if (db_.in_transaction())
            sqlite3_exec(db_.handle(), "ROLLBACK TO gm_insert; RELEASE gm_insert", nullptr, nullptr, nullptr);
    }
    void finish() {
        db_.run_script(own_ ? "COMMIT" : "RELEASE gm_insert");
        done_ = true;
    }

private:
    connection& db_;
    const bool own_;
    bool done_ = false;
};

// Our tables have to be those of its main file: a transaction over several attached files is not whole after a power cut.
void refuse_strangers(connection& db) {
    switch (fit_of(db, this_program())) {
        case fit::good:
        case fit::loose: return;
        case fit::behind:
            sqlite::fail(store_fault::too_old,
                         db.path() + ": its tables are of an older gristmill: open it as a store once");
        case fit::none:
            sqlite::fail(store_fault::missing,
                         db.path() + ": is no store: the handle's main database has to be one (not an attached one)");
    }
}

}  // namespace

result<std::vector<jobs::published>, jobs::store_error> insert_sqlite(sqlite3* handle,
                                                                      std::span<const jobs::new_job> jobs,
                                                                      const jobs::size_limits& limits) {
    connection db(handle);
    try {
        refuse_faults(jobs, limits);
        refuse_strangers(db);
        sqlite3_wal_autocheckpoint(handle, 0);
        scope whole(db);
        session in(db, limits);
        in.begin();
        std::vector<jobs::published> made = insert(in, jobs);
        in.flush();
        whole.finish();
        return made;
    } catch (...) {
        return failure(error_in_hand(db.path()));
    }
}

}  // namespace gm::stores
