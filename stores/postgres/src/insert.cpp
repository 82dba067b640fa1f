#include "insert.hpp"

#include <algorithm>
#include <string_view>
#include <thread>
#include <utility>

#include "encode.hpp"

namespace gm::stores::pg {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t most_in_statement = 2'000, most_bytes_in_statement = 4 << 20;
constexpr std::size_t most_together = 1'000;
constexpr int most_flying = 2;
constexpr std::size_t largest_block = 1'000;

constexpr std::string_view put =
    "select put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

// A column that most jobs leave empty: null as a whole where all of them do.
template <class Has, class Add>
void add_column(parameters& to, unsigned type, job_pointers jobs, Has has, Add add) {
    if (std::ranges::none_of(jobs, [&](const auto* job) { return has(*job); })) {
        to.null(type);
        return;
    }
    array_parameter column;
    for (const jobs::new_job* const job : jobs)
        if (has(*job))
            add(column, *job);
        else
            column.null();
    to.add(column, type);
}

template <class Add>
void add_column(parameters& to, unsigned type, job_pointers jobs, Add add) {
    array_parameter column;
    for (const jobs::new_job* const job : jobs) add(column, *job);
    to.add(column, type);
}

parameters put_parameters(job_pointers jobs, std::span<const std::int64_t> ids, bool again) {
    using job = const jobs::new_job;
    using array = array_parameter;
    const auto is_unique = [](job& j) { return j.unique.has_value(); };
    const auto has_parents = [](job& j) { return !j.after.empty(); };

    parameters to;
    to.add(again).add(ids);
    add_column(to, oid::text_array, jobs, [](array& a, job& j) { a.add(std::string_view(j.kind)); });
    add_column(to, oid::text_array, jobs, [](array& a, job& j) { a.add(std::string_view(j.queue)); });
    add_column(to, oid::text_array, jobs, [](array& a, job& j) { a.add(std::string_view(j.key)); });
    add_column(to, oid::int2_array, jobs, [](array& a, job& j) { a.add(static_cast<std::int16_t>(j.priority)); });
    add_column(to, oid::int8_array, jobs, [](array& a, job& j) { a.add(us(j.run_at)); });
    add_column(to, oid::bytea_array, jobs, [](array& a, job& j) { a.add(std::string_view(j.arguments.bytes)); });
    add_column(
        to, oid::text_array, jobs, [](job& j) { return !j.arguments.type.empty(); },
        [](array& a, job& j) { a.add(std::string_view(j.arguments.type)); });
    add_column(
        to, oid::int8_array, jobs, [](job& j) { return j.timeout.count() != 0; },
        [](array& a, job& j) { a.add(std::int64_t{j.timeout.count()}); });
    add_column(
        to, oid::text_array, jobs, [](job& j) { return !j.tags.empty(); },
        [](array& a, job& j) { a.add(std::string_view(array_literal(j.tags))); });
    add_column(
        to, oid::text_array, jobs, [](job& j) { return j.retry.has_value(); },
        [](array& a, job& j) { a.add(std::string_view(retry_literal(*j.retry))); });
    add_column(to, oid::text_array, jobs, is_unique, [](array& a, job& j) { a.add(std::string_view(j.unique->key)); });
    add_column(to, oid::int2_array, jobs, is_unique,
               [](array& a, job& j) { a.add(static_cast<std::int16_t>(j.unique->until)); });
    add_column(to, oid::int8_array, jobs, is_unique,
               [](array& a, job& j) { a.add(std::int64_t{j.unique->window.count()}); });
    add_column(to, oid::text_array, jobs, has_parents,
               [](array& a, job& j) { a.add(std::string_view(array_literal(j.after))); });
    add_column(to, oid::int2_array, jobs, has_parents,
               [](array& a, job& j) { a.add(static_cast<std::int16_t>(j.orphaned)); });
    return to;
}

// A job that may have to wait for another transaction, or fail, is not put together with those of others.
bool is_plain(const jobs::new_job& job) { return !job.unique && job.after.empty(); }

}  // namespace

std::vector<const jobs::new_job*> pointers_to(std::span<const jobs::new_job> jobs) {
    std::vector<const jobs::new_job*> made;
    made.reserve(jobs.size());
    for (const jobs::new_job& job : jobs) made.push_back(&job);
    return made;
}

insertion insertion_of(job_pointers jobs, std::span<const std::int64_t> ids, bool again) {
    insertion made;
    while (!jobs.empty()) {
        std::size_t count = 0, bytes = 0;
        while (count < jobs.size() && count < most_in_statement && bytes < most_bytes_in_statement)
            bytes += jobs[count++]->arguments.bytes.size();
        made.list.push_back({put, put_parameters(jobs.first(count), ids.first(count), again), "select put"});
        made.counts.push_back(count);
        jobs = jobs.subspan(count);
        ids = ids.subspan(count);
    }
    return made;
}

