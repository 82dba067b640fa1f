#include <gristmill/jobs/client.hpp>

#include <algorithm>
#include <span>

#include <gristmill/blocking.hpp>
#include <gristmill/jobs/registry.hpp>
#include <gristmill/timer.hpp>

namespace gm::jobs {

namespace {

constexpr std::chrono::milliseconds first_look(1), rarest_look(1000);

std::chrono::milliseconds longer(std::chrono::milliseconds pause) { return std::min(2 * pause, rarest_look); }

insert_error as_insert_error(store_error why) { return {why.fault, std::move(why.what)}; }

// Nothing: not over yet.
std::optional<result<record, wait_error>> end_of(result<std::optional<record>, store_error> found) {
    if (!found) {
        if (found.error().passing()) return std::nullopt;
        return failure(wait_error{wait_error::store, std::move(found).error().what});
    }
    if (!*found) return failure(wait_error{wait_error::missing, "there is no such job (any more)"});
    if (!is_over((*found)->state)) return std::nullopt;
    return **std::move(found);
}

}  // namespace

insert_error client::wrong_arguments(field_error why, std::optional<std::size_t> index) {
    const std::string where = index ? "arguments of job " + std::to_string(*index) + ": " : "arguments: ";
    return {store_fault::invalid, where + why.path + ": " + why.what, std::move(why.path)};
}

new_job client::made(std::string name, body arguments, insert_options options) const {
    new_job job;
    job.kind = std::move(name);
    job.arguments = std::move(arguments);
    if (!options.queue.empty())
        job.queue = std::move(options.queue);
    else if (const kind* const known = kinds_ ? kinds_->find(job.kind) : nullptr)
        job.queue = known->options.queue;
    job.key = std::move(options.key);
    job.priority = options.priority;
    job.run_at = options.run_at;
    if (options.delay.count() > 0 && options.run_at == wall_time{}) job.run_at = store_->now() + options.delay;
    job.tags = std::move(options.tags);
    job.timeout = options.timeout;
    job.retry = options.retry;
    job.unique = std::move(options.unique);
    job.after = std::move(options.after);
    job.orphaned = options.orphaned;
    return job;
}

std::optional<insert_error> client::fault_of(const new_job& job) const {
    if (!kinds_) return std::nullopt;
    const kind* const known = kinds_->find(job.kind);
    if (!known) return insert_error{store_fault::invalid, "kind: there is no '" + job.kind + "' in the registry"};
    if (auto fault = known->fault_of(job.arguments)) return wrong_arguments(*std::move(fault));
    return std::nullopt;
}

result<inserted, insert_error> client::insert_one(new_job job) {
    if (auto fault = fault_of(job)) return failure(*std::move(fault));
    auto answer = store_->sink().publish(std::span(&job, 1));
    if (!answer) return failure(as_insert_error(std::move(answer).error()));
    const published& outcome = answer->front();
    switch (outcome.outcome) {
        case published::accepted: return inserted{outcome.id, false};
        case published::duplicate: return inserted{outcome.id, true};
        case published::unroutable:
            return failure(
                insert_error{store_fault::missing, "there is nowhere a job of the queue '" + job.queue + "' would go"});
        case published::unknown: break;
    }
    return failure(insert_error{store_fault::unreachable, "the store went away before it answered", {}, true});
}

result<std::vector<inserted>, insert_error> client::insert_all(std::vector<new_job> jobs) {
    for (const new_job& job : jobs)
        if (auto fault = fault_of(job)) return failure(*std::move(fault));
    auto answer = store_->sink().publish(jobs);
    if (!answer) return failure(as_insert_error(std::move(answer).error()));
    std::vector<inserted> all;
    all.reserve(answer->size());
    for (const published& each : *answer) {
        if (each.outcome == published::unroutable || each.outcome == published::unknown)
            return failure(insert_error{store_fault::unreachable,
                                        "of " + std::to_string(jobs.size()) + " jobs, number " +
                                            std::to_string(all.size()) + " was not confirmed",
                                        {},
                                        true});
        all.push_back({each.id, each.outcome == published::duplicate});
    }
    return all;
}

result<ledger*, store_error> client::asked() {
    if (ledger* const there = store_->ledger()) return there;
    return failure(store_error{store_fault::unsupported, store_->name() + " cannot be asked about jobs"});
}

result<std::optional<record>, store_error> client::find(job_id id) {
    auto ask = asked();
    if (!ask) return failure(std::move(ask).error());
    return (*ask)->find(id);
}

result<bool, store_error> client::cancel(job_id id) {
    auto ask = asked();
    if (!ask) return failure(std::move(ask).error());
    auto changed = (*ask)->cancel(filter{.ids = {id}});
    if (!changed) return failure(std::move(changed).error());
    return *changed != 0;
}

result<bool, store_error> client::retry(job_id id) {
    auto ask = asked();
    if (!ask) return failure(std::move(ask).error());
    auto changed = (*ask)->retry(filter{.ids = {id}});
    if (!changed) return failure(std::move(changed).error());
    return *changed != 0;
}

result<std::optional<job_progress>, store_error> client::progress(job_id id) {
    auto found = find(id);
    if (!found) return failure(std::move(found).error());
    if (!*found) return std::optional<job_progress>();
    record& job = **found;
    return std::optional(job_progress{job.state, job.progress, std::move(job.note)});
}

result<record, wait_error> client::wait(job_id id, const until& limit, std::source_location where) {
    auto ask = asked();
    if (!ask) return failure(wait_error{wait_error::store, std::move(ask).error().what});
    const gm::detail::limits& end = limit.limits();
    for (std::chrono::milliseconds pause = first_look;; pause = longer(pause)) {
        if (auto over = end_of((*ask)->find(id))) return *std::move(over);
        if (end.has_deadline && end.deadline <= gm::now())
            return failure(wait_error{wait_error::timed_out, "the job is not over yet"});
        // The shorter of this pause and what is left: `until` can be made from a context and a time, not from two times.
        gm::detail::limits next = end;
        next.deadline = gm::now() + pause;
        if (end.has_deadline) next.deadline = std::min(next.deadline, end.deadline);
        next.has_deadline = true;
        if (gm::detail::sleep_here(next, where) == channel_status::cancelled)
            return failure(wait_error{wait_error::cancelled, "the wait was cancelled"});
    }
}

task<result<record, wait_error>> client::async_wait(job_id id, gm::context ctx) {
    auto ask = asked();
    if (!ask) co_return failure(wait_error{wait_error::store, std::move(ask).error().what});
    ledger& from = **ask;
    for (std::chrono::milliseconds pause = first_look;; pause = longer(pause)) {
        auto found = co_await gm::blocking([&] { return from.find(id); });
        if (auto over = end_of(std::move(found))) co_return *std::move(over);
        const channel_status slept = co_await gm::async_sleep(pause, ctx);
        if (slept != channel_status::ok) co_return failure(wait_error{wait_error::cancelled, "the wait was cancelled"});
    }
}

}  // namespace gm::jobs
