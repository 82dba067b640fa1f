// Cron entries. When they fire is decided elsewhere; that each firing happens once, here.
#include <gristmill/jobs/schedule.hpp>

#include "codec.hpp"
#include "insert.hpp"
#include "ledger.hpp"

namespace gm::stores::sqlite {

using jobs::cron_entry;
using jobs::store_error;
using jobs::store_fault;

namespace {

void store_entry(session& in, const cron_entry& entry) {
    std::optional<micros> last;
    if (entry.last) last = micros_of(*entry.last);
    const jobs::new_job& job = entry.job;
    std::optional<std::string_view> unique;
    std::optional<std::int64_t> until, window;
    if (job.unique) {
        unique = job.unique->key;
        until = static_cast<std::int64_t>(job.unique->until);
        window = job.unique->window.count();
    }
    // What was planned stays planned while line and zone are the same.
    in.db().run(
        "INSERT INTO gm_cron (name, line, zone, policy, paused, next, last, kind, queue, key, priority, type, "
        "arguments, tags,"
        " timeout, retry, unique_key, unique_until, unique_window)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET next = iif(line = excluded.line AND zone = excluded.zone, next, "
        "excluded.next),"
        " last = iif(line = excluded.line AND zone = excluded.zone, last, excluded.last), line = excluded.line,"
        " zone = excluded.zone, policy = excluded.policy, paused = excluded.paused, kind = excluded.kind,"
        " queue = excluded.queue, key = excluded.key, priority = excluded.priority, type = excluded.type,"
        " arguments = excluded.arguments, tags = excluded.tags, timeout = excluded.timeout, retry = excluded.retry,"
        " unique_key = excluded.unique_key, unique_until = excluded.unique_until, unique_window = "
        "excluded.unique_window",
        entry.name, entry.line, entry.zone, static_cast<int>(entry.policy), entry.paused ? 1 : 0, micros_of(entry.next),
        last, job.kind, job.queue, job.key, job.priority, job.arguments.type, blob{job.arguments.bytes},
        text_of(job.tags), job.timeout.count(), text_of(job.retry), unique, until, window);
}

}  // namespace

result<bool, store_error> file_ledger::put_cron(const cron_entry& entry) {
    if (std::string fault = fault_of(entry, limits_); !fault.empty())
        return failure(store_error{store_fault::invalid, "cron '" + entry.name + "': " + std::move(fault)});
    return writer_.run_as_value([&](session& in) {
        const bool fresh = !in.db().number("SELECT 1 FROM gm_cron WHERE name = ?", entry.name);
        store_entry(in, entry);
        return fresh;
    });
}

result<bool, store_error> file_ledger::remove_cron(const std::string& name) {
    return writer_.run_as_value(
        [&](session& in) { return in.db().run("DELETE FROM gm_cron WHERE name = ?", name) != 0; });
}

result<std::vector<cron_entry>, store_error> file_ledger::crons() {
    return readers_.read([](connection& in) {
        std::vector<cron_entry> all;
        query asking = in.ask(
            "SELECT name, line, zone, policy, paused, next, last, kind, queue, key, priority, type, arguments, tags, "
            "timeout, retry, unique_key, unique_until, unique_window"
            " FROM gm_cron ORDER BY name");
        while (asking.step()) {
            cron_entry made;
            made.name = asking.text(0);
            made.line = asking.text(1);
            made.zone = asking.text(2);
            made.policy = static_cast<jobs::missed>(asking.integer(3));
            made.paused = asking.integer(4) != 0;
            made.next = time_of(asking.integer(5));
            if (!asking.is_null(6)) made.last = time_of(asking.integer(6));
            made.job = {
                .kind = asking.text(7), .arguments = {asking.text(12), asking.text(11)}, .queue = asking.text(8)};
            made.job.key = asking.text(9);
            made.job.priority = static_cast<int>(asking.integer(10));
            made.job.tags = tags_from(asking.bytes(13));
            made.job.timeout = std::chrono::microseconds(asking.integer(14));
            made.job.retry = retry_from(asking.bytes(15));
            if (!asking.is_null(16))
                made.job.unique = jobs::unique_key{asking.text(16), static_cast<jobs::unique_for>(asking.integer(17)),
                                                   std::chrono::microseconds(asking.integer(18))};
            all.push_back(std::move(made));
        }
        return all;
    });
}

result<bool, store_error> file_ledger::fire(const std::string& name, jobs::wall_time expected, jobs::wall_time next,
                                            std::span<const jobs::new_job> jobs) {
    return writer_.run_as_value([&](session& in) {
        if (in.db().run(
                "UPDATE gm_cron SET next = ?3, last = iif(?4, ?2, last) WHERE name = ?1 AND next = ?2 AND paused = 0",
                name, micros_of(expected), micros_of(next), jobs.empty() ? 0 : 1) == 0)
            return false;
        refuse_faults(jobs, limits_);
        insert(in, jobs);
        return true;
    });
}

}  // namespace gm::stores::sqlite
