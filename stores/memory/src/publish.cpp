// Jobs go in: all of them, or none.
#include "house.hpp"

namespace gm::stores::in_memory {

std::string house::fault_of_all(std::span<const new_job> from) {
    for (std::size_t i = 0; i != from.size(); ++i) {
        const new_job& each = from[i];
        std::string fault = fault_of(each, limits);
        for (job_id parent : each.after) {
            if (!fault.empty()) break;
            if (!jobs.find(parent.number)) fault = "after: there is no job " + std::to_string(parent.number);
        }
        if (!fault.empty()) return from.size() == 1 ? fault : "job " + std::to_string(i) + ": " + fault;
    }
    return {};
}

std::vector<published> house::insert_all(std::span<const new_job> from) {
    std::vector<published> outcomes;
    outcomes.reserve(from.size());
    for (const new_job& each : from) {
        const std::string* const kind = interned(each.kind);
        if (each.unique)
            if (const std::int64_t other = keys.holder(kind, each.unique->key, now)) {
                outcomes.push_back({published::duplicate, {other}});
                continue;
            }
        outcomes.push_back({published::accepted, {insert(each, kind).id}});
    }
    return outcomes;
}

row& house::insert(const new_job& from, const std::string* kind) {
    row& made = jobs.add();
    made.kind = kind;
    made.queue = &queue_named(from.queue);
    made.lane = &made.queue->lane_of(from.key);
    ++made.lane->rows;
    made.arguments = from.arguments;
    made.priority = static_cast<std::int8_t>(from.priority);
    made.timeout = from.timeout;
    made.inserted = now;
    made.run_at = std::max(from.run_at, now);
    if (!from.tags.empty()) made.rare().tags = from.tags;
    if (from.retry) made.rare().retry = from.retry;
    if (from.unique) {
        made.rare().unique = from.unique;
        made.holds_key = from.unique->until != unique_for::window;
        keys.take(kind, *from.unique, made.id, now);
    }
    ++made.queue->counts[static_cast<std::size_t>(state::waiting)];
    if (!from.after.empty()) {
        made.rare().after = from.after;
        made.rare().orphaned = from.orphaned;
        bind(made);
    } else {
        step(made, made.run_at > now ? state::scheduled : state::available);
    }
    return made;
}

}  // namespace gm::stores::in_memory
