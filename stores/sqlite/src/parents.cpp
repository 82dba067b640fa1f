#include "parents.hpp"

#include <set>
#include <vector>

#include "keys.hpp"
#include "settle.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::state;
using jobs::when_parent_fails;

links link_parents(session& in, job_id child, const jobs::new_job& job) {
    links made;
    for (const job_id parent : std::set<job_id>(job.after.begin(), job.after.end())) {
        bool done = false;
        if (in.db().run("UPDATE gm_jobs SET children = 1 WHERE id = ?", parent.number) == 0) {
            const auto over =
                in.db().number("UPDATE gm_finished SET children = 1 WHERE id = ? RETURNING state", parent.number);
            if (!over)
                fail(jobs::store_fault::invalid, "after: there is no job " + std::to_string(parent.number) +
                                                     "; it was never there, or has been removed");
            const bool failed = static_cast<state>(*over) != state::completed;
            done = !failed || job.orphaned == when_parent_fails::run;
            if (failed && job.orphaned == when_parent_fails::cancel) made.cancelled = true;
        }
        in.db().run("INSERT INTO gm_parents (child, parent, done) VALUES (?, ?, ?)", child.number, parent.number,
                    done ? 1 : 0);
        if (!done) ++made.waits_for;
    }
    return made;
}

namespace {

void one_less(session& in, job_id child) {
    query asking =
        in.db().ask("SELECT queue, key, rank, run_at, blocked FROM gm_jobs WHERE id = ? AND state = 0", child.number);
    if (!asking.step()) return;
    queue_row& queue = in.queue(asking.integer(0));
    const std::string key = asking.text(1);
    const micros rank = asking.integer(2);
    const micros run_at = asking.integer(3);
    if (asking.integer(4) > 1) {
        in.db().run("UPDATE gm_jobs SET blocked = blocked - 1 WHERE id = ?", child.number);
        return;
    }
    const state to = run_at > in.now() ? state::scheduled : state::available;
    in.db().run("UPDATE gm_jobs SET blocked = 0, state = ? WHERE id = ?", static_cast<int>(to), child.number);
    in.moved(queue, state::waiting, to);
    if (to == state::available) key_arrived(in, queue, key, {rank, child.number});
}

std::vector<std::pair<job_id, when_parent_fails>> children_that_wait(session& in, job_id parent) {
    std::vector<std::pair<job_id, when_parent_fails>> children;
    query asking =
        in.db().ask("SELECT child, orphaned FROM gm_parents JOIN gm_jobs ON id = child WHERE parent = ? AND done = 0",
                    parent.number);
    while (asking.step())
        children.emplace_back(job_id{asking.integer(0)}, static_cast<when_parent_fails>(asking.integer(1)));
    return children;
}

}  // namespace

void cancel_orphan(session& in, job_id child) { end_unclaimed(in, child, state::cancelled); }

// A line of orphans may be long: they are gone through one by one, not one within the other.
void parent_is_over(session& in, job_id parent, state how) {
    std::vector<std::pair<job_id, state>> over{{parent, how}};
    while (!over.empty()) {
        const auto [ended, as] = over.back();
        over.pop_back();
        for (const auto& [child, orphaned] : children_that_wait(in, ended)) {
            const bool failed = as != state::completed;
            if (failed && orphaned == when_parent_fails::hold) continue;
            if (failed && orphaned == when_parent_fails::cancel) {
                if (end_unclaimed_alone(in, child, state::cancelled)) over.emplace_back(child, state::cancelled);
                continue;
            }
            in.db().run("UPDATE gm_parents SET done = 1 WHERE child = ? AND parent = ?", child.number, ended.number);
            one_less(in, child);
        }
    }
}

}  // namespace gm::stores::sqlite
