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
constexpr double log_precision =
    0.0015;                      // its times are in milliseconds: a job may seem to start before the one before it ends
constexpr double longest = 1e9;  // seconds: what a virtual clock can count, many thousand times over

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
