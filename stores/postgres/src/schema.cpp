#include "schema.hpp"

#include <algorithm>
#include <string>

#include "migrations.hpp"

namespace gm::stores::pg {

namespace {

struct version {
    std::int64_t schema = 0, least_worker = 0;  // 0: there is none
};

std::int64_t number_in_text(const rows& from, int row, int column) { return std::stoll(from.text(row, column)); }

// Answers of command() are in SQL's text.
outcome<version> look_up(connection& on, const settings& how) {
    // Read from the catalogue itself: to_regclass would answer from a cache, which a wait for the lock below does not refresh.
    auto there = on.command(
        "select count(*) > 0 from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where n.nspname = '" +
        how.schema + "' and c.relname = 'meta'");
    if (!there) return failure(std::move(there).error());
    if (there->back().text(0, 0) != "t") return version{};
    auto found = on.command("select max(version), max(least_worker) from " + how.schema + ".meta");
    if (!found) return failure(std::move(found).error());
    if (found->back().is_null(0, 0)) return version{};
    return version{number_in_text(found->back(), 0, 0), number_in_text(found->back(), 0, 1)};
}

// The first line of a file may say `-- least worker: 2`.
std::int64_t least_worker_of(std::string_view text) {
    constexpr std::string_view mark = "-- least worker: ";
    return text.starts_with(mark) ? std::stoll(std::string(text.substr(mark.size(), 10))) : 1;
}

// One version further, if it still is what it was; whoever came first has done it then.
std::optional<fault> step(connection& on, const settings& how, std::int64_t to) {
    const migration& file = migrations()[static_cast<std::size_t>(to - 1)];
    const auto run = [&]() -> std::optional<fault> {
        // The lock ends with the transaction, so it holds behind a pooler too.
        auto begun =
            on.command("begin; select pg_advisory_xact_lock(hashtext('gristmill migrates " + how.schema + "'))");
        if (!begun) return std::move(begun).error();
        auto now = look_up(on, how);
        if (!now) return std::move(now).error();
        if (now->schema >= to) return std::nullopt;
        if (to == 1)
            if (auto made = on.command("create schema if not exists " + how.schema); !made)
                return std::move(made).error();
        auto done = on.command("set local search_path to " + how.schema + ", pg_temp; " + std::string(file.text));
        if (!done) return std::move(done).error();
        auto noted =
            on.command("insert into " + how.schema + ".meta (version, least_worker) values (" + std::to_string(to) +
                       ", " + std::to_string(std::max(now->least_worker, least_worker_of(file.text))) + ")");
        if (!noted) return std::move(noted).error();
        return std::nullopt;
    };
    std::optional<fault> why = run();
    if (why && why->lost) return why;
    auto ended = on.command(why ? "rollback" : "commit");
    if (why) {
        why->error.what += " (in the migration " + std::string(file.name) + ")";
        return why;
    }
    if (!ended) return std::move(ended).error();
    return std::nullopt;
}

fault wrong_version(jobs::store_fault which, const settings& how, const std::string& what) {
    return {.error = {which, how.name + ": the schema " + how.schema + " " + what}};
}

}  // namespace

bool is_schema_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 40 && !(name[0] >= '0' && name[0] <= '9') && !name.starts_with("pg_") &&
           std::ranges::all_of(name,
                               [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::optional<fault> prepare_schema(line& on, const settings& how, bool migrate) {
    auto open = on.open();
    if (!open) return std::move(open).error();
    auto found = look_up(**open, how);
    if (!found) return std::move(found).error();
    if (found->least_worker > worker_version)
        return wrong_version(jobs::store_fault::too_new, how,
                             "is for workers of version " + std::to_string(found->least_worker) +
                                 " and up, this is version " + std::to_string(worker_version) +
                                 ": update this program");
    const auto newest = static_cast<std::int64_t>(migrations().size());
    if (found->schema < newest && !migrate)
        return wrong_version(jobs::store_fault::too_old, how,
                             "has version " + std::to_string(found->schema) + ", this program needs " +
                                 std::to_string(newest) + ": migrate it");
    for (std::int64_t to = found->schema + 1; to <= newest; ++to)
        if (auto why = step(**open, how, to)) return why;
    return std::nullopt;
}

}  // namespace gm::stores::pg
