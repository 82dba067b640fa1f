#include "change.hpp"

#include "codec.hpp"
#include "keys.hpp"
#include "settle.hpp"
#include "unique.hpp"
#include "workers.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::state;
using jobs::unique_for;

namespace {

// Where a job stands, over or not.
struct whereabouts {
    jobs::state state;
    std::int64_t queue;
    std::string key;
    int priority, crashes;
    micros run_at;
    bool has_past;
    std::int64_t kind;
    std::optional<jobs::unique_key> unique;
};

std::optional<whereabouts> standing_of(session& in, job_id id) {
    for (const char* const sql :
         {"SELECT state, queue, key, priority, crashes, run_at, has_past, kind, unique_key, unique_until,"
          " unique_window FROM gm_jobs WHERE id = ?",
          "SELECT state, queue, key, priority, crashes, run_at, has_past, kind, unique_key, unique_until,"
          " unique_window FROM gm_finished WHERE id = ?"}) {
        query asking = in.db().ask(sql, id.number);
        if (!asking.step()) continue;
        whereabouts found{static_cast<state>(asking.integer(0)),
                          asking.integer(1),
                          asking.text(2),
                          static_cast<int>(asking.integer(3)),
                          static_cast<int>(asking.integer(4)),
                          asking.integer(5),
                          asking.integer(6) != 0,
                          asking.integer(7),
                          std::nullopt};
        if (!asking.is_null(8))
            found.unique = jobs::unique_key{asking.text(8), static_cast<unique_for>(asking.integer(9)),
                                            std::chrono::microseconds(asking.integer(10))};
        return found;
    }
    return std::nullopt;
}

retried make_due(session& in, job_id id, const whereabouts& job) {
    const micros rank = rank_of(in.now(), job.priority);
    in.db().run("UPDATE gm_jobs SET state = 2, run_at = ?2, rank = ?3 WHERE id = ?1", id.number, in.now(), rank);
    queue_row& queue = in.queue(job.queue);
    in.moved(queue, job.state, state::available);
    if (job.crashes == 0) key_arrived(in, queue, job.key, {rank, id.number});
    return retried::yes;
}

// Its key, unless it was one for a window, is taken again.
bool take_key_again(session& in, job_id id, const whereabouts& job) {
    if (!job.unique) return true;
    const job_id holder = holder_of(in, job.kind, job.unique->key);
    if (holder && holder != id) return false;
    if (!holder && job.unique->until != unique_for::window) take_key(in, job.kind, *job.unique, id);
    return true;
}

}  // namespace

bool cancel(session& in, job_id id) {
    const std::optional<whereabouts> job = standing_of(in, id);
    if (!job || is_over(job->state)) return false;
    if (job->state == state::running)
        return in.db().run("UPDATE gm_jobs SET cancel_asked = 1 WHERE id = ? AND cancel_asked = 0", id.number) != 0;
    end_unclaimed(in, id, state::cancelled);
    return true;
}

retried retry(session& in, job_id id) {
    const std::optional<whereabouts> job = standing_of(in, id);
    if (!job) return retried::no;
    if (job->state == state::scheduled || job->state == state::retrying) return make_due(in, id, *job);
    if (job->state != state::dead && job->state != state::cancelled) return retried::no;
    if (!take_key_again(in, id, *job)) return retried::key_taken;
    const micros rank = rank_of(in.now(), job->priority);
    in.db().run(
        "INSERT INTO gm_jobs (id, state, queue, rank, epoch, kind, key, priority, run_at, inserted, children, "
        "has_steps,"
        " has_past, orphaned, type, timeout, arguments, tags, retry, unique_key, unique_until, unique_window, verdict,"
        " verdict_epoch, ran_by, started, progress, note)"
        " SELECT id, 2, queue, ?2, epoch, kind, key, priority, ?3, inserted, children, has_steps, has_past, orphaned, "
        "type,"
        " timeout, arguments, tags, retry, unique_key, unique_until, unique_window, verdict, verdict_epoch, ran_by, "
        "started,"
        " progress, note FROM gm_finished WHERE id = ?1",
        id.number, rank, in.now());
    in.db().run("DELETE FROM gm_finished WHERE id = ?", id.number);
    queue_row& queue = in.queue(job->queue);
    in.moved(queue, job->state, state::available);
    key_arrived(in, queue, job->key, {rank, id.number});
    return retried::yes;
}

bool remove(session& in, job_id id) {
    const std::optional<whereabouts> job = standing_of(in, id);
    if (!job || job->state == state::running) return false;
    if (in.db().number("SELECT 1 FROM gm_parents WHERE parent = ? AND done = 0 LIMIT 1", id.number)) return false;
    if (job->has_past) remove_past(in, id);
    in.db().run("DELETE FROM gm_parents WHERE child = ?", id.number);
    in.db().run(is_over(job->state) ? "DELETE FROM gm_finished WHERE id = ?" : "DELETE FROM gm_jobs WHERE id = ?",
                id.number);
    queue_row& queue = in.queue(job->queue);
    in.moved(queue, job->state, std::nullopt);
    if (job->state == state::available) key_left(in, queue, job->key);
    if (job->unique && job->unique->until != unique_for::window) release_key(in, job->kind, job->unique->key, id);
    return true;
}

bool set_priority(session& in, job_id id, int priority) {
    const std::optional<whereabouts> job = standing_of(in, id);
    if (!job || is_over(job->state) || job->state == state::running) return false;
    in.db().run("UPDATE gm_jobs SET priority = ?2, rank = ?3 WHERE id = ?1", id.number, priority,
                rank_of(job->run_at, priority));
    if (job->state == state::available) key_left(in, in.queue(job->queue), job->key);
    return true;
}

}  // namespace gm::stores::sqlite
