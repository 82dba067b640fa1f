#include "program/plan/history.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <queue>
#include <set>
#include <utility>

#include "program/run/estimate.hpp"

namespace gm::program {

namespace {

constexpr std::uintmax_t largest = std::uintmax_t{1} << 30;
// Seconds: a log's times are in milliseconds, so that a job may seem to start before the one before it ends.
constexpr double log_precision = 0.0015;
constexpr double longest = 1e9;             // seconds: what a virtual clock can count, many thousand times over
constexpr unsigned most_workers = 100'000;  // more than that is no count of workers
constexpr std::size_t most_jobs = 5'000'000;

bool all_workers_known(const run_history& all) {
    return std::ranges::all_of(
        all.jobs, [](const past_job& one) { return one.entry.worker != 0 && one.entry.worker <= most_workers; });
}

void take_lanes_of_workers(run_history& all) {
    for (past_job& one : all.jobs) {
        one.lane = one.entry.worker - 1;
        all.lanes = std::max(all.lanes, one.entry.worker);
    }
}

void assign_lanes(run_history& all) {
    std::priority_queue<std::pair<double, unsigned>, std::vector<std::pair<double, unsigned>>, std::greater<>> busy;
    std::set<unsigned> free;
    for (past_job& one : all.jobs) {
        while (!busy.empty() && busy.top().first <= one.entry.start + log_precision) {
            free.insert(busy.top().second);
            busy.pop();
        }
        one.lane = free.empty() ? all.lanes++ : free.extract(free.begin()).value();
        busy.emplace(one.end(), one.lane);
    }
}

}  // namespace

double run_history::duration_at(double share) const {
    std::vector<double> all;
    all.reserve(jobs.size());
    for (const past_job& one : jobs) all.push_back(one.entry.runtime);
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(all.size())));
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, all.size()) - 1);
    std::ranges::nth_element(all, at);
    return *at;
}

std::vector<std::chrono::nanoseconds> run_history::durations_by_number() const {
    std::vector<const joblog_entry*> order;
    order.reserve(jobs.size());
    for (const past_job& one : jobs) order.push_back(&one.entry);
    std::ranges::sort(order, {}, &joblog_entry::number);
    std::vector<std::chrono::nanoseconds> all;
    all.reserve(order.size());
    for (const joblog_entry* one : order)
        all.push_back(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(one->runtime)));
    return all;
}

run_history make_history(std::vector<joblog_entry> entries) {
    run_history all;
    all.jobs.reserve(entries.size());
    for (joblog_entry& one : entries) {
        one.runtime = std::clamp(one.runtime, 0., longest);
        all.failed += one.failed();
        all.work += one.runtime;
        all.jobs.push_back({std::move(one), 0});
    }
    std::ranges::sort(all.jobs, {}, [](const past_job& one) { return std::pair(one.entry.start, one.entry.number); });
    all.begin = all.end = all.jobs.front().entry.start;
    for (const past_job& one : all.jobs) all.end = std::max(all.end, one.end());
    all.knows_workers = all_workers_known(all);
    if (all.knows_workers)
        take_lanes_of_workers(all);
    else
        assign_lanes(all);
    return all;
}

result<run_history, std::string> read_history(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return failure(file + ": " + std::strerror(errno));
    std::string text;
    for (std::vector<char> piece(1 << 16); in.read(piece.data(), 1 << 16) || in.gcount() > 0;) {
        text.append(piece.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > largest) return failure(file + ": larger than 1 GB; plan and report read logs up to that");
    }
    if (in.bad()) return failure(file + ": cannot be read");
    auto entries = read_joblog(text);
    if (!entries)
        return failure(file + ": " + entries.error() +
                       "; wanted is a file that `gristmill run --joblog FILE` has written");
    if (entries->empty()) return failure(file + ": no job has ended in it");
    return make_history(std::move(*entries));
}

namespace {

joblog_entry entry_of(const ended_job& one) {
    joblog_entry entry;
    entry.number = one.job;
    entry.start = static_cast<double>(one.started) / 1e3;
    entry.runtime = static_cast<double>(one.runtime) / 1e6;
    entry.worker = one.worker;
    const bool by_signal = one.status > 128 && one.status < 128 + 65;
    (by_signal ? entry.signal : entry.exit_code) = by_signal ? one.status - 128 : one.status;
    return entry;
}

}  // namespace

result<run_history, std::string> read_history(journal_file& journal, const command_maker& command_of) {
    std::vector<joblog_entry> entries;
    bool too_many = false;
    const auto failed = journal.each_ended(command_of != nullptr, [&](ended_job&& one) {
        too_many = too_many || entries.size() == most_jobs;
        if (too_many) return;
        entries.push_back(entry_of(one));
        if (command_of) entries.back().command = command_of(one);
    });
    if (failed) return failure(*failed);
    if (too_many)
        return failure("the run has more than " + std::to_string(most_jobs) + " jobs; plan and report read up to that");
    if (entries.empty()) return failure(std::string("no job of the run has ended"));
    return make_history(std::move(entries));
}

std::string time_text(double seconds) {
    char text[32];
    if (seconds < 0.9995) {
        std::snprintf(text, sizeof(text), "%.0fms", seconds * 1000);
        return text;
    }
    if (seconds < 9.95) {
        std::snprintf(text, sizeof(text), "%.1fs", seconds);
        return text;
    }
    return duration_text(seconds);
}

}  // namespace gm::program
