// W1, W5 and S18 for anything that takes a function and runs it on threads of its own:
//     struct Pool { explicit Pool(int threads); template <class F> void submit(F f); };  // ~Pool drains or stops
#pragma once

#include "bench.hpp"

namespace bench {

// W1: trivial closures. a: one producer outside, b: two, d: a binary tree of 2^20 - 1, each submitted by its parent
// from inside the pool. c (fib by spawning) is each contender's own: it takes a join that a plain pool has not.
template <class Pool>
void fan_out(Pool& pool, counter& ran, int depth) {
    ran.add();
    if (depth == 0) return;
    for (int child = 0; child < 2; ++child) pool.submit([&pool, &ran, depth] { fan_out(pool, ran, depth - 1); });
}

template <class Pool>
double tasks_per_second(int producers) {
    static counter ran;
    Pool pool(threads());
    for (int i = 0; i < 10'000; ++i) pool.submit([] { ran.add(); });
    ran.wait_for(10'000);
    ran.value = 0;
    std::int64_t n = scaled(2'000'000);
    auto produce = [&](std::int64_t mine) {
        for (std::int64_t i = 0; i < mine; ++i) pool.submit([] { ran.add(); });
    };
    timer t;
    if (producers == 1) {
        produce(n);
    } else {
        std::vector<std::thread> others;
        for (int p = 0; p < producers; ++p) others.emplace_back(produce, n / producers);
        for (auto& other : others) other.join();
    }
    ran.wait_for(n);
    double seconds = t.seconds();
    sleep_ns(1'000'000);
    check(ran.value == n, "tasks ran twice");
    return static_cast<double>(n) / seconds;
}

template <class Pool>
double nested_tasks_per_second() {
    static counter ran;
    Pool pool(threads());
    int depth = scaled(10) == 10 ? 19 : 16;
    std::int64_t n = (std::int64_t{2} << depth) - 1;
    timer t;
    pool.submit([&pool, depth] { fan_out(pool, ran, depth); });
    ran.wait_for(n);
    double seconds = t.seconds();
    check(ran.value == n, "tasks ran twice");
    return static_cast<double>(n) / seconds;
}

template <class Pool>
case_table task_cases() {
    return {
        {"a", [] { report("W1/a", tasks_per_second<Pool>(1), "tasks/s"); }},
        {"b", [] { report("W1/b", tasks_per_second<Pool>(2), "tasks/s"); }},
        {"d", [] { report("W1/d", nested_tasks_per_second<Pool>(), "tasks/s"); }},
    };
}

// W1c: fib(27) with a spawn for each left branch; `fib(n)` is the contender's.
template <class Fib>
void report_fib(Fib&& fib) {
    fib(15);
    timer t;
    auto value = fib(27);
    double seconds = t.seconds();
    check(value == 196418, "fib(27)");
    report("W1/c", seconds / 317'810 * 1e9, "ns/spawn");
}

// W5: an idle pool gets one job a millisecond, from a thread that sleeps as well, so that the CPUs are as idle as they
// would be; then a burst, the CPU burned in the second after it, and the CPU burned in two idle seconds.
template <class Pool>
void latency() {
    Pool pool(threads());
    counter ran;
    std::atomic<std::int64_t> started{0};
    std::vector<double> microseconds;
    for (int i = 0; i < scaled(1000) + 100; ++i) {
        sleep_ns(1'000'000);
        started.store(0);
        std::int64_t submitted = now_ns();
        pool.submit([&started] { started.store(now_ns(), std::memory_order_release); });
        std::int64_t at = 0;
        while ((at = started.load(std::memory_order_acquire)) == 0) sleep_ns(200'000);
        if (i >= 100) microseconds.push_back(static_cast<double>(at - submitted) / 1e3);
    }
    std::sort(microseconds.begin(), microseconds.end());
    std::size_t n = microseconds.size();
    report("W5/p50", microseconds[n / 2], "us");
    report("W5/p99", microseconds[n * 99 / 100], "us");
    report("W5/max", microseconds.back(), "us");

    for (int i = 0; i < 200'000; ++i) pool.submit([&ran] { ran.add(); });
    ran.wait_for(200'000);
    double before = cpu_seconds();
    sleep_ns(1'000'000'000);
    report("W5/after_burst_cpu", (cpu_seconds() - before) * 1e3, "ms/s");
    before = cpu_seconds();
    sleep_ns(2'000'000'000);
    report("W5/idle_cpu", (cpu_seconds() - before) * 1e3 / 2, "ms/s");
}

// S18: 100,000 jobs that each fill and sum a buffer of 4 KB sixteen times (about 8 us). Unbounded: each job gets a
// thread, a goroutine or a coroutine of its own, and nobody holds the producer. Pool: ten workers on a queue of 100.
inline std::int64_t buffer_job(std::int64_t seed) {
    std::uint64_t buffer[512];
    std::uint64_t x = static_cast<std::uint64_t>(seed), sum = 0;
    for (int round = 0; round < 16; ++round) {
        for (auto& word : buffer) word = x = x * 6364136223846793005ull + 1;
        asm volatile("" : : "r"(buffer) : "memory");
        for (auto word : buffer) sum += word;
    }
    return static_cast<std::int64_t>(sum & 0xff);
}

// `run(jobs, total)` does the jobs, adds what buffer_job(i) returns to `total`, and returns when all are done.
template <class Run>
void report_spawning(const char* name, Run&& run) {
    std::int64_t jobs = scaled(100'000), expected = 0;
    for (std::int64_t i = 0; i < jobs; ++i) expected += buffer_job(i);
    double before = resident_bytes();
    std::atomic<std::int64_t> total{0};
    timer t;
    run(jobs, total);
    double seconds = t.seconds();
    check(total == expected, "the sum of the jobs");
    report(std::string("S18/") + name + "/time", seconds * 1e3 * 1e5 / static_cast<double>(jobs), "ms/100k");
    report(std::string("S18/") + name + "/peak", (peak_resident_bytes() - before) / 1e6, "MB");
}

}  // namespace bench
