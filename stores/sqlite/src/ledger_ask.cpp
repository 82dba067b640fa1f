#include "claim.hpp"
#include "codec.hpp"
#include "ledger.hpp"
#include "records.hpp"
#include "search.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::queue_report;
using jobs::record;
using jobs::state;
using jobs::store_error;

std::optional<store_error> file_ledger::settle_due() {
    for (;;) {
        const auto due = readers_.read([](connection& in) {
            return in
                .number(
                    "SELECT 1 FROM gm_queues AS q WHERE EXISTS (SELECT 1 FROM gm_jobs INDEXED BY gm_due"
                    " WHERE queue = q.number AND state IN (1, 4) AND run_at <= ?)",
                    wall_now())
                .has_value();
        });
        if (!due) return due.error();
        if (!*due) return std::nullopt;
        if (auto done = writer_.run_as_value([](session& in) { return promote_all(in), true; }); !done)
            return std::move(done).error();
    }
}

result<std::optional<record>, store_error> file_ledger::find(job_id id) {
    if (auto error = settle_due()) return failure(std::move(*error));
    return readers_.read([&](connection& in) { return read_record(in, id); });
}

result<std::vector<record>, store_error> file_ledger::list(const jobs::filter& which, const jobs::page& part) {
    if (auto error = settle_due()) return failure(std::move(*error));
    return readers_.read([&](connection& in) {
        std::vector<record> found;
        for (const job_id id : search(in, which, part))
            if (std::optional<record> job = read_record(in, id)) found.push_back(std::move(*job));
        return found;
    });
}

result<std::uint64_t, store_error> file_ledger::count(const jobs::filter& which) {
    if (auto error = settle_due()) return failure(std::move(*error));
    return readers_.read([&](connection& in) { return sqlite::count(in, which); });
}

namespace {

// Since when the oldest is due. Their indexes go by rank: the first in rank is the oldest unless priorities differ, and then
// it is among those that follow within what priorities are worth.
std::optional<jobs::wall_time> oldest_available(connection& in, std::int64_t queue) {
    constexpr const char* const lines[]{
        "SELECT min(run_at) FROM (SELECT run_at FROM gm_jobs INDEXED BY gm_ready WHERE queue = ? AND state = 2"
        " AND crashes = 0 AND key = '' ORDER BY rank LIMIT 1000)",
        "SELECT min(run_at) FROM (SELECT run_at FROM gm_jobs INDEXED BY gm_ready_keyed WHERE queue = ? AND state = 2"
        " AND crashes = 0 AND key <> '' ORDER BY rank LIMIT 1000)",
        "SELECT min(run_at) FROM (SELECT run_at FROM gm_jobs INDEXED BY gm_suspect WHERE queue = ? AND state = 2"
        " AND crashes > 0 ORDER BY rank LIMIT 1000)"};
    std::optional<micros> oldest;
    for (const char* const sql : lines)
        if (const auto first = in.number(sql, queue); first && (!oldest || *first < *oldest)) oldest = first;
    if (!oldest) return std::nullopt;
    return time_of(*oldest);
}

queue_report read_report(query& row) {
    queue_report made;
    made.name = row.text(1);
    made.paused = row.integer(2) != 0;
    made.limits.running = static_cast<unsigned>(row.integer(3));
    made.limits.running_per_key = static_cast<unsigned>(row.integer(4));
    made.limits.rate = row.real(5);
    made.limits.burst = static_cast<unsigned>(row.integer(6));
    made.limits.rate_per_key = row.real(7);
    made.limits.burst_per_key = static_cast<unsigned>(row.integer(8));
    made.limits.fair = row.integer(9) != 0;
    for (int i = 0; i != jobs::states; ++i)
        made.counts[static_cast<std::size_t>(i)] = static_cast<std::uint64_t>(row.integer(10 + i));
    made.completed = static_cast<std::uint64_t>(row.integer(18));
    made.failed = static_cast<std::uint64_t>(row.integer(19));
    return made;
}

}  // namespace

result<std::vector<queue_report>, store_error> file_ledger::queues() {
    if (auto error = settle_due()) return failure(std::move(*error));
    return readers_.read([](connection& in) {
        std::vector<queue_report> all;
        query asking = in.ask(
            "SELECT number, name, paused, most_running, most_running_key, rate, burst, rate_key, burst_key, fair, "
            "waiting,"
            " scheduled, available, running, retrying, completed, cancelled, dead, ever_completed, ever_failed FROM "
            "gm_queues"
            " ORDER BY name");
        while (asking.step()) {
            queue_report made = read_report(asking);
            query weights = in.ask("SELECT key, weight FROM gm_weights WHERE queue = ?", asking.integer(0));
            while (weights.step()) made.limits.weights.emplace(weights.text(0), weights.real(1));
            made.oldest_available = oldest_available(in, asking.integer(0));
            all.push_back(std::move(made));
        }
        return all;
    });
}

result<std::vector<jobs::worker_report>, store_error> file_ledger::workers() {
    return readers_.read([](connection& in) {
        std::vector<jobs::worker_report> all;
        query asking = in.ask(
            "SELECT number, (SELECT name FROM gm_names AS n WHERE n.number = w.name), queues, started, last_beat, "
            "workers, busy,"
            " completed, failed, wanted, boot = ? AND until >= ? FROM gm_workers AS w ORDER BY number",
            boot_id(), boot_now());
        while (asking.step()) {
            jobs::worker_report made;
            made.number = asking.integer(0);
            made.name = asking.text(1);
            made.queues = tags_from(asking.bytes(2));
            made.started = time_of(asking.integer(3));
            made.last_beat = time_of(asking.integer(4));
            made.how.workers = static_cast<unsigned>(asking.integer(5));
            made.how.busy = static_cast<unsigned>(asking.integer(6));
            made.how.completed = static_cast<std::uint64_t>(asking.integer(7));
            made.how.failed = static_cast<std::uint64_t>(asking.integer(8));
            if (!asking.is_null(9)) made.workers_wanted = static_cast<unsigned>(asking.integer(9));
            made.alive = asking.integer(10) != 0;
            all.push_back(std::move(made));
        }
        return all;
    });
}

result<std::vector<jobs::log_part>, store_error> file_ledger::logs(job_id id) {
    return readers_.read([&](connection& in) {
        std::vector<jobs::log_part> parts;
        query asking = in.ask("SELECT epoch, left_out FROM gm_logs WHERE job = ? ORDER BY epoch", id.number);
        while (asking.step()) {
            jobs::log_part part{asking.integer(0), {}, static_cast<std::uint64_t>(asking.integer(1))};
            query chunks = in.ask("SELECT text FROM gm_log_chunks WHERE job = ? AND epoch = ? ORDER BY number",
                                  id.number, part.epoch);
            while (chunks.step()) part.text += chunks.bytes(0);
            parts.push_back(std::move(part));
        }
        return parts;
    });
}

result<std::vector<jobs::step>, store_error> file_ledger::steps(job_id id) {
    return readers_.read([&](connection& in) {
        std::vector<jobs::step> all;
        query asking = in.ask("SELECT name, result, type FROM gm_steps WHERE job = ? ORDER BY number", id.number);
        while (asking.step()) all.push_back({asking.text(0), {asking.text(1), asking.text(2)}});
        return all;
    });
}

}  // namespace gm::stores::sqlite
