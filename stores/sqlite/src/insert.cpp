#include "insert.hpp"

#include "codec.hpp"
#include "keys.hpp"
#include "parents.hpp"
#include "unique.hpp"

namespace gm::stores::sqlite {

using jobs::job_id;
using jobs::new_job;
using jobs::published;
using jobs::state;

void refuse_faults(std::span<const new_job> jobs, const jobs::size_limits& limits) {
    for (std::size_t i = 0; i != jobs.size(); ++i)
        if (std::string fault = fault_of(jobs[i], limits); !fault.empty())
            fail(jobs::store_fault::invalid, jobs.size() == 1 ? fault
                                                              : "job " + std::to_string(i + 1) + " of " +
                                                                    std::to_string(jobs.size()) + ": " + fault);
}

namespace {

constexpr char insert_job[] =
    "INSERT INTO gm_jobs (id, state, queue, rank, kind, key, priority, run_at, inserted, blocked, orphaned, type, "
    "timeout,"
    " arguments, tags, retry, unique_key, unique_until, unique_window)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

struct place {
    state where;
    std::int64_t blocked = 0;
    bool cancelled = false;
};

place place_of(session& in, const new_job& job, const links& parents) {
    if (parents.waits_for != 0) return {state::waiting, parents.waits_for, parents.cancelled};
    return {micros_of(job.run_at) > in.now() ? state::scheduled : state::available, 0, parents.cancelled};
}

published insert_one(session& in, const new_job& job) {
    const std::int64_t kind = in.number_of(job.kind);
    if (job.unique)
        if (const job_id holder = holder_of(in, kind, job.unique->key)) return {published::duplicate, holder};
    const job_id id = in.next_id();
    const links parents = link_parents(in, id, job);
    queue_row& queue = in.queue(job.queue);
    const place where = place_of(in, job, parents);
    // What is due already stands in line from now on.
    const micros run_at = std::max(micros_of(job.run_at), in.now());
    const micros rank = rank_of(run_at, job.priority);

    std::optional<std::string_view> unique;
    std::optional<std::int64_t> until, window;
    if (job.unique) {
        unique = job.unique->key;
        until = static_cast<std::int64_t>(job.unique->until);
        window = job.unique->window.count();
        take_key(in, kind, *job.unique, id);
    }
    in.db().run(insert_job, id.number, static_cast<int>(where.where), queue.number, rank, kind, job.key, job.priority,
                run_at, in.now(), where.blocked, static_cast<int>(job.orphaned), job.arguments.type,
                job.timeout.count(), blob{job.arguments.bytes}, text_of(job.tags), text_of(job.retry), unique, until,
                window);
    in.moved(queue, std::nullopt, where.where);
    if (where.where == state::available) key_arrived(in, queue, job.key, {rank, id.number});
    if (where.cancelled) cancel_orphan(in, id);
    return {published::accepted, id};
}

}  // namespace

std::vector<published> insert(session& in, std::span<const new_job> jobs) {
    std::vector<published> each;
    each.reserve(jobs.size());
    for (const new_job& job : jobs) each.push_back(insert_one(in, job));
    return each;
}

}  // namespace gm::stores::sqlite
