#include "settle.hpp"

#include "codec.hpp"
#include "keys.hpp"
#include "parents.hpp"
#include "unique.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::settled;
using jobs::settlement;
using jobs::state;
using jobs::unique_for;
using jobs::verdict;

namespace {

// A claim that is good, as far as its end has to know it.
struct claimed {
    job_id id;
    std::int64_t epoch = 0, worker = 0;
    std::int64_t queue = 0, kind = 0;
    std::string key;
    int attempts = 0, crashes = 0, priority = 0;
    micros run_at = 0;
    bool cancel_asked = false, children = false;
    std::optional<std::string> unique;  // still to be let go of at the end
    std::int64_t ran_by = 0;
    micros started = 0;
};

// The job if it runs at that epoch under that worker.
std::optional<claimed> claim_of(session& in, job_id id, std::optional<std::int64_t> epoch, std::int64_t worker) {
    query asking = in.db().ask(
        "SELECT queue, kind, key, attempts, crashes, priority, run_at, cancel_asked, children, unique_until, "
        "unique_key,"
        " epoch, ran.ran_by, ran.started FROM gm_jobs CROSS JOIN gm_running AS ran"
        " WHERE id = ?1 AND state = 3 AND (?2 IS NULL OR epoch = ?2) AND ran.worker = ?3 AND ran.job = ?1",
        id.number, epoch, worker);
    if (!asking.step()) return std::nullopt;
    claimed found;
    found.id = id;
    found.worker = worker;
    found.queue = asking.integer(0);
    found.kind = asking.integer(1);
    found.key = asking.bytes(2);
    found.attempts = static_cast<int>(asking.integer(3));
    found.crashes = static_cast<int>(asking.integer(4));
    found.priority = static_cast<int>(asking.integer(5));
    found.run_at = asking.integer(6);
    found.cancel_asked = asking.integer(7) != 0;
    found.children = asking.integer(8) != 0;
    if (!asking.is_null(9) && asking.integer(9) == static_cast<int>(unique_for::finished))
        found.unique = asking.text(10);
    found.epoch = asking.integer(11);
    found.ran_by = asking.integer(12);
    found.started = asking.integer(13);
    return found;
}

// gm_jobs to gm_finished. By the names of the columns: a newer program may have added some.
#define GRISTMILL_FINISH(attempts, verdict, overlapping, ran_by, started, result, type)                            \
    "INSERT INTO gm_finished (id, state, queue, epoch, kind, key, priority, run_at, inserted, attempts, crashes, " \
    "interruptions, cancel_asked, children, has_steps, has_past, orphaned, type, timeout, arguments, tags, "       \
    "retry, unique_key, unique_until, unique_window, verdict, verdict_epoch, overlapping, ran_by, started, "       \
    "progress, note, finished, result, result_type) "                                                              \
    "SELECT id, ?2, queue, epoch, kind, key, priority, run_at, inserted, " attempts                                \
    ", crashes, interruptions, cancel_asked, children, has_steps, has_past, orphaned, type, timeout, arguments, "  \
    "tags, retry, unique_key, unique_until, unique_window, " verdict ", " overlapping ", " ran_by ", " started     \
    ", progress, note, ?3, " result ", " type " FROM gm_jobs WHERE id = ?1"
constexpr char finish_claimed[] = GRISTMILL_FINISH("?4", "coalesce(?5, verdict), iif(?5 IS NULL, verdict_epoch, epoch)",
                                                   "coalesce(?6, overlapping)", "?7", "?8", "?9", "?10");
constexpr char finish_unclaimed[] =
    GRISTMILL_FINISH("attempts", "verdict, verdict_epoch", "overlapping", "ran_by", "started", "x''", "''");
constexpr char finish_ordinary[] =
    GRISTMILL_FINISH("attempts + 1", "0, epoch", "overlapping", "?4", "?5", "?6",
                     "?7") " AND state = 3 AND epoch = ?8 AND cancel_asked = 0 AND children = 0 AND unique_key IS NULL";
static_assert(static_cast<int>(verdict::completed) == 0);
#undef GRISTMILL_FINISH

void after_the_end(session& in, const claimed& job, state how) {
    if (job.unique) release_key(in, job.kind, *job.unique, job.id);
    if (job.children) parent_is_over(in, job.id, how);
}

void leave_running(session& in, const claimed& job) {
    in.db().run("DELETE FROM gm_running WHERE worker = ? AND job = ?", job.worker, job.id.number);
}

// What it says of the attempt before; none: that stays.
std::optional<int> overlapping_of(const settlement& finish) {
    if (finish.what != verdict::retry && finish.what != verdict::dead) return std::nullopt;
    return finish.overlapping ? 1 : 0;
}

// `as`: what was asked for; null after a crash, which nobody can ask for again.
void end(session& in, const claimed& job, state how, std::optional<verdict> as, int attempts, const settlement& with) {
    std::optional<int> verdict_number;
    if (as) verdict_number = static_cast<int>(*as);
    in.db().run(finish_claimed, job.id.number, static_cast<int>(how), in.now(), attempts, verdict_number,
                overlapping_of(with), job.ran_by, job.started, blob{with.result.bytes}, with.result.type);
    in.db().run("DELETE FROM gm_jobs WHERE id = ?", job.id.number);
    leave_running(in, job);
    queue_row& queue = in.queue(job.queue);
    in.moved(queue, state::running, how);
    key_ended(in, queue, job.key, false);
    after_the_end(in, job, how);
}

struct next_stand {
    state to = state::available;
    micros run_at = 0;
    int attempts = 0, crashed = 0, interrupted = 0;
    std::optional<int> overlapping{};
    bool never_started = false;
};

void give_back(session& in, const claimed& job, const next_stand& next, std::optional<verdict> as) {
    std::optional<int> verdict_number;
    if (as) verdict_number = static_cast<int>(*as);
    std::optional<std::int64_t> ran_by, ran_at;  // what it says stays if this claim never started
    if (!next.never_started) {
        ran_by = job.ran_by;
        ran_at = job.started;
    }
    const micros rank = rank_of(next.run_at, job.priority);
    in.db().run(
        "UPDATE gm_jobs SET state = ?2, run_at = ?3, rank = ?4, attempts = ?5, crashes = crashes + ?6,"
        " interruptions = interruptions + ?7, overlapping = coalesce(?8, overlapping), verdict = coalesce(?9, verdict),"
        " verdict_epoch = iif(?9 IS NULL, verdict_epoch, epoch), ran_by = coalesce(?10, ran_by),"
        " started = coalesce(?11, started) WHERE id = ?1",
        job.id.number, static_cast<int>(next.to), next.run_at, rank, next.attempts, next.crashed, next.interrupted,
        next.overlapping, verdict_number, ran_by, ran_at);
    leave_running(in, job);
    queue_row& queue = in.queue(job.queue);
    in.moved(queue, state::running, next.to);
    key_ended(in, queue, job.key, next.never_started);
    // Jobs that took somebody down stand apart, not in the line of their key.
    if (next.to == state::available && job.crashes + next.crashed == 0)
        key_arrived(in, queue, job.key, {rank, job.id.number});
    if (next.never_started && queue.limits.rate > 0) {
        queue.tokens = std::min<double>(queue.tokens + 1, queue.limits.burst);
        queue.rang = true;
    }
}

// The first report and the last ones are kept.
void report(session& in, const claimed& job, int attempt, micros started, std::string_view error) {
    in.db().run(
        "INSERT INTO gm_attempts (job, epoch, attempt, started, ended, ran_by, error) VALUES (?, ?, ?, ?, ?, ?, ?)",
        job.id.number, job.epoch, attempt, started, in.now(), job.ran_by, cut(error, in.limits().error));
    in.db().run("UPDATE gm_jobs SET has_past = 1 WHERE id = ? AND has_past = 0", job.id.number);
    in.db().run(
        "DELETE FROM gm_attempts WHERE job = ?1"
        " AND epoch = (SELECT epoch FROM gm_attempts WHERE job = ?1 ORDER BY epoch LIMIT 1 OFFSET 1)"
        " AND (SELECT count(*) FROM gm_attempts WHERE job = ?1) > ?2",
        job.id.number, in.limits().errors);
}

// The claim is over. Was it this very settlement that ended it? The last one of each job is remembered.
settled again(session& in, const settlement& finish) {
    const std::int64_t id = finish.which.first, epoch = finish.which.second;
    const int as = static_cast<int>(finish.what);
    const bool same =
        in.db().number("SELECT 1 FROM gm_finished WHERE id = ? AND verdict_epoch = ? AND verdict = ?", id, epoch, as) ||
        in.db().number("SELECT 1 FROM gm_jobs WHERE id = ? AND verdict_epoch = ? AND verdict = ?", id, epoch, as);
    return same ? settled::yes : settled::refused;
}

void settle_failed(session& in, const claimed& job, const settlement& finish, micros started) {
    const int attempts = job.attempts + 1;
    report(in, job, attempts, started, finish.error);
    ++in.queue(job.queue).failed;
    if (finish.what == verdict::dead || job.cancel_asked)
        return end(in, job, job.cancel_asked ? state::cancelled : state::dead, finish.what, attempts, finish);
    const micros at = std::max(micros_of(finish.at), in.now());
    give_back(in, job,
              {.to = state::retrying, .run_at = at, .attempts = attempts, .overlapping = overlapping_of(finish)},
              finish.what);
}

}  // namespace

