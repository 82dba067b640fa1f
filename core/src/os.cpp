#include <gristmill/detail/os.hpp>

#include <algorithm>
#include <thread>

#if defined(GRISTMILL_STD_FALLBACK)
#include <condition_variable>
#include <mutex>
#include <new>
#else
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <climits>
#include <cstdio>
#include <fstream>
#endif

namespace gm::detail::os {

#if defined(GRISTMILL_STD_FALLBACK)

// Parked threads meet in a bucket chosen by the word's address. A waker locks the bucket, so it cannot slip
// between a sleeper's check and its sleep; it wakes everyone there, since strangers may share the bucket.
namespace {
struct bucket {
    std::mutex guard;
    std::condition_variable changed;
};
bucket& bucket_of(const void* address) noexcept {
    // Never destroyed: threads may park while statics are. In no memory that may run out: parking cannot fail.
    alignas(bucket) static unsigned char room[64 * sizeof(bucket)];
    static bucket* const buckets = [] {
        for (std::size_t i = 0; i != 64; ++i) ::new (room + i * sizeof(bucket)) bucket;
        return std::launder(reinterpret_cast<bucket*>(room));
    }();
    return buckets[(reinterpret_cast<std::uintptr_t>(address) >> 4) % 64];
}
}  // namespace

const bool fence_by_kernel = false;

void heavy_fence() noexcept { std::atomic_thread_fence(std::memory_order_seq_cst); }

void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
    bucket& here = bucket_of(&word);
    std::unique_lock hold(here.guard);
    if (word.load(std::memory_order_seq_cst) == expected) here.changed.wait(hold);
}

bool wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected, time_point deadline) noexcept {
    bucket& here = bucket_of(&word);
    std::unique_lock hold(here.guard);
    if (word.load(std::memory_order_seq_cst) != expected) return true;
    return here.changed.wait_until(hold, deadline) == std::cv_status::no_timeout;
}

void wake_all(const std::atomic<std::uint32_t>& word) noexcept {
    bucket& here = bucket_of(&word);
    std::lock_guard hold(here.guard);
    here.changed.notify_all();
}

void wake_one(const std::atomic<std::uint32_t>& word) noexcept { wake_all(word); }

unsigned usable_cpus() noexcept { return std::max(1u, std::thread::hardware_concurrency()); }

void name_this_thread(const char*) noexcept {}

void precise_timers() noexcept {}

std::string thread_limits() { return "the system refused to start a thread"; }

double nanoseconds_per_tick() noexcept {
    using period = std::chrono::steady_clock::period;
    return 1e9 * static_cast<double>(period::num) / static_cast<double>(period::den);
}

#else

namespace {

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value,
           const timespec* timeout) noexcept {
    return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, timeout, nullptr, FUTEX_BITSET_MATCH_ANY);
}

bool register_membarrier() noexcept {
    const long offered = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    if (offered < 0 || !(offered & MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return false;
    return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

// The first line of a cgroup v2 cpu.max: "QUOTA PERIOD" or "max PERIOD"; 0 when there is no quota.
double quota_of(const std::string& directory) {
    std::ifstream file(directory + "/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
    return std::strtod(quota.c_str(), nullptr) / period;
}

// The tightest quota on the way from this process's cgroup to the root; v1's single file as the last resort.
double cgroup_cpus() {
    double tightest = 0;
    auto note = [&](double cpus) {
        if (cpus > 0 && (tightest == 0 || cpus < tightest)) tightest = cpus;
    };
    std::ifstream membership("/proc/self/cgroup");
    for (std::string line; std::getline(membership, line);) {
        if (!line.starts_with("0::")) continue;
        std::string path = line.substr(3);
        while (true) {
            note(quota_of("/sys/fs/cgroup" + (path == "/" ? std::string() : path)));
            const auto slash = path.rfind('/');
            if (slash == std::string::npos || path == "/") break;
            path = slash == 0 ? "/" : path.substr(0, slash);
        }
    }
    double quota = 0, period = 0;
    if (std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota &&
        std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period && quota > 0 && period > 0)
        note(quota / period);
    return tightest;
}

std::string first_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) ? line : std::string("unknown");
}

}  // namespace

const bool fence_by_kernel = register_membarrier();

void heavy_fence() noexcept {
    if (fence_by_kernel)
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
}

void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept {
    futex(word, FUTEX_WAIT_BITSET, expected, nullptr);
}

bool wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected, time_point deadline) noexcept {
    const auto since = std::max(deadline.time_since_epoch(), std::chrono::nanoseconds(0));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    const timespec until{static_cast<time_t>(seconds.count()), static_cast<long>((since - seconds).count())};
    futex(word, FUTEX_WAIT_BITSET, expected, &until);  // absolute, on CLOCK_MONOTONIC: steady_clock's own
    return std::chrono::steady_clock::now() < deadline;
}

