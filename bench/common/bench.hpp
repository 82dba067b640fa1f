// What every C++ contender measures with: clocks, memory, the job, and how a figure is said. A contender is a program
// `contender CASE`; it prints lines `metric value unit`, ends with 0, with 3 when it has no such case (and says why),
// and with anything else when it failed. Its work is always checked: a wrong count or sum is a failure, never a fast
// figure.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace bench {

inline std::int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

struct timer {
    std::int64_t start = now_ns();
    double seconds() const { return static_cast<double>(now_ns() - start) * 1e-9; }
};

inline void sleep_ns(std::int64_t ns) { std::this_thread::sleep_for(std::chrono::nanoseconds(ns)); }

inline double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline double resident_bytes() {
    long size = 0, resident = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
        std::fclose(file);
    }
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// The largest the process has been since it started. Not ru_maxrss: that remembers what ran before exec.
inline double peak_resident_bytes() {
    long kilobytes = 0;
    if (std::FILE* file = std::fopen("/proc/self/status", "r")) {
        for (char line[256]; std::fgets(line, sizeof line, file);)
            if (std::sscanf(line, "VmHWM: %ld", &kilobytes) == 1) break;
        std::fclose(file);
    }
    return static_cast<double>(kilobytes) * 1024;
}

// How many threads every contender gets: the CPUs, unless the runner says otherwise.
inline int threads() {
    if (const char* given = std::getenv("BENCH_THREADS")) return std::max(1, std::atoi(given));
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// The runner's --quick: a tenth of the work.
inline std::int64_t scaled(std::int64_t n) {
    static const bool quick = std::getenv("BENCH_QUICK") != nullptr;
    return quick ? std::max<std::int64_t>(n / 10, 1) : n;
}

inline void report(const std::string& metric, double value, const char* unit) {
    std::printf("%s %.6g %s\n", metric.c_str(), value, unit);
    std::fflush(stdout);
}

[[noreturn]] inline void not_available(const char* why) {
    std::printf("n/a %s\n", why);
    std::fflush(stdout);
    std::_Exit(3);
}

inline void check(bool holds, const std::string& what) {
    if (holds) return;
    std::fprintf(stderr, "wrong result: %s\n", what.c_str());
    std::_Exit(2);
}

// The work of a job: a chain of dependent multiplications, which no compiler shortens and no cache helps.
inline std::uint64_t work(std::uint64_t x, std::int64_t steps) {
    for (std::int64_t i = 0; i < steps; ++i) {
        x = x * 6364136223846793005ull + 1;
        asm volatile("" : "+r"(x));
    }
    return x;
}

// Seconds that one such step takes on this machine: the fastest of eleven tries, since others can only slow it down.
inline double step_seconds() {
    double fastest = 1;
    for (int i = 0; i < 11; ++i) {
        timer t;
        work(static_cast<std::uint64_t>(i), 2'000'000);
        fastest = std::min(fastest, t.seconds() / 2e6);
    }
    return fastest;
}

// A counter alone on its cache lines.
struct alignas(128) counter {
    std::atomic<std::int64_t> value{0};
    void add() { value.fetch_add(1, std::memory_order_relaxed); }
    // Polls with a sleep: waiting must not take a CPU from those who work.
    void wait_for(std::int64_t n) const {
        while (value.load(std::memory_order_acquire) < n) sleep_ns(50'000);
    }
};

inline std::string only_case(int argc, char** argv) {
    if (argc == 2) return argv[1];
    std::fprintf(stderr, "usage: %s CASE\n", argv[0]);
    std::_Exit(64);
}

using case_table = std::vector<std::pair<std::string, std::function<void()>>>;

inline int run_case(int argc, char** argv, const case_table& table) {
    std::string name = only_case(argc, argv);
    for (auto& [known, run] : table) {
        if (known != name) continue;
        run();
        std::fflush(stdout);
        return 0;
    }
    not_available("it has no such case");
}

}  // namespace bench
