#include <algorithm>
#include <unordered_map>
#include <utility>

#include <gristmill/jobs/detail/counted.hpp>

#include "encode.hpp"
#include "filter.hpp"
#include "ledger.hpp"

namespace gm::stores::pg {

using namespace jobs;

namespace {

const std::string record_columns =
    "select id, kind, arguments, arguments_type, queue, key, priority, tags, timeout, retry, unique_key, unique_until, "
    "unique_window, after, orphaned, state, epoch, attempts, crashes, interruptions, worker_name, cancel_asked, "
    "overlapping, progress, note, array(select parent from dependency where child = every_job.id order by parent), "
    "inserted, run_at, started, finished, result, result_type from every_job where ";

std::vector<job_id> job_ids(const std::vector<std::int64_t>& numbers) {
    std::vector<job_id> made;
    for (const std::int64_t each : numbers) made.push_back({each});
    return made;
}

record record_from(reader from) {
    record made;
    made.id = {from.number()};
    made.kind = from.text();
    made.arguments.bytes = from.text();
    made.arguments.type = from.text();
    made.queue = from.text();
    made.key = from.text();
    made.priority = from.small();
    made.tags = from.texts();
    made.timeout = std::chrono::microseconds(from.number());
    made.retry = retry_of(from.reals());
    const bool is_unique = !from.is_null();
    unique_key unique{.key = from.text()};
    unique.until = static_cast<unique_for>(from.small());
    unique.window = std::chrono::microseconds(from.number());
    if (is_unique) made.unique = std::move(unique);
    made.after = job_ids(from.numbers());
    made.orphaned = static_cast<when_parent_fails>(from.small());
    made.state = static_cast<jobs::state>(from.small());
    made.epoch = from.number();
    made.attempts = from.small();
    made.crashes = from.small();
    made.interruptions = from.small();
    made.worker = from.text();
    made.cancel_asked = from.flag();
    made.overlapping = from.flag();
    made.progress = from.real();
    made.note = from.text();
    made.blocked_by = job_ids(from.numbers());
    made.inserted = at_us(from.number());
    made.run_at = at_us(from.number());
    made.started = at_us(from.number());
    made.finished = at_us(from.number());
    made.result.bytes = from.text();
    made.result.type = from.text();
    return made;
}

attempt_report report_from(reader from) {
    attempt_report made;
    made.epoch = from.number();
    made.attempt = from.small();
    made.started = at_us(from.number());
    made.ended = at_us(from.number());
    made.worker = from.text();
    made.error = from.text();
    return made;
}

}  // namespace

result<rows, store_error> ledger::ask(std::string_view sql, parameters with) {
    auto answer = core_->lines.run({sql, std::move(with)}, repeatable::yes);
    if (!answer) return failure(std::move(answer).error().error);
    return *std::move(answer);
}

result<rows, store_error> ledger::ask_now(std::string_view sql, parameters with) {
    const statement both[]{{"select promote_due()"}, {sql, std::move(with)}};
    auto answers = core_->lines.run(both, repeatable::yes);
    if (!answers) return failure(std::move(answers).error().error);
    return std::move(answers->back());
}

result<std::vector<record>, store_error> ledger::records(std::string_view sql, parameters with) {
    auto found = ask_now(sql, std::move(with));
    if (!found) return failure(std::move(found).error());
    std::vector<record> made;
    std::vector<std::int64_t> ids;
    std::unordered_map<std::int64_t, std::size_t> places;
    for (int row = 0; row < found->count(); ++row) {
        made.push_back(record_from(reader(*found, row)));
        ids.push_back(made.back().id.number);
        places.emplace(ids.back(), made.size() - 1);
    }
    if (ids.empty()) return made;
    auto errors =
        ask("select job, epoch, attempt, started, ended, worker_name, error from failure where job = any ($1) "
            "order by job, epoch",
            parameters().add(std::span(std::as_const(ids))));
    if (!errors) return failure(std::move(errors).error());
    for (int row = 0; row < errors->count(); ++row)
        made[places.at(errors->number(row, 0))].errors.push_back(report_from(reader(*errors, row, 1)));
    return made;
}

result<std::optional<record>, store_error> ledger::find(job_id id) {
    static const std::string sql = record_columns + "id = $1";
    auto found = records(sql, parameters().add(id.number));
    if (!found) return failure(std::move(found).error());
    if (found->empty()) return std::optional<record>();
    return std::optional<record>(std::move(found->front()));
}

result<std::vector<record>, store_error> ledger::list(const filter& which, const page& part) {
    static const std::string newest = record_columns + filter_sql + newest_first_sql;
    static const std::string oldest = record_columns + filter_sql + oldest_first_sql;
    parameters with = filter_parameters(which);
    with.add(part.beyond.number).add(static_cast<std::int64_t>(part.most));
    return records(part.by == order::newest_first ? newest : oldest, std::move(with));
}

result<std::uint64_t, store_error> ledger::counted(const filter& which) {
    parameters of;
    if (which.queue.empty())
        of.null(oid::text);
    else
        of.add(which.queue);
    auto found = ask_now("select counts from queue_state where $1::text is null or name = $1", std::move(of));
    if (!found) return failure(std::move(found).error());
    std::uint64_t sum = 0;
    for (int row = 0; row < found->count(); ++row) {
        const std::vector<std::int64_t> counts = reader(*found, row).numbers();
        for (std::size_t i = 0; i != states; ++i)
            if (which.states.empty() || std::ranges::find(which.states, static_cast<state>(i)) != which.states.end())
                sum += static_cast<std::uint64_t>(counts.at(i));
    }
    return sum;
}

result<std::uint64_t, store_error> ledger::count(const filter& which) {
    if (jobs::detail::is_counted(which)) return counted(which);
    static const std::string sql = std::string("select count(*) from every_job where ") + filter_sql;
    auto answer = ask_now(sql, filter_parameters(which));
    if (!answer) return failure(std::move(answer).error());
    return static_cast<std::uint64_t>(answer->number(0, 0));
}

result<std::vector<queue_report>, store_error> ledger::queues() {
    auto found = ask_now(
        "select name, paused, running, running_per_key, rate, burst, rate_per_key, burst_per_key, fair, weight_keys, "
        "weights, counts, oldest from queue_state order by name",
        {});
    if (!found) return failure(std::move(found).error());
    std::vector<queue_report> made;
    for (int row = 0; row < found->count(); ++row) {
        reader from(*found, row);
        queue_report& each = made.emplace_back();
        each.name = from.text();
        each.paused = from.flag();
        each.limits.running = static_cast<unsigned>(from.number());
        each.limits.running_per_key = static_cast<unsigned>(from.number());
        each.limits.rate = from.real();
        each.limits.burst = static_cast<unsigned>(from.number());
        each.limits.rate_per_key = from.real();
        each.limits.burst_per_key = static_cast<unsigned>(from.number());
        each.limits.fair = from.flag();
        const std::vector<std::string> keys = from.texts();
        const std::vector<double> weights = from.reals();
        for (std::size_t i = 0; i < std::min(keys.size(), weights.size()); ++i)
            each.limits.weights[keys[i]] = weights[i];
        const std::vector<std::int64_t> counts = from.numbers();
        for (std::size_t i = 0; i < each.counts.size(); ++i) each.counts[i] = static_cast<std::uint64_t>(counts.at(i));
        each.completed = static_cast<std::uint64_t>(counts.at(states));
        each.failed = static_cast<std::uint64_t>(counts.at(states + 1));
        if (!from.is_null()) each.oldest_available = at_us(from.number());
    }
    return made;
}

result<std::vector<worker_report>, store_error> ledger::workers() {
    auto found =
        ask("select id, name, queues, started, last_beat, workers, busy, completed, failed, not gone and expires > "
            "now_us(), "
            "wanted from worker order by id");
    if (!found) return failure(std::move(found).error());
    std::vector<worker_report> made;
    for (int row = 0; row < found->count(); ++row) {
        reader from(*found, row);
        worker_report& each = made.emplace_back();
        each.number = from.number();
        each.name = from.text();
        each.queues = from.texts();
        each.started = at_us(from.number());
        each.last_beat = at_us(from.number());
        each.how.workers = static_cast<unsigned>(from.number());
        each.how.busy = static_cast<unsigned>(from.number());
        each.how.completed = static_cast<std::uint64_t>(from.number());
        each.how.failed = static_cast<std::uint64_t>(from.number());
        each.alive = from.flag();
        if (!from.is_null()) each.workers_wanted = static_cast<unsigned>(from.number());
    }
    return made;
}

result<std::vector<log_part>, store_error> ledger::logs(job_id id) {
    auto found =
        ask("select epoch, head || tail, left_out from log where job = $1 order by epoch", parameters().add(id.number));
    if (!found) return failure(std::move(found).error());
    std::vector<log_part> made;
    for (int row = 0; row < found->count(); ++row)
        made.push_back({found->number(row, 0), found->text(row, 1), static_cast<std::uint64_t>(found->number(row, 2))});
    return made;
}

}  // namespace gm::stores::pg
