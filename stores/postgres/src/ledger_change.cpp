#include <string>
#include <utility>

#include "encode.hpp"
#include "filter.hpp"
#include "ledger.hpp"

namespace gm::stores::pg {

using namespace jobs;

namespace {

// `call` is made with the ids of one page, and gives how many were changed and one that conflicts.
std::string in_steps(const std::string& call, const char* order_sql) {
    return std::string("with page as materialized (select id from every_job where ") + filter_sql + order_sql +
           "), ids as materialized (select array_agg(id) as ids, count(*) as n, min(id) as low, max(id) as high from "
           "page)"
           " select n, " +
           (order_sql == newest_first_sql ? "low" : "high") + ", c.* from ids, lateral " + call;
}

store_error invalid(std::string what) { return {store_fault::invalid, std::move(what)}; }

}  // namespace

result<ledger::changed, store_error> ledger::change(std::string_view sql, const filter& which, const parameters* more) {
    constexpr std::int64_t page = 1000;
    changed all;
    for (std::int64_t beyond = 0;;) {
        parameters with = filter_parameters(which);
        with.add(beyond).add(page);
        if (more) with.append(*more);
        auto answer = ask_now(sql, std::move(with));
        if (!answer) return failure(std::move(answer).error());
        beyond = answer->number(0, 1);
        all.count += static_cast<std::uint64_t>(answer->number(0, 2));
        if (all.conflicting == 0) all.conflicting = answer->number(0, 3);
        if (answer->number(0, 0) < page) return all;
    }
}

result<std::uint64_t, store_error> ledger::cancel(const filter& which) {
    static const std::string sql = in_steps("(select cancel(ids, $2), null::bigint) c", oldest_first_sql);
    auto done = change(sql, which);
    if (!done) return failure(std::move(done).error());
    return done->count;
}

result<std::uint64_t, store_error> ledger::retry(const filter& which) {
    static const std::string sql = in_steps("revive(ids) c", oldest_first_sql);
    auto done = change(sql, which);
    if (!done) return failure(std::move(done).error());
    // Those whose keys were free have been revived all the same, as they would be without the names.
    if (done->conflicting != 0 && !which.ids.empty())
        return failure(store_error{store_fault::conflict, "job " + std::to_string(done->conflicting) +
                                                              ": another job has its unique key now"});
    return done->count;
}

// Children first, or they would hold their parents.
result<std::uint64_t, store_error> ledger::remove(const filter& which) {
    static const std::string sql = in_steps("(select remove(ids), null::bigint) c", newest_first_sql);
    auto done = change(sql, which);
    if (!done) return failure(std::move(done).error());
    return done->count;
}

result<std::uint64_t, store_error> ledger::set_priority(const filter& which, int priority) {
    if (priority < least_priority || priority > greatest_priority)
        return failure(invalid("priority: " + std::to_string(priority) + " is out of range"));
    static const std::string sql = in_steps("(select prioritize(ids, $15), null::bigint) c", oldest_first_sql);
    parameters more;
    more.add(static_cast<std::int16_t>(priority));
    auto done = change(sql, which, &more);
    if (!done) return failure(std::move(done).error());
    return done->count;
}

result<bool, store_error> ledger::pause(const std::string& queue, bool paused) {
    auto answer = ask("select pause($1, $2)", parameters().add(queue).add(paused));
    if (!answer) return failure(std::move(answer).error());
    if (!paused) core_->hearing.ring(queue);
    return answer->flag(0, 0);
}

result<bool, store_error> ledger::limit(const std::string& queue, const queue_limits& limits) {
    if (std::string fault = fault_of(limits); !fault.empty()) return failure(invalid(std::move(fault)));
    array_parameter keys;
    std::string weights = "{";
    for (const auto& [key, weight] : limits.weights) {
        keys.add(std::string_view(key));
        weights += (weights.size() > 1 ? "," : "") + shortest(weight);
    }
    auto answer =
        ask("select limit_queue($1, $2, $3, $4, $5, $6, $7, $8, coalesce((select jsonb_object_agg(k, w) from "
            "unnest($9::text[], $10::text::double precision[]) u (k, w)), '{}'))",
            parameters()
                .add(queue)
                .add(static_cast<std::int32_t>(limits.running))
                .add(static_cast<std::int32_t>(limits.running_per_key))
                .add(limits.rate)
                .add(static_cast<std::int32_t>(limits.burst))
                .add(limits.rate_per_key)
                .add(static_cast<std::int32_t>(limits.burst_per_key))
                .add(limits.fair)
                .add(keys, oid::text_array)
                .add(weights + "}"));
    if (!answer) return failure(std::move(answer).error());
    core_->hearing.ring(queue);
    return answer->flag(0, 0);
}

result<std::uint64_t, store_error> ledger::scale(std::int64_t worker, unsigned workers) {
    auto answer =
        ask("with asked as (update worker set wanted = $2 where $1 in (0, id) returning 1) select count(*) from asked",
            parameters().add(worker).add(static_cast<std::int32_t>(workers)));
    if (!answer) return failure(std::move(answer).error());
    return static_cast<std::uint64_t>(answer->number(0, 0));
}

result<bool, store_error> ledger::retain(const retention& how) {
    auto answer =
        ask("with changed as (update setting set completed_for = $1, cancelled_for = $2, dead_for = $3 "
            "where (completed_for, cancelled_for, dead_for) is distinct from ($1, $2, $3) returning 1) "
            "select count(*) from changed",
            parameters()
                .add(std::int64_t{how.completed.count()})
                .add(std::int64_t{how.cancelled.count()})
                .add(std::int64_t{how.dead.count()}));
    if (!answer) return failure(std::move(answer).error());
    return answer->number(0, 0) > 0;
}

}  // namespace gm::stores::pg
