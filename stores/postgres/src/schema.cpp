#include "schema.hpp"

#include <algorithm>
#include <string>

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

// As many of the steps as the program cannot do without: what comes after them only takes away.
std::int64_t needed_steps(const program& ours) {
    std::int64_t needed = 0, least = 1;
    for (std::size_t i = 0; i < ours.steps.size(); ++i) {
        const std::int64_t wanted = least_worker_of(ours.steps[i].text);
        if (wanted <= least) needed = static_cast<std::int64_t>(i) + 1;
        least = std::max(least, wanted);
    }
    return needed;
}

enum class stepped : std::uint8_t { yes, waits };  // waits: for the workers of older programs

// Whether workers are left that the schema would be no longer for. Others cannot sign on until the transaction ends.
outcome<bool> old_workers_are_left(connection& on, const settings& how, std::int64_t least) {
    auto found = on.command("lock table " + how.schema + ".worker in share row exclusive mode; select count(*) from " +
                            how.schema + ".worker where not gone and version < " + std::to_string(least));
    if (!found) return failure(std::move(found).error());
    return number_in_text(found->back(), 0, 0) != 0;
}

// `if not exists` would ask for the right to create one even where it is there, made by somebody who has that right.
std::optional<fault> make_schema(connection& on, const settings& how) {
    auto there = on.command("select count(*) > 0 from pg_namespace where nspname = '" + how.schema + "'");
    if (!there) return std::move(there).error();
    if (there->back().text(0, 0) == "t") return std::nullopt;
    auto made = on.command("create schema " + how.schema);
    return made ? std::nullopt : std::optional(std::move(made).error());
}

// In a transaction: one version further, if it still is what it was; whoever came first has done it then.
outcome<stepped> take_step(connection& on, const settings& how, const migration& file, std::int64_t to) {
    auto now = look_up(on, how);
    if (!now) return failure(std::move(now).error());
    if (now->schema >= to) return stepped::yes;
    if (to == 1)
        if (auto why = make_schema(on, how)) return failure(*std::move(why));
    const std::int64_t least = std::max(now->least_worker, least_worker_of(file.text));
    if (to > 1 && least > now->least_worker) {
        auto left = old_workers_are_left(on, how, least);
        if (!left) return failure(std::move(left).error());
        if (*left) return stepped::waits;
    }
    auto done = on.command("set local search_path to " + how.schema + ", pg_temp; " + std::string(file.text));
    if (!done) return failure(std::move(done).error());
    auto noted = on.command("insert into " + how.schema + ".meta (version, least_worker) values (" +
                            std::to_string(to) + ", " + std::to_string(least) + ")");
    if (!noted) return failure(std::move(noted).error());
    return stepped::yes;
}

outcome<stepped> step_once(connection& on, const settings& how, const migration& file, std::int64_t to) {
    // The lock ends with the transaction, so it holds behind a pooler too. Those of tables are waited for no longer than by anybody
    // else: all who want them after us would wait with us.
    auto begun = on.command("begin; select pg_advisory_xact_lock(hashtext('gristmill migrates " + how.schema +
                            "')); set local lock_timeout = " + std::to_string(how.lock_timeout.count()));
    outcome<stepped> done = begun ? take_step(on, how, file, to) : failure(std::move(begun).error());
    if (!done && done.error().lost) return done;
    auto ended = on.command(done && *done == stepped::yes ? "commit" : "rollback");
    if (done && !ended) return failure(std::move(ended).error());
    return done;
}

outcome<stepped> step(connection& on, const settings& how, const migration& file, std::int64_t to) {
    outcome<stepped> done = step_once(on, how, file, to);
    // Workers take their locks in another order than the file; then one of the two begins anew.
    for (int tries = 1; !done && done.error().is("40P01") && tries < 5; ++tries) done = step_once(on, how, file, to);
    if (done) return done;
    fault why = std::move(done).error();
    if (!why.lost) why.error.what += " (in the migration " + std::string(file.name) + ")";
    return failure(std::move(why));
}

fault wrong_version(jobs::store_fault which, const settings& how, const std::string& what) {
    return {.error = {which, how.name + ": the schema " + how.schema + " " + what}};
}

// A migration that older workers cannot live with asks for a version above theirs: then this one rises.
program& program_in_use() noexcept {
    static program one{migrations(), 1};
    return one;
}

}  // namespace

const program& this_program() noexcept { return program_in_use(); }
void be(const program& another) noexcept { program_in_use() = another; }

std::optional<fault> prepare_schema(line& on, const settings& how, const program& ours, bool migrate) {
    auto open = on.open();
    if (!open) return std::move(open).error();
    auto found = look_up(**open, how);
    if (!found) return std::move(found).error();
    if (found->least_worker > ours.version)
        return wrong_version(jobs::store_fault::too_new, how,
                             "is for workers of version " + std::to_string(found->least_worker) +
                                 " and up, this is version " + std::to_string(ours.version) + ": update this program");
    const auto newest = static_cast<std::int64_t>(ours.steps.size()), needed = needed_steps(ours);
    if (found->schema < needed && !migrate)
        return wrong_version(jobs::store_fault::too_old, how,
                             "has version " + std::to_string(found->schema) + ", this program needs " +
                                 std::to_string(needed) + ": migrate it");
    for (std::int64_t to = found->schema + 1; to <= newest && migrate; ++to) {
        const migration& file = ours.steps[static_cast<std::size_t>(to - 1)];
        auto done = step(**open, how, file, to);
        if (!done) return std::move(done).error();
        if (*done == stepped::yes) continue;
        if (to > needed) return std::nullopt;  // a later opening will find them gone
        return wrong_version(jobs::store_fault::too_old, how,
                             "still has workers of older programs, for which the migration " + std::string(file.name) +
                                 " waits: stop them");
    }
    return std::nullopt;
}

bool is_schema_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 40 && !(name[0] >= '0' && name[0] <= '9') && !name.starts_with("pg_") &&
           std::ranges::all_of(name,
                               [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace gm::stores::pg
