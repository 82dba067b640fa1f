#include "schema.hpp"

#include <string>

namespace gm::stores::sqlite {

using jobs::store_fault;

namespace {

std::int64_t version_in(connection& db) {
    return db.number("SELECT value FROM main.gm_meta WHERE name = 'version'").value_or(0);
}

bool has_tables(connection& db) {
    return db.number("SELECT 1 FROM main.sqlite_schema WHERE name = 'gm_meta' AND type = 'table'").has_value();
}

}  // namespace

fit fit_of(connection& db) {
    const int ours = migrations.back().version;
    if (!has_tables(db)) return fit::none;
    const std::int64_t version = version_in(db);
    const std::int64_t least = db.number("SELECT value FROM main.gm_meta WHERE name = 'least_worker'").value_or(0);
    if (least > ours)
        fail(store_fault::too_new, db.path() + ": a newer gristmill has changed its tables (version " +
                                       std::to_string(version) + ", for programs from " + std::to_string(least) +
                                       "; this one is " + std::to_string(ours) + "): use that one");
    return version < ours ? fit::behind : fit::good;
}

void migrate(connection& db) {
    const std::int64_t version = has_tables(db) ? version_in(db) : 0;
    for (const migration& each : migrations)
        if (each.version > version) db.run_script(each.sql);
    db.run("UPDATE gm_meta SET value = ? WHERE name = 'version' AND value < ?1", migrations.back().version);
    db.run("UPDATE gm_meta SET value = ? WHERE name = 'least_worker' AND value < ?1", least_worker);
}

}  // namespace gm::stores::sqlite
