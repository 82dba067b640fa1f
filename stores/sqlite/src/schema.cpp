#include "schema.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace gm::stores::sqlite {

using jobs::store_fault;

extern const std::span<const migration> schema_files;  // made by CMake

namespace {

program& program_in_use() noexcept {
    static program one{schema_files};
    return one;
}

std::int64_t noted(connection& db, const char* name) {
    return db.number("SELECT value FROM main.gm_meta WHERE name = ?", name).value_or(0);
}

bool has_tables(connection& db) {
    return db.number("SELECT 1 FROM main.sqlite_schema WHERE name = 'gm_meta' AND type = 'table'").has_value();
}

// The first line of a step may say `-- least worker: 2`.
int least_worker_of(const migration& step) {
    constexpr std::string_view mark = "-- least worker: ";
    std::string_view text = step.sql;
    int least = 1;
    if (text.starts_with(mark)) {
        text.remove_prefix(mark.size());
        std::from_chars(text.data(), text.data() + text.size(), least);
    }
    return least;
}

// The last step that the program cannot do without: those after it only take away.
int needed_version(const program& ours) {
    int needed = 0, least = 1;
    for (const migration& step : ours.steps) {
        const int wanted = least_worker_of(step);
        if (wanted <= least) needed = step.version;
        least = std::max(least, wanted);
    }
    return needed;
}

void refuse_old(connection& db, const program& ours) {
    const std::int64_t least = noted(db, "least_worker");
    if (least > ours.version())
        fail(store_fault::too_new, db.path() + ": a newer gristmill has changed its tables (version " +
                                       std::to_string(noted(db, "version")) + ", for programs from " +
                                       std::to_string(least) + "; this one is " + std::to_string(ours.version()) +
                                       "): use that one");
}

}  // namespace

const program& this_program() noexcept { return program_in_use(); }
void be(const program& another) noexcept { program_in_use() = another; }

fit fit_of(connection& db, const program& ours) {
    if (!has_tables(db)) return fit::none;
    refuse_old(db, ours);
    const std::int64_t version = noted(db, "version");
    if (version >= ours.version()) return fit::good;
    return version >= needed_version(ours) ? fit::loose : fit::behind;
}

void refuse_if_newer(connection& db, const program& ours) {
    const std::int64_t tables = db.number("PRAGMA main.schema_version").value_or(0);
    if (tables == db.known_tables) return;
    refuse_old(db, ours);
    db.known_tables = tables;
}

void migrate(connection& db, const program& ours) {
    for (const migration& step : ours.steps) {
        const bool any = has_tables(db);
        if (any && noted(db, "version") >= step.version) continue;
        const int least = least_worker_of(step);
        if (any && least > noted(db, "least_worker") &&
            db.number("SELECT 1 FROM gm_workers WHERE version < ? LIMIT 1", least)) {
            if (step.version > needed_version(ours)) return;  // a later opening will find them gone
            fail(store_fault::too_old, db.path() +
                                           ": workers of older programs have it open, for which the migration " +
                                           step.name + " waits: stop them");
        }
        db.run_script(step.sql);
        db.run("UPDATE gm_meta SET value = ? WHERE name = 'version'", step.version);
        db.run("UPDATE gm_meta SET value = ? WHERE name = 'least_worker' AND value < ?1", least);
    }
}

}  // namespace gm::stores::sqlite
