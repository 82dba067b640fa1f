// What running jobs record besides their end.
#include <algorithm>
#include <string_view>
#include <utility>

#include "ledger.hpp"

namespace gm::stores::in_memory {

namespace {

// The first half is filled first. The last half is cut now and then only, so that appending stays cheap.
void append(attempt_log& to, std::string_view text, std::size_t most) {
    const std::size_t first = most / 2, last = most - first;
    if (to.head.size() < first && to.tail.empty()) {
        const std::size_t fits = std::min(text.size(), first - to.head.size());
        to.head += text.substr(0, fits);
        text.remove_prefix(fits);
    }
    to.tail += text;
    if (to.tail.size() <= last) return;
    to.left_out += to.tail.size() - last;
    to.tail.erase(0, to.tail.size() - last);
}

attempt_log& log_of(row& job) {
    std::vector<attempt_log>& logs = job.rare().logs;
    if (logs.empty() || logs.back().epoch != job.epoch) logs.push_back({job.epoch, {}, {}, 0});
    return logs.back();
}

}  // namespace

result<std::vector<settled>, store_error> memory_ledger::note(std::span<const job_note> notes) {
    const visit here(house_);
    std::vector<settled> outcomes;
    outcomes.reserve(notes.size());
    for (const job_note& each : notes) {
        row* const job = house_.claimed(each.which);
        outcomes.push_back(job ? settled::yes : settled::refused);
        if (!job) continue;
        if (each.progress) job->rare().progress = std::clamp(*each.progress, 0.0, 1.0);
        if (!each.note.empty()) job->rare().note = each.note;
        if (!each.log.empty()) append(log_of(*job), each.log, house_.limits.log);
    }
    return outcomes;
}

result<std::vector<step>, store_error> memory_ledger::steps(job_id id) {
    const visit here(house_);
    const row* const found = house_.jobs.find(id.number);
    return found && found->more ? found->more->steps : std::vector<step>();
}

// The same name again: the later one counts.
result<settled, store_error> memory_ledger::put_step(token which, const step& done) {
    if (done.name.empty() || done.name.size() > house_.limits.name)
        return failure(store_error{store_fault::invalid, "step: its name is empty or too long"});
    if (done.result.bytes.size() > house_.limits.result)
        return failure(store_error{store_fault::invalid, "step '" + done.name + "': its result is too long"});
    const visit here(house_);
    row* const job = house_.claimed(which);
    if (!job) return settled::refused;
    std::vector<step>& steps = job->rare().steps;
    const auto same = std::ranges::find(steps, done.name, &step::name);
    if (same != steps.end())
        same->result = done.result;
    else
        steps.push_back(done);
    return settled::yes;
}

}  // namespace gm::stores::in_memory
