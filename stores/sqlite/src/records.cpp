#include "records.hpp"

#include "codec.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::record;

namespace {

// The same columns of both tables. Names are looked up; who runs a job stands in gm_running.
#define GRISTMILL_RECORD                                                                                              \
    "SELECT id, state, (SELECT name FROM gm_queues WHERE number = queue), (SELECT name FROM gm_names WHERE number = " \
    "kind),"                                                                                                          \
    " key, priority, epoch, attempts, crashes, interruptions, cancel_asked, overlapping, orphaned, type, arguments, " \
    "timeout,"                                                                                                        \
    " tags, retry, unique_key, unique_until, unique_window, inserted, run_at, progress, note,"
constexpr char hot[] = GRISTMILL_RECORD
    " (SELECT name FROM gm_names WHERE number = coalesce(ran.ran_by, gm_jobs.ran_by)), coalesce(ran.started, "
    "gm_jobs.started),"
    " 0, x'', '' FROM gm_jobs LEFT JOIN gm_running AS ran ON state = 3 AND ran.job = id WHERE id = ?";
constexpr char finished[] = GRISTMILL_RECORD
    " (SELECT name FROM gm_names WHERE number = ran_by), started, finished, result, result_type FROM gm_finished WHERE "
    "id = ?";
#undef GRISTMILL_RECORD

record read_row(query& row) {
    record job;
    job.id = {row.integer(0)};
    job.state = static_cast<jobs::state>(row.integer(1));
    job.queue = row.bytes(2);
    job.kind = row.bytes(3);
    job.key = row.bytes(4);
    job.priority = static_cast<int>(row.integer(5));
    job.epoch = row.integer(6);
    job.attempts = static_cast<int>(row.integer(7));
    job.crashes = static_cast<int>(row.integer(8));
    job.interruptions = static_cast<int>(row.integer(9));
    job.cancel_asked = row.integer(10) != 0;
    job.overlapping = row.integer(11) != 0;
    job.orphaned = static_cast<jobs::when_parent_fails>(row.integer(12));
    job.arguments = {row.text(14), row.text(13)};
    job.timeout = std::chrono::microseconds(row.integer(15));
    job.tags = tags_from(row.bytes(16));
    job.retry = retry_from(row.bytes(17));
    if (!row.is_null(18))
        job.unique = jobs::unique_key{row.text(18), static_cast<jobs::unique_for>(row.integer(19)),
                                      std::chrono::microseconds(row.integer(20))};
    job.inserted = time_of(row.integer(21));
    job.run_at = time_of(row.integer(22));
    job.progress = row.real(23);
    job.note = row.bytes(24);
    job.worker = row.bytes(25);
    job.started = time_of(row.integer(26));
    job.finished = time_of(row.integer(27));
    job.result = {row.text(28), row.text(29)};
    return job;
}

void read_parents(connection& in, record& job) {
    query asking = in.ask("SELECT parent, done FROM gm_parents WHERE child = ? ORDER BY parent", job.id.number);
    while (asking.step()) {
        job.after.push_back({asking.integer(0)});
        if (job.state == jobs::state::waiting && asking.integer(1) == 0) job.blocked_by.push_back({asking.integer(0)});
    }
}

void read_errors(connection& in, record& job) {
    query asking = in.ask(
        "SELECT attempt, epoch, started, ended, (SELECT name FROM gm_names WHERE number = ran_by), error FROM "
        "gm_attempts"
        " WHERE job = ? ORDER BY epoch",
        job.id.number);
    while (asking.step())
        job.errors.push_back({static_cast<int>(asking.integer(0)), asking.integer(1), time_of(asking.integer(2)),
                              time_of(asking.integer(3)), asking.text(4), asking.text(5)});
}

}  // namespace

std::optional<record> read_record(connection& in, job_id id) {
    std::optional<record> job;
    for (const char* const sql : {hot, finished}) {
        query asking = in.ask(sql, id.number);
        if (asking.step()) job = read_row(asking);
        if (job) break;
    }
    if (!job) return job;
    read_parents(in, *job);
    read_errors(in, *job);
    return job;
}

}  // namespace gm::stores::sqlite
