// What is there.
#include "ledger.hpp"
#include "search.hpp"

namespace gm::stores::in_memory {

result<std::optional<record>, store_error> memory_ledger::find(job_id id) {
    const visit here(house_);
    row* const found = house_.jobs.find(id.number);
    if (!found) return std::optional<record>();
    house_.promote(*found->queue);
    return std::optional<record>(record_of(*found));
}

result<std::vector<record>, store_error> memory_ledger::list(const filter& which, const page& part) {
    std::vector<record> found;
    if (part.most == 0) return found;
    search(house_, which, part.by, part.beyond, [&](row& job) {
        found.push_back(record_of(job));
        return found.size() < part.most;
    });
    return found;
}

result<std::uint64_t, store_error> memory_ledger::count(const filter& which) {
    std::uint64_t found = 0;
    search(house_, which, order::oldest_first, {}, [&](row&) { return ++found, true; });
    return found;
}

result<std::vector<queue_report>, store_error> memory_ledger::queues() {
    const visit here(house_);
    house_.promote_all();
    std::vector<queue_report> reports;
    for (const auto& [name, each] : house_.queues)
        reports.push_back({name, each->paused(), each->limits(), each->counts, each->completed, each->failed,
                           each->oldest_available()});
    return reports;
}

result<std::vector<worker_report>, store_error> memory_ledger::workers() {
    const visit here(house_);
    std::vector<worker_report> reports;
    for (const auto& [number, each] : house_.workers) {
        worker_report made{number,          *each->name, {},           each->started,
                           each->last_beat, each->how,   each->wanted, each->is_good(house_.now)};
        for (const queue* from : each->queues) made.queues.push_back(from->name);
        reports.push_back(std::move(made));
    }
    return reports;
}

result<std::vector<log_part>, store_error> memory_ledger::logs(job_id id) {
    const visit here(house_);
    std::vector<log_part> parts;
    const row* const found = house_.jobs.find(id.number);
    if (found && found->more)
        for (const attempt_log& each : found->more->logs)
            parts.push_back({each.epoch, each.head + each.tail, each.left_out});
    return parts;
}

}  // namespace gm::stores::in_memory
