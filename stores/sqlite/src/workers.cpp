#include "workers.hpp"

#include "codec.hpp"
#include "keys.hpp"
#include "settle.hpp"
#include "unique.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::state;

std::int64_t next_worker(session& in) {
    return in.db()
        .number("UPDATE gm_meta SET value = value + 1 WHERE name = 'next_worker' RETURNING value - 1")
        .value();
}

void sign_on(session& in, const incarnation& who) {
    in.db().run(
        "INSERT INTO gm_workers (number, name, version, queues, boot, lease, until, started, last_beat)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO NOTHING",
        who.number, in.number_of(who.name), who.version, text_of(who.queues).value_or("[]"), boot_id(), who.lease,
        boot_now() + who.lease, who.started, in.now());
}

namespace {

struct held_job {
    job_id id;
    std::int64_t epoch;
};

std::vector<held_job> held_by(session& in, std::int64_t worker) {
    std::vector<held_job> held;
    query asking =
        in.db().ask("SELECT job, epoch FROM gm_running JOIN gm_jobs ON id = job WHERE worker = ? ORDER BY job", worker);
    while (asking.step()) held.push_back({{asking.integer(0)}, asking.integer(1)});
    return held;
}

}  // namespace

void sign_off(session& in, std::int64_t worker) {
    for (const held_job& each : held_by(in, worker))
        settle(in, worker, {.which = {each.id.number, each.epoch, worker}, .what = jobs::verdict::returned});
    in.db().run("DELETE FROM gm_workers WHERE number = ?", worker);
}

bool lease_is_good(session& in, std::int64_t worker) {
    return in.db().number("SELECT 1 FROM gm_workers WHERE number = ? AND until >= ?", worker, boot_now()).has_value();
}

bool holds_any(session& in, std::int64_t worker) {
    return in.db().number("SELECT 1 FROM gm_running WHERE worker = ? LIMIT 1", worker).has_value();
}

std::optional<std::size_t> hands_of_others(session& in, std::int64_t worker, const std::string& queue) {
    query asking = in.db().ask(
        "SELECT min(workers), coalesce(sum(workers) FILTER (WHERE number <> ?), 0) FROM gm_workers"
        " WHERE boot = ? AND until >= ? AND EXISTS (SELECT 1 FROM json_each(queues) WHERE value = ?)",
        worker, boot_id(), boot_now(), queue);
    if (!asking.step() || asking.integer(0) == 0) return std::nullopt;
    return static_cast<std::size_t>(asking.integer(1));
}

renewed renew(session& in, const incarnation& who, const jobs::pulse& how) {
    sign_on(in, who);
    renewed made;
    {
        query asking = in.db().ask(
            "UPDATE gm_workers SET until = ?, last_beat = ?, workers = ?, busy = ?, completed = ?, failed = ?"
            " WHERE number = ? RETURNING wanted",
            boot_now() + who.lease, in.now(), how.workers, how.busy, how.completed, how.failed, who.number);
        while (asking.step())
            if (!asking.is_null(0)) made.wanted = static_cast<unsigned>(asking.integer(0));
    }
    query asking = in.db().ask(
        "SELECT job, epoch, cancel_asked FROM gm_running JOIN gm_jobs ON id = job WHERE worker = ? ORDER BY job",
        who.number);
    while (asking.step()) {
        made.held.emplace_back(asking.integer(0), asking.integer(1));
        if (asking.integer(2) != 0) made.cancelled.push_back({asking.integer(0), asking.integer(1), who.number});
    }
    return made;
}

std::size_t rescue(session& in, const incarnation& who, const side_file& bytes, micros steady) {
    std::vector<std::int64_t> dead;
    {
        const micros now = boot_now();
        query asking = in.db().ask("SELECT number, boot, until, lease FROM gm_workers WHERE number <> ?", who.number);
        while (asking.step()) {
            const bool here = asking.bytes(1) == boot_id();
            const bool late = asking.integer(2) < now && steady >= std::max(who.lease, asking.integer(3));
            if (!here || late || !bytes.lives(asking.integer(0))) dead.push_back(asking.integer(0));
        }
    }
    std::size_t rescued = 0;
    for (const std::int64_t worker : dead) {
        for (const held_job& each : held_by(in, worker)) {
            crashed(in, each.id, worker);
            ++rescued;
        }
        in.db().run("DELETE FROM gm_workers WHERE number = ?", worker);
    }
    return rescued;
}

void remove_past(session& in, job_id job) {
    for (const char* const sql : {"DELETE FROM gm_attempts WHERE job = ?", "DELETE FROM gm_logs WHERE job = ?",
                                  "DELETE FROM gm_log_chunks WHERE job = ?", "DELETE FROM gm_steps WHERE job = ?"})
        in.db().run(sql, job.number);
}

namespace {

std::size_t remove_old_in(session& in, state which, const char* retention) {
    const micros before = in.now() - in.db().number("SELECT value FROM gm_meta WHERE name = ?", retention).value();
    struct old {
        job_id id;
        std::int64_t queue;
        bool has_past;
    };
    std::vector<old> found;
    {
        // A parent that somebody waits for stays: its child shows what holds it.
        query asking = in.db().ask(
            "SELECT id, queue, has_past FROM gm_finished INDEXED BY gm_finished_at WHERE state = ? AND finished <= ?"
            " AND NOT (children = 1 AND EXISTS (SELECT 1 FROM gm_parents WHERE parent = id AND done = 0))"
            " ORDER BY finished LIMIT ?",
            static_cast<int>(which), before, removed_at_once);
        while (asking.step()) found.push_back({{asking.integer(0)}, asking.integer(1), asking.integer(2) != 0});
    }
    for (const old& each : found) {
        if (each.has_past) remove_past(in, each.id);
        in.db().run("DELETE FROM gm_parents WHERE child = ?", each.id.number);
        in.db().run("DELETE FROM gm_finished WHERE id = ?", each.id.number);
        in.moved(in.queue(each.queue), which, std::nullopt);
    }
    return found.size();
}

}  // namespace

std::size_t remove_old(session& in) {
    forget_expired_keys(in);
    forget_idle_keys(in);
    open_late_keys(in);
    return remove_old_in(in, state::completed, "retain_completed") +
           remove_old_in(in, state::cancelled, "retain_cancelled") + remove_old_in(in, state::dead, "retain_dead");
}

}  // namespace gm::stores::sqlite
