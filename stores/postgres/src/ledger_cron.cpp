#include <utility>

#include <gristmill/jobs/schedule.hpp>

#include "encode.hpp"
#include "ledger.hpp"

namespace gm::stores::pg {

using namespace jobs;

result<bool, store_error> ledger::put_cron(const cron_entry& entry) {
    if (std::string fault = fault_of(entry, core_->options.limits); !fault.empty())
        return failure(store_error{store_fault::invalid, "cron '" + entry.name + "': " + std::move(fault)});

    const new_job& job = entry.job;
    parameters with;
    with.add(entry.name).add(entry.line).add(entry.zone).add(static_cast<std::int16_t>(entry.policy)).add(entry.paused);
    with.add(us(entry.next));
    entry.last ? with.add(us(*entry.last)) : with.null(oid::int8);
    with.add(job.kind).add(job.queue).add(job.key).add(binary{job.arguments.bytes}).add(job.arguments.type);
    with.add(static_cast<std::int16_t>(job.priority)).add(job.tags).add(std::int64_t{job.timeout.count()});
    job.retry ? with.add(retry_literal(*job.retry)) : with.null(oid::text);
    if (job.unique)
        with.add(job.unique->key)
            .add(static_cast<std::int16_t>(job.unique->until))
            .add(std::int64_t{job.unique->window.count()});
    else
        with.null(oid::text).null(oid::int2).null(oid::int8);
    auto answer = ask(
        "insert into cron (name, line, zone, policy, paused, next, last, kind, queue, key, arguments, arguments_type, "
        "priority, tags, timeout, retry, unique_key, unique_until, unique_window) values ($1, $2, $3, $4, $5, $6, $7, "
        "$8, "
        "$9, $10, $11, $12, $13, $14, $15, $16::text::double precision[], $17, $18, $19) on conflict (name) do update "
        "set "
        "(line, zone, policy, paused, next, last, kind, queue, key, arguments, arguments_type, priority, tags, "
        "timeout, "
        "retry, unique_key, unique_until, unique_window) = row (excluded.line, excluded.zone, excluded.policy, "
        "excluded.paused, case when (cron.line, cron.zone) = (excluded.line, excluded.zone) then cron.next else "
        "excluded.next end, "
        "case when (cron.line, cron.zone) = (excluded.line, excluded.zone) then cron.last else excluded.last end,  "
        "excluded.kind, excluded.queue, excluded.key, "
        "excluded.arguments, "
        "excluded.arguments_type, excluded.priority, excluded.tags, excluded.timeout, excluded.retry, "
        "excluded.unique_key, excluded.unique_until, excluded.unique_window) returning xmax = 0",
        std::move(with));
    if (!answer) return failure(std::move(answer).error());
    return answer->flag(0, 0);
}

result<bool, store_error> ledger::remove_cron(const std::string& name) {
    auto answer = ask("with gone as (delete from cron where name = $1 returning 1) select count(*) > 0 from gone",
                      parameters().add(name));
    if (!answer) return failure(std::move(answer).error());
    return answer->flag(0, 0);
}

result<std::vector<cron_entry>, store_error> ledger::crons() {
    auto found =
        ask("select name, line, zone, policy, paused, next, last is not null, last, kind, queue, key, arguments, "
            "arguments_type, priority, tags, timeout, retry, unique_key, unique_until, unique_window from cron order "
            "by name");
    if (!found) return failure(std::move(found).error());
    std::vector<cron_entry> made;
    for (int row = 0; row < found->count(); ++row) {
        reader from(*found, row);
        cron_entry& each = made.emplace_back();
        each.name = from.text();
        each.line = from.text();
        each.zone = from.text();
        each.policy = static_cast<missed>(from.small());
        each.paused = from.flag();
        each.next = at_us(from.number());
        const bool has_fired = from.flag();
        const wall_time last = at_us(from.number());
        if (has_fired) each.last = last;
        each.job.kind = from.text();
        each.job.queue = from.text();
        each.job.key = from.text();
        each.job.arguments.bytes = from.text();
        each.job.arguments.type = from.text();
        each.job.priority = from.small();
        each.job.tags = from.texts();
        each.job.timeout = std::chrono::microseconds(from.number());
        each.job.retry = retry_of(from.reals());
        if (from.is_null()) continue;
        unique_key unique{.key = from.text()};
        unique.until = static_cast<unique_for>(from.small());
        unique.window = std::chrono::microseconds(from.number());
        each.job.unique = std::move(unique);
    }
    return made;
}

// In one transaction; if the entry is not as it was, its first statement stops it. When the answer is lost, whoever asks again is told
// that it was fired.
result<bool, store_error> ledger::fire(const std::string& name, wall_time expected, wall_time next,
                                       std::span<const new_job> jobs) {
    if (std::string fault = fault_among(jobs, core_->options.limits); !fault.empty())
        return failure(store_error{store_fault::invalid, std::move(fault)});
    auto ids = core_->inserts.reserve(jobs.size());
    if (!ids) return failure(std::move(ids).error().error);
    insertion what = insertion_of(pointers_to(jobs), *ids, false);
    what.list.insert(what.list.begin(), {"select move_cron($1, $2, $3, $4)",
                                         parameters().add(name).add(us(expected)).add(us(next)).add(!jobs.empty())});
    auto done = core_->lines.run(what.list, repeatable::no);
    if (!done && done.error().is(cron_moved)) return false;
    if (!done) return failure(std::move(done).error().error);
    for (const new_job& job : jobs) core_->hearing.ring(job.queue);
    return true;
}

}  // namespace gm::stores::pg
