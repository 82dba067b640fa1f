// Cron entries. When they fire is decided elsewhere; that each firing happens once, here.
#include <gristmill/jobs/cron.hpp>

#include "codec.hpp"
#include "insert.hpp"
#include "ledger.hpp"

namespace gm::stores::sqlite {

using jobs::cron_entry;
using jobs::store_error;
using jobs::store_fault;

namespace {

std::string fault_of(const cron_entry& entry, const jobs::size_limits& limits) {
    if (entry.name.empty() || entry.name.size() > limits.name) return "its name is empty or too long";
    if (auto line = jobs::cron::parse(entry.line); !line) return line.error();
    return jobs::fault_of(entry.job, limits);
}

}  // namespace

result<bool, store_error> file_ledger::put_cron(const cron_entry& entry) {
    if (std::string fault = sqlite::fault_of(entry, limits_); !fault.empty())
        return failure(store_error{store_fault::invalid, "cron '" + entry.name + "': " + std::move(fault)});
    return writer_.run_as_value([&](session& in) {
        const bool fresh = !in.db().number("SELECT 1 FROM gm_cron WHERE name = ?", entry.name);
        std::optional<micros> last;
        if (entry.last) last = micros_of(*entry.last);
        in.db().run(
            "INSERT OR REPLACE INTO gm_cron (name, line, zone, policy, paused, next, last, kind, queue, key, priority, "
            "type,"
            " arguments, tags, timeout, retry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry.name, entry.line, entry.zone, static_cast<int>(entry.policy), entry.paused ? 1 : 0,
            micros_of(entry.next), last, entry.job.kind, entry.job.queue, entry.job.key, entry.job.priority,
            entry.job.arguments.type, blob{entry.job.arguments.bytes}, text_of(entry.job.tags),
            entry.job.timeout.count(), text_of(entry.job.retry));
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
            "timeout, retry"
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
            all.push_back(std::move(made));
        }
        return all;
    });
}

result<bool, store_error> file_ledger::fire(const std::string& name, jobs::wall_time expected, jobs::wall_time next,
                                            std::span<const jobs::new_job> jobs) {
    return writer_.run_as_value([&](session& in) {
        if (in.db().run("UPDATE gm_cron SET next = ?3, last = ?2 WHERE name = ?1 AND next = ?2 AND paused = 0", name,
                        micros_of(expected), micros_of(next)) == 0)
            return false;
        refuse_faults(jobs, limits_);
        insert(in, jobs);
        return true;
    });
}

}  // namespace gm::stores::sqlite
