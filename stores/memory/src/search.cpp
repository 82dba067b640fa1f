#include "search.hpp"

#include <ranges>
#include <string_view>
#include <vector>

namespace gm::stores::in_memory {

namespace {

constexpr int step_size = 4096;  // jobs looked at in one step

template <class T>
bool among(const std::vector<T>& some, const T& one) {
    return some.empty() || std::ranges::find(some, one) != some.end();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

bool meets(const row& job, const filter& which) {
    const extras* const more = job.more.get();
    if (!which.queue.empty() && job.queue->name != which.queue) return false;
    if (!which.kind.empty() && *job.kind != which.kind) return false;
    if (!which.key.empty() && job.lane->key != which.key) return false;
    if (!among(which.states, job.state) || !among(which.ids, job_id{job.id})) return false;
    if (!which.tag.empty() && (!more || more->tags.empty() || !among(more->tags, which.tag))) return false;
    if (!which.worker.empty() && (!job.worker_name || *job.worker_name != which.worker)) return false;
    if (!which.text.empty() && !has(job.arguments.bytes, which.text) &&
        (!more || more->errors.empty() || !has(more->errors.back().error, which.text)))
        return false;
    if (which.inserted_before && job.inserted >= *which.inserted_before) return false;
    if (which.inserted_after && job.inserted <= *which.inserted_after) return false;
    if ((which.finished_before || which.finished_after) && !is_over(job.state)) return false;
    if (which.finished_before && job.finished >= *which.finished_before) return false;
    return !which.finished_after || job.finished > *which.finished_after;
}

namespace {

// In their order, from the one after `beyond`.
void search_named(house& at, const filter& which, order by, job_id beyond, const std::function<bool(row&)>& each) {
    std::vector<job_id> ids = which.ids;
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (by == order::newest_first) std::ranges::reverse(ids);
    const visit here(at);
    at.promote_all();
    for (job_id id : ids) {
        if (beyond && (by == order::newest_first ? id >= beyond : id <= beyond)) continue;
        row* const job = at.jobs.find(id.number);
        if (job && meets(*job, which) && !each(*job)) return;
    }
}

}  // namespace

void search(house& at, const filter& which, order by, job_id beyond, const std::function<bool(row&)>& each) {
    if (!which.ids.empty()) return search_named(at, which, by, beyond, each);
    const bool back = by == order::newest_first;
    std::int64_t next = back ? beyond.number - 1 : beyond.number + 1, last = -1;
    while (true) {
        const visit here(at);
        at.promote_all();
        if (last < 0) {
            last = at.jobs.last_id();
            if (back && !beyond) next = last;
        }
        for (int left = step_size;; --left) {
            row* const job = back ? at.jobs.back_from(next) : at.jobs.from(next);
            if (!job || job->id > last) return;
            next = back ? job->id - 1 : job->id + 1;
            if (meets(*job, which) && !each(*job)) return;
            if (left == 0) break;
        }
    }
}

}  // namespace gm::stores::in_memory
