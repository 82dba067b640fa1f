// W2 and "size": producer -> jobs -> workers -> results -> consumer. The cases stand here, once; a contender says only
// how it runs one. The clock starts before the first worker is made and stops when the consumer has seen the end,
// except in the size cases, where all workers are running before it starts: those ask what a job costs, not what a
// worker costs.
#pragma once

#include "bench.hpp"

namespace bench {

struct pipeline {
    std::string name;
    std::int64_t jobs = 0;       // how many
    std::size_t capacity = 100;  // of both channels
    int workers = 3;
    std::int64_t steps = 0;        // the work of a job; 800 steps take about 1 us
    bool context = false;          // a context in every wait of producer, workers and consumer
    bool workers_first = false;    // all workers run before the clock starts
    std::int64_t spike_every = 0;  // each so-manieth job ...
    std::int64_t spike_at = -1;    // ... or this one job ...
    std::int64_t spike_steps = 0;  // ... does this much instead

    int do_job(int v) const {
        std::int64_t todo = steps;
        if (spike_steps != 0 && (v == spike_at || (spike_every != 0 && v % spike_every == 0))) todo = spike_steps;
        if (todo != 0) work(static_cast<std::uint64_t>(v), todo);
        return v * 2;
    }
};

// What the consumer saw, and how long it took.
struct outcome {
    double seconds = 0;
    std::int64_t count = 0;
    std::int64_t sum = 0;
};

// How a contender hands over a value when nobody works: it decides how many jobs fill a second, no more.
enum class pace { coroutines, posts, threads };

inline std::vector<pipeline> pipeline_cases(pace p) {
    bool slow = p == pace::threads;
    auto n = [&](std::int64_t coroutines, std::int64_t threads) { return scaled(slow ? threads : coroutines); };
    std::vector<pipeline> cases = {
        {.name = "cap100", .jobs = n(4'000'000, 1'000'000)},
        {.name = "cap0", .jobs = n(2'000'000, 60'000), .capacity = 0},
        {.name = "workers1000", .jobs = n(2'000'000, 100'000), .workers = 1000},
        {.name = "1us", .jobs = n(600'000, 300'000), .steps = 800},
        {.name = "10us", .jobs = n(100'000, 100'000), .steps = 8000},
        {.name = "ctx", .jobs = n(3'000'000, 500'000), .context = true},
        {.name = "long", .jobs = p == pace::posts ? scaled(3'000'000) : n(15'000'000, 1'500'000), .spike_at = 1000},
        {.name = "spiky", .jobs = n(1'000'000, 1'000'000), .spike_every = 1000},
    };
    for (int workers : {1, 10, 100, 1000, 10'000, 100'000})
        cases.push_back({.name = "size_workers" + std::to_string(workers),
                         .jobs = n(2'000'000, 100'000),
                         .workers = workers,
                         .workers_first = true});
    for (std::size_t capacity : {1, 10, 100, 1000, 10'000, 100'000, 1'000'000})
        cases.push_back({.name = "size_queue" + std::to_string(capacity),
                         .jobs = n(3'000'000, 200'000),
                         .capacity = capacity,
                         .workers_first = true});
    return cases;
}

template <class Run>
outcome run_checked(const pipeline& p, Run&& run) {
    outcome seen = run(p);
    check(seen.count == p.jobs,
          p.name + ": " + std::to_string(seen.count) + " of " + std::to_string(p.jobs) + " results");
    check(seen.sum == p.jobs * (p.jobs - 1), p.name + ": the results' sum");
    return seen;
}

// `run(pipeline) -> outcome`; it may call not_available. Figures that need an ideal take it from this same process:
//  - efficiency (1us, 10us): rate x time of one job alone / CPUs;
//  - long: ideal = the longer of the long job alone and the same jobs without it;
//  - spiky: ideal = the CPU seconds of all jobs, alone / CPUs.
template <class Run>
int pipeline_main(int argc, char** argv, pace speed, Run&& run) {
    std::string wanted = only_case(argc, argv);
    double cpus = threads();
    for (pipeline p : pipeline_cases(speed)) {
        if (p.name != wanted) continue;
        double jobs = static_cast<double>(p.jobs);
        if (wanted.starts_with("size_")) {
            outcome seen = run_checked(p, run);
            report("size/" + wanted.substr(5), seen.seconds / jobs * 1e9, "ns/job");
            return 0;
        }
        std::string metric = "W2/" + wanted;
        if (p.steps != 0) {
            double alone = step_seconds() * static_cast<double>(p.steps);
            outcome seen = run_checked(p, run);
            report(metric, jobs / seen.seconds, "jobs/s");
            report(metric + "/efficiency", jobs / seen.seconds * alone / cpus, "of-ideal");
        } else if (wanted == "long" || wanted == "spiky") {
            bool one = p.spike_at >= 0;
            double spike = one ? 0.5 : 1e-3;
            double step = step_seconds();
            double trivial = one ? run_checked(p, run).seconds : 0;
            p.spike_steps = static_cast<std::int64_t>(spike / step);
            double ideal = one ? std::max(spike, trivial) : jobs / static_cast<double>(p.spike_every) * spike / cpus;
            outcome seen = run_checked(p, run);
            report(metric, jobs / seen.seconds, "jobs/s");
            report(metric + "/efficiency", ideal / seen.seconds, "of-ideal");
        } else {
            outcome seen = run_checked(p, run);
            report(metric, jobs / seen.seconds, "jobs/s");
        }
        return 0;
    }
    not_available("it has no such case");
}

// The pipeline on plain threads, over any channel that blocks: Channel(capacity), bool send(int), bool receive(int&),
// void close().
template <class Channel>
outcome pipeline_on_threads(const pipeline& p) {
    if (p.workers > 1000) not_available("threads are measured up to 1,000");
    Channel jobs(p.capacity), results(p.capacity);
    std::atomic<int> ready{0}, live{p.workers};
    std::vector<std::thread> crew;
    outcome seen;
    timer t;
    for (int w = 0; w < p.workers; ++w)
        crew.emplace_back([&] {
            ready.fetch_add(1);
            for (int v; jobs.receive(v);) results.send(p.do_job(v));
            if (live.fetch_sub(1) == 1) results.close();
        });
    if (p.workers_first) {
        while (ready.load() < p.workers) sleep_ns(100'000);
        t = timer{};
    }
    std::thread producer([&] {
        for (int i = 0; i < p.jobs; ++i) jobs.send(i);
        jobs.close();
    });
    for (int v; results.receive(v); ++seen.count) seen.sum += v;
    seen.seconds = t.seconds();
    producer.join();
    for (auto& worker : crew) worker.join();
    return seen;
}

}  // namespace bench