void wake_one(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, 1, nullptr); }
void wake_all(const std::atomic<std::uint32_t>& word) noexcept { futex(word, FUTEX_WAKE, INT_MAX, nullptr); }

unsigned usable_cpus() noexcept {
    unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
    cpu_set_t mask;
    if (::sched_getaffinity(0, sizeof mask, &mask) == 0) cpus = static_cast<unsigned>(std::max(1, CPU_COUNT(&mask)));
    try {
        const double quota = cgroup_cpus();
        if (quota > 0) cpus = std::min(cpus, std::max(1u, static_cast<unsigned>(quota + 0.999)));
    } catch (...) {
        return cpus;  // out of memory while reading: the mask alone decides
    }
    return cpus;
}

void name_this_thread(const char* name) noexcept {
    char cut[16];
    std::snprintf(cut, sizeof cut, "%s", name);
    ::pthread_setname_np(::pthread_self(), cut);
}

// The default slack lets the kernel be 50 µs late.
void precise_timers() noexcept { ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); }

std::string thread_limits() {
    rlimit processes{};
    std::string text = "threads refused; limits: RLIMIT_NPROC ";
    if (::getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_cur != RLIM_INFINITY)
        text += std::to_string(processes.rlim_cur);
    else
        text += "unlimited";
    text += ", kernel.threads-max " + first_line("/proc/sys/kernel/threads-max");
    text += ", cgroup pids.max " + first_line("/sys/fs/cgroup/pids.max");
    text += ", vm.max_map_count " + first_line("/proc/sys/vm/max_map_count");
    return text;
}

#if defined(__aarch64__)

double nanoseconds_per_tick() noexcept {
    std::uint64_t ticks_a_second;
    asm("mrs %0, cntfrq_el0" : "=r"(ticks_a_second));
    return 1e9 / static_cast<double>(ticks_a_second);
}

#else

namespace {

using clock = std::chrono::steady_clock;

// The clock and the counter at one moment. Whoever loses its CPU between the two has a wide gap around the clock: of a few
// readings the narrowest counts.
struct moment {
    clock::time_point at;
    std::uint64_t tick = 0;
};

moment this_moment() noexcept {
    moment best;
    std::uint64_t narrowest = ~std::uint64_t{0};
    for (int reading = 0; reading != 5; ++reading) {
        const std::uint64_t before = ticks();
        const auto at = clock::now();
        const std::uint64_t gap = ticks() - before;
        if (gap >= narrowest) continue;
        narrowest = gap;
        best = {at, before + gap / 2};
    }
    return best;
}

}  // namespace

double nanoseconds_per_tick() noexcept {
    static const double unit = [] {
        const moment first = this_moment();
        while (clock::now() - first.at < std::chrono::microseconds(200)) relax();
        const moment last = this_moment();
        return std::chrono::duration<double, std::nano>(last.at - first.at).count() /
               static_cast<double>(std::max<std::uint64_t>(1, last.tick - first.tick));
    }();
    return unit;
}

#endif

#endif

}  // namespace gm::detail::os
