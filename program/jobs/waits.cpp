#include "program/jobs/waits.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <gristmill/jobs/near.hpp>

#include "program/cli/moments.hpp"
#include "program/run/shell_scan.hpp"

namespace gm::program {

namespace {

using jobs::record;
using jobs::state;
using jobs::store_error;
using answer = result<std::optional<wait_reason>, store_error>;

constexpr std::size_t most_looked_at = 1'000;  // jobs
constexpr std::size_t most_kinds = 20;         // kinds are anybody's words

answer nothing() { return std::optional<wait_reason>(); }
answer because(std::string_view what, std::string says, std::string advice = {}) {
    return std::optional(wait_reason{what, std::move(says), std::move(advice)});
}

std::string counted(std::uint64_t count, const char* one, const char* many) {
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

// A claim that ended with a later time and nothing else: its handler has snoozed it, or there was none.
bool was_put_off(const record& job) { return job.state == state::scheduled && job.epoch != 0; }

// What only a handler can have brought about, or is about to.
const std::vector<state> handled{state::running, state::retrying, state::completed, state::dead};

// ": did you mean 'x'?" of the kinds that have run here, if one is written nearly like it.
result<std::string, store_error> near_kind(jobs::ledger& of, const std::string& kind) {
    const auto some = of.list({.states = handled}, {.most = most_looked_at});
    if (!some) return failure(store_error(some.error()));
    std::set<std::string_view> known;
    for (const record& each : *some) known.insert(each.kind);
    return jobs::did_you_mean(kind, std::vector<std::string_view>(known.begin(), known.end()));
}

std::string how_to_handle(const std::string& kind) {
    if (kind == "exec") return "gristmill work --allow-exec";
    return "start a worker that knows it, as gristmill work --on " + shell_word(kind) + "=COMMAND";
}

class inquiry {
public:
    inquiry(jobs::store& store, const record& job) : ledger_(*store.ledger()), job_(job), now_(store.now()) {}

    // What it comes after.
    answer parents() {
        for (const jobs::job_id each : job_.blocked_by) {
            const auto parent = ledger_.find(each);
            if (!parent) return failure(store_error(parent.error()));
            if (!*parent || !is_over((*parent)->state)) continue;
            return because("jobs",
                           "job " + std::to_string(each.number) + ", which it comes after, is " +
                               std::string(name_of((*parent)->state)),
                           "gristmill retry " + std::to_string(each.number));
        }
        return because("jobs", counted(job_.blocked_by.size(), "job", "jobs") + " that it comes after " +
                                   (job_.blocked_by.size() == 1 ? "is" : "are") + " not over");
    }

    // Of one that may be claimed, now or later.
    answer run() {
        const auto queues = ledger_.queues();
        if (!queues) return failure(store_error(queues.error()));
        const auto queue = std::ranges::find(*queues, job_.queue, &jobs::queue_report::name);
        if (queue != queues->end()) queue_ = *queue;
        const auto crew = ledger_.workers();
        if (!crew) return failure(store_error(crew.error()));
        for (const jobs::worker_report& each : *crew)
            if (each.alive && std::ranges::find(each.queues, job_.queue) != each.queues.end()) crew_.push_back(each);
        for (const auto question : {&inquiry::pause, &inquiry::time, &inquiry::worker, &inquiry::running,
                                    &inquiry::running_per_key, &inquiry::alone}) {
            answer found = (this->*question)();
            if (!found || *found) return found;
        }
        return turn();
    }

private:
    answer pause() {
        if (!queue_.paused) return nothing();
        return because("paused", "its queue is paused", "gristmill resume " + shell_word(job_.queue));
    }

    answer time() {
        if (job_.state == state::available || job_.run_at <= now_) return nothing();
        const std::string at = with_age(job_.run_at, now_);
        if (job_.state == state::retrying) return because("retry", "it has failed, and is tried again at " + at);
        if (!was_put_off(job_)) return because("time", "it is to run at " + at);
        const auto known = ledger_.count({.states = handled, .kind = job_.kind});
        if (!known) return failure(store_error(known.error()));
        if (*known != 0)
            return because("time", "put off until " + at + ", by its handler or a worker that has none for its kind");
        const auto hint = near_kind(ledger_, job_.kind);
        if (!hint) return failure(store_error(hint.error()));
        return because("kind",
                       "put off until " + at + ": no worker of its queue seems to have a handler for the kind '" +
                           job_.kind + "'" + *hint,
                       how_to_handle(job_.kind));
    }

    answer worker() {
        if (!crew_.empty()) return nothing();
        const std::string handler = job_.kind == "exec" ? "--allow-exec" : "--on " + shell_word(job_.kind) + "=COMMAND";
        return because("worker", "no live worker serves its queue",
                       "gristmill work --queue " + shell_word(job_.queue) + ' ' + handler);
    }

    answer running() {
        const std::uint64_t run = queue_.counts[static_cast<std::size_t>(state::running)];
        if (queue_.limits.running == 0 || run < queue_.limits.running) return nothing();
        return because("running", "the limit of its queue is reached: " + std::to_string(run) + " of " +
                                      std::to_string(queue_.limits.running) + " run or are at hand");
    }

    answer running_per_key() {
        if (queue_.limits.running_per_key == 0) return nothing();
        const auto run =
            ledger_.list({.states = {state::running}, .queue = job_.queue, .key = job_.key}, {.most = most_looked_at});
        if (!run) return failure(store_error(run.error()));
        const auto of_key = std::ranges::count(*run, job_.key, &record::key);  // those without a key are one, too
        if (static_cast<std::uint64_t>(of_key) < queue_.limits.running_per_key) return nothing();
        return because("running_per_key", "the limit of its key" +
                                              (job_.key.empty() ? " (none)" : " '" + job_.key + "'") +
                                              " is reached: " + std::to_string(of_key) + " of " +
                                              std::to_string(queue_.limits.running_per_key) + " run or are at hand");
    }

    answer alone() {
        if (job_.crashes == 0) return nothing();
        return because("alone", counted(static_cast<std::uint64_t>(job_.crashes), "worker has", "workers have") +
                                    " died under it, so it waits for one that holds nothing else");
    }

    answer turn() {
        const auto before = standing();
        if (!before) return failure(store_error(before.error()));
        if (queue_.limits.rate > 0 || queue_.limits.rate_per_key > 0)
            return because("rate", "a rate limits how often jobs of its queue start; " + *before);
        unsigned busy = 0, hands = 0;
        for (const jobs::worker_report& each : crew_) busy += each.how.busy, hands += each.how.workers;
        return because("turn", *before + "; " + std::to_string(busy) + " of " + counted(hands, "worker", "workers") +
                                   " of its queue " + (hands == 1 ? "is" : "are") + " busy");
    }

    // How many jobs stand before it, if that can be told.
    result<std::string, store_error> standing() {
        const jobs::filter ready{.states = {state::available}, .queue = job_.queue};
        const auto count = ledger_.count(ready);
        if (!count) return failure(store_error(count.error()));
        if (queue_.limits.fair || *count > most_looked_at)
            return counted(*count, "job is", "jobs are") + " ready in its queue" +
                   (queue_.limits.fair ? ", and keys take turns" : "");
        const auto all = ledger_.list(ready, {.most = most_looked_at});
        if (!all) return failure(store_error(all.error()));
        const auto place = [](const record& of) {
            return std::pair(of.run_at - of.priority * jobs::priority_step, of.id);
        };
        const auto before = std::ranges::count_if(
            *all, [&](const record& each) { return each.crashes == 0 && place(each) < place(job_); });
        if (before == 0) return std::string("it is the next one");
        return counted(static_cast<std::uint64_t>(before), "job stands", "jobs stand") + " before it";
    }

    jobs::ledger& ledger_;
    const record& job_;
    const jobs::wall_time now_;
    jobs::queue_report queue_{};
    std::vector<jobs::worker_report> crew_;  // alive, and of its queue
};

}  // namespace

answer why_it_waits(jobs::store& store, const record& job) {
    if (job.state == state::running || is_over(job.state)) return nothing();
    inquiry about(store, job);
    return job.state == state::waiting ? about.parents() : about.run();
}

result<std::vector<unhandled_kind>, store_error> unhandled_kinds(jobs::ledger& of) {
    const auto later = of.list({.states = {state::scheduled}}, {.most = most_looked_at});
    if (!later) return failure(store_error(later.error()));
    std::map<std::string, std::uint64_t> put_off;
    for (const record& each : *later)
        if (was_put_off(each) && (put_off.size() < most_kinds || put_off.contains(each.kind))) ++put_off[each.kind];
    std::vector<unhandled_kind> found;
    for (const auto& [kind, count] : put_off) {
        const auto known = of.count({.states = handled, .kind = kind});
        if (!known) return failure(store_error(known.error()));
        if (*known != 0) continue;
        const auto hint = near_kind(of, kind);
        if (!hint) return failure(store_error(hint.error()));
        found.push_back({kind, count, *hint, how_to_handle(kind)});
    }
    return found;
}

}  // namespace gm::program
