// What the programs of D1 to D4 share: sizes, names, ten inserters at once, and what is said of them. The runner names the store
// by BENCH_STORE (an empty database or a file that does not exist yet) and the number of jobs beside the measured ones by
// BENCH_JOBS.
#pragma once

#include "common/bench.hpp"

namespace bench::durable {

inline constexpr int inserters = 10, crew = 10;
inline constexpr const char* queue = "default";
inline constexpr const char* kind = "noop";

inline std::string url() {
    const char* const given = std::getenv("BENCH_STORE");
    return given ? given : "memory:";
}

inline std::string scheme() { return url().substr(0, url().find(':')); }

// "D2/sqlite/drain" for "D2/drain".
inline std::string metric(const std::string& which) {
    const std::size_t slash = which.find('/');
    return which.substr(0, slash + 1) + scheme() + which.substr(slash);
}

// Jobs that wait, or are over, beside those that are measured.
inline std::int64_t backlog(std::int64_t usual) {
    if (const char* const given = std::getenv("BENCH_JOBS")) return std::atoll(given);
    return scaled(usual);
}

// A hundred bytes of JSON, the same length for every number.
inline std::string arguments_of(std::int64_t number) {
    char text[128];
    std::snprintf(text, sizeof text, "{\"n\":%012lld,\"filler\":\"%.*s\"}",
                  static_cast<long long>(1'000'000'000 + number), 70,
                  "0123456789012345678901234567890123456789012345678901234567890123456789");
    return text;
}

inline double percentile(std::vector<double>& sorted, double share) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

inline void report_latencies(const std::string& name, std::vector<double>& values, const char* unit) {
    std::sort(values.begin(), values.end());
    report(name + "/p50", percentile(values, 0.5), unit);
    report(name + "/p99", percentile(values, 0.99), unit);
}

// Ten threads; each makes an inserter of its own by `make(thread)` and calls it until `n` jobs are in. Reports the rate, and
// how long one insert takes.
template <class Make>
void insert_singly(const std::string& name, std::int64_t n, Make make) {
    const std::int64_t each = n / inserters;
    std::vector<std::vector<double>> took(inserters);
    std::vector<std::thread> threads;
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    for (int t = 0; t < inserters; ++t)
        threads.emplace_back([&, t] {
            auto insert = make(t);
            insert(t * each);
            took[static_cast<std::size_t>(t)].reserve(static_cast<std::size_t>(each));
            ++ready;
            go.wait(false);
            for (std::int64_t i = 1; i <= each; ++i) {
                const std::int64_t start = now_ns();
                insert(t * each + i);
                took[static_cast<std::size_t>(t)].push_back(static_cast<double>(now_ns() - start) * 1e-3);
            }
        });
    while (ready != inserters) sleep_ns(100'000);
    timer clock;
    go = true;
    go.notify_all();
    for (std::thread& thread : threads) thread.join();
    report(name, static_cast<double>(each * inserters) / clock.seconds(), "jobs/s");
    std::vector<double> all;
    for (const auto& some : took) all.insert(all.end(), some.begin(), some.end());
    report_latencies(name, all, "us");
}

// When the clock of a job that was due then starts, now that its turn has come. One that comes too late counts from when it was
// due: a store that stands still for a moment is not to look better for it.
inline std::int64_t starts(std::int64_t due, std::int64_t now) { return now - due > 1'000'000 ? due : now; }

// One thread that does `work(from, to)` with all jobs that are due by a steady rate; how long each took.
template <class Work>
void steadily(const std::string& name, int rate, std::int64_t n, Work work) {
    std::vector<double> took;
    const std::int64_t begin = now_ns() + 100'000'000;
    const auto due = [&](std::int64_t number) { return begin + number * 1'000'000'000 / rate; };
    for (std::int64_t from = 0, to = 0; from < n; from = to) {
        if (const std::int64_t early = due(from) - now_ns(); early > 0) sleep_ns(early);
        const std::int64_t begun = now_ns();
        while (to < n && due(to) <= begun) ++to;
        work(from, to);
        const std::int64_t done = now_ns();
        for (std::int64_t i = from; i < to; ++i)
            took.push_back(static_cast<double>(done - starts(due(i), begun)) * 1e-6);
    }
    report_latencies(name, took, "ms");
}

// The cases of D1 to D4 that a program has, by the name the runner gives: "D2/drain".
using cases = std::vector<std::pair<std::string, std::function<void(const std::string& name)>>>;

inline int run(int argc, char** argv, const cases& have) {
    case_table table;
    for (const auto& [which, body] : have)
        table.push_back({which, [which = which, body = body] { body(metric(which)); }});
    return run_case(argc, argv, table);
}

}  // namespace bench::durable