settled settle(session& in, std::int64_t worker, const settlement& finish) {
    const std::optional<claimed> found = claim_of(in, {finish.which.first}, finish.which.second, worker);
    if (!found) return again(in, finish);
    const claimed& job = *found;
    const micros started = in.now() - finish.ran.count();
    switch (finish.what) {
        case verdict::completed:
            ++in.queue(job.queue).completed;
            end(in, job, state::completed, finish.what, job.attempts + 1, finish);
            return settled::yes;
        case verdict::retry:
        case verdict::dead: settle_failed(in, job, finish, started); return settled::yes;
        case verdict::cancelled:
            if (!finish.error.empty()) report(in, job, 0, started, finish.error);
            end(in, job, state::cancelled, finish.what, job.attempts, finish);
            return settled::yes;
        case verdict::snoozed:
        case verdict::returned:
        case verdict::interrupted: break;
    }
    const bool stopped = finish.what == verdict::interrupted;
    if (stopped) report(in, job, 0, started, finish.error.empty() ? "its worker stopped" : finish.error);
    if (stopped && job.cancel_asked)
        in.db().run("UPDATE gm_jobs SET interruptions = interruptions + 1 WHERE id = ?", job.id.number);
    if (job.cancel_asked) {
        end(in, job, state::cancelled, finish.what, job.attempts, finish);
        return settled::yes;
    }
    next_stand next{.run_at = job.run_at, .attempts = job.attempts, .interrupted = stopped ? 1 : 0};
    next.never_started = finish.what == verdict::returned;
    if (finish.what == verdict::snoozed) next.run_at = in.now();
    if (!stopped && micros_of(finish.at) > in.now()) {
        next.run_at = micros_of(finish.at);
        next.to = state::scheduled;
    }
    give_back(in, job, next, finish.what);
    return settled::yes;
}