publications publications_of(std::span<const std::int64_t> ids, std::span<const std::size_t> counts,
                             std::span<const rows> answers) {
    publications made;
    made.reserve(ids.size());
    for (const std::int64_t id : ids) made.push_back({jobs::published::accepted, {id}});
    std::size_t first = 0;
    for (std::size_t i = 0; i < counts.size(); first += counts[i++]) {
        const std::vector<std::int64_t> holders = answers[i].numbers(0, 0);  // none: all were accepted
        for (std::size_t at = 0; at < holders.size(); ++at)
            if (holders[at] != 0) made[first + at] = {jobs::published::duplicate, {holders[at]}};
    }
    return made;
}

std::string fault_among(std::span<const jobs::new_job> jobs, const jobs::size_limits& limits) {
    for (std::size_t i = 0; i < jobs.size(); ++i)
        if (std::string fault = fault_of(jobs[i], limits); !fault.empty())
            return jobs.size() == 1 ? fault : "job " + std::to_string(i) + ": " + fault;
    return {};
}

outcome<std::vector<std::int64_t>> id_stock::take(std::size_t count) {
    const std::lock_guard lock(mutex_);
    if (ids_.size() < count) {
        const auto wanted = static_cast<std::int64_t>(std::max(count - ids_.size(), block_));
        block_ = std::min(block_ * 2, largest_block);
        auto more = lines_->run(
            {"select array_agg(nextval('job_number')) from generate_series(1, $1)", parameters().add(wanted)},
            repeatable::yes);
        if (!more) return failure(std::move(more).error());
        std::ranges::copy(more->numbers(0, 0), std::back_inserter(ids_));
    }
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<std::int64_t> taken(ids_.begin(), end);
    ids_.erase(ids_.begin(), end);
    return taken;
}

result<publications, jobs::store_error> inserter::publish(std::span<const jobs::new_job> jobs) {
    if (jobs.empty()) return publications{};
    if (std::string fault = fault_among(jobs, limits_); !fault.empty())
        return failure(jobs::store_error{jobs::store_fault::invalid, std::move(fault)});
    auto ids = stock_.take(jobs.size());
    for (const auto end = clock::now() + patience_; !ids && ids.error().lost && clock::now() < end;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        ids = stock_.take(jobs.size());
    }
    if (!ids) return failure(std::move(ids).error().error);
    const bool combine = jobs.size() <= most_together / 10 && std::ranges::all_of(jobs, is_plain);
    const auto pointers = pointers_to(jobs);
    auto answer = combine ? together(pointers, *std::move(ids)) : send(pointers, *ids);
    if (!answer) return failure(std::move(answer).error().error);
    return *std::move(answer);
}

// Until it is known what became of them, or patience ends.
outcome<publications> inserter::send(job_pointers jobs, std::span<const std::int64_t> ids) {
    const auto end = clock::now() + patience_;
    bool ambiguous = false;
    for (;;) {
        const insertion what = insertion_of(jobs, ids, ambiguous);
        auto answers = lines_->run(what.list, repeatable::no);
        if (answers) return publications_of(ids, what.counts, *answers);
        ambiguous = ambiguous || answers.error().ambiguous;
        const bool passing = answers.error().lost || answers.error().is("40P01") || answers.error().is("40001");
        if (!passing || clock::now() >= end) {
            if (!ambiguous) return failure(std::move(answers).error());
            publications unknown;
            for (const std::int64_t id : ids) unknown.push_back({jobs::published::unknown, {id}});
            return unknown;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

outcome<publications> inserter::together(job_pointers jobs, std::vector<std::int64_t> ids) {
    request mine{.jobs = jobs, .ids = std::move(ids)};
    std::unique_lock lock(mutex_);
    waiting_.push_back(&mine);
    while (!mine.done && !mine.alone) {
        if (!mine.taken && flying_ < most_flying)
            lead(lock);
        else
            mine.woken.wait(lock);
    }
    lock.unlock();
    if (mine.alone) return send(mine.jobs, mine.ids);
    if (mine.why) return failure(std::move(*mine.why));
    return std::move(mine.answer);
}

// Sends what waits, the caller's own among it, and wakes those whose it was, and one more to lead next.
void inserter::lead(std::unique_lock<std::mutex>& lock) {
    std::vector<request*> crew;
    std::vector<const jobs::new_job*> jobs;
    std::vector<std::int64_t> ids;
    while (!waiting_.empty() && jobs.size() < most_together) {
        request* const each = waiting_.front();
        waiting_.pop_front();
        each->taken = true;
        crew.push_back(each);
        jobs.insert(jobs.end(), each->jobs.begin(), each->jobs.end());
        ids.insert(ids.end(), each->ids.begin(), each->ids.end());
    }
    ++flying_;
    lock.unlock();
    auto answer = send(jobs, ids);
    lock.lock();
    --flying_;
    auto from = answer ? answer->begin() : publications::iterator();
    for (request* const each : crew) {
        const auto count = static_cast<std::ptrdiff_t>(each->ids.size());
        if (answer) {
            each->answer.assign(from, from + count);
            from += count;
        } else if (crew.size() > 1 && !answer.error().lost) {
            each->alone = true;
        } else {
            each->why = answer.error();
        }
        each->done = !each->alone;
        each->woken.notify_one();
    }
    if (!waiting_.empty()) waiting_.front()->woken.notify_one();
}

}  // namespace gm::stores::pg
