// A job that is put in by the transaction that it belongs to: the order and its confirmation are stored together or not at all. The
// application keeps its own tables in the same SQLite file.
#include <cstdio>
#include <string>

#include <sqlite3.h>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/sqlite.hpp>

#include "support/scratch_folder.hpp"

namespace {

void run(sqlite3* db, const std::string& sql) {
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        std::printf("%s\n", sqlite3_errmsg(db));
        std::exit(1);
    }
}

void place_order(sqlite3* db, int number, bool change_of_mind) {
    run(db, "BEGIN IMMEDIATE");
    run(db, "INSERT INTO orders VALUES (" + std::to_string(number) + ")");
    const gm::jobs::new_job job{.kind = "order.confirm", .arguments = {std::to_string(number), {}}};
    const auto put = gm::stores::insert_sqlite(db, {&job, 1});
    run(db, put && !change_of_mind ? "COMMIT" : "ROLLBACK");
}

}  // namespace

int main() {
    const scratch_folder folder;
    const std::string path = folder.path() + "/shop.db";
    const auto store = gm::stores::open_sqlite(path).value();  // makes its tables

    sqlite3* db = nullptr;
    if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) return 1;
    sqlite3_busy_timeout(db, 5000);
    run(db, "CREATE TABLE orders (number INTEGER)");
    place_order(db, 17, false);
    place_order(db, 18, true);  // neither the order nor its job
    place_order(db, 19, false);
    sqlite3_close(db);

    gm::jobs::registry kinds;
    kinds.add<int>("order.confirm", [](int number) { std::printf("order %d is confirmed\n", number); });
    const auto report = gm::jobs::runner(*store, kinds, {.workers = 1, .until_idle = true}).run();
    std::printf("%d completed\n", static_cast<int>(report.counts.completed));
}