bool complete(session& in, std::int64_t worker, const settlement& finish, const remembered& job) {
    if (finish.what != verdict::completed || finish.which.third != worker) return false;
    if (in.db().run(finish_ordinary, finish.which.first, static_cast<int>(state::completed), in.now(), job.name,
                    job.started, blob{finish.result.bytes}, finish.result.type, finish.which.second) == 0)
        return false;
    in.db().run("DELETE FROM gm_jobs WHERE id = ?", finish.which.first);
    in.db().run("DELETE FROM gm_running WHERE worker = ? AND job = ?", worker, finish.which.first);
    queue_row& queue = in.queue(job.queue);
    ++queue.completed;
    in.moved(queue, state::running, state::completed);
    key_ended(in, queue, job.key, false);
    return true;
}

void crashed(session& in, job_id id, std::int64_t worker) {
    const std::optional<claimed> found = claim_of(in, id, std::nullopt, worker);
    if (!found) return;
    const claimed& job = *found;
    report(in, job, 0, job.started, "its worker died");
    const bool too_often = job.crashes + 1 >= jobs::crash_cap;
    if (!too_often && !job.cancel_asked)
        return give_back(in, job, {.run_at = job.run_at, .attempts = job.attempts, .crashed = 1}, std::nullopt);
    in.db().run("UPDATE gm_jobs SET crashes = crashes + 1 WHERE id = ?", id.number);
    end(in, job, job.cancel_asked ? state::cancelled : state::dead, std::nullopt, job.attempts, {});
}

bool end_unclaimed_alone(session& in, job_id id, state how) {
    claimed job;
    job.id = id;
    state from{};
    {
        query asking = in.db().ask(
            "SELECT queue, kind, key, crashes, children, unique_until, unique_key, state FROM gm_jobs WHERE id = ?",
            id.number);
        if (!asking.step()) return false;
        job.queue = asking.integer(0);
        job.kind = asking.integer(1);
        job.key = asking.text(2);
        job.crashes = static_cast<int>(asking.integer(3));
        job.children = asking.integer(4) != 0;
        if (!asking.is_null(5) && asking.integer(5) != static_cast<int>(unique_for::window))
            job.unique = asking.text(6);
        from = static_cast<state>(asking.integer(7));
    }
    in.db().run(finish_unclaimed, id.number, static_cast<int>(how), in.now());
    in.db().run("DELETE FROM gm_jobs WHERE id = ?", id.number);
    // It holds its parents no longer.
    if (from == state::waiting) in.db().run("UPDATE gm_parents SET done = 1 WHERE child = ? AND done = 0", id.number);
    queue_row& queue = in.queue(job.queue);
    in.moved(queue, from, how);
    if (from == state::available) key_left(in, queue, job.key);
    if (job.unique) release_key(in, job.kind, *job.unique, id);
    return job.children;
}

void end_unclaimed(session& in, job_id job, state how) {
    if (end_unclaimed_alone(in, job, how)) parent_is_over(in, job, how);
}

}  // namespace gm::stores::sqlite
