#pragma once
// What the operating system must give, and nothing else: parking on a word, an asymmetric fence, the tick
// counter, the CPUs this process may use. os.cpp holds Linux's way and, for every other system and for
// the lane that defines GRISTMILL_STD_FALLBACK, a way that needs nothing but the standard library.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#if !defined(GRISTMILL_STD_FALLBACK) && !defined(__linux__)
#define GRISTMILL_STD_FALLBACK 1
#endif

namespace gm::detail::os {

using time_point = std::chrono::steady_clock::time_point;

// Sleeps while `word` holds `expected`. May return early for no reason: callers loop.
void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept;

// The same until `deadline`; false when it came first.
bool wait_until(const std::atomic<std::uint32_t>& word, std::uint32_t expected, time_point deadline) noexcept;

// `word` is used as an address only: the object may already be gone when the call runs.
void wake_one(const std::atomic<std::uint32_t>& word) noexcept;
void wake_all(const std::atomic<std::uint32_t>& word) noexcept;

// An asymmetric pair: a store before light_fence() and a load after it are ordered against the store and load
// around heavy_fence() on another thread, as if both were full fences. The light side costs nothing where the
// kernel can interrupt the other threads for us (membarrier); the heavy side costs a system call and is for rare
// paths. Where the kernel cannot, light_fence() is a full fence and heavy_fence() one too.
extern const bool fence_by_kernel;
void heavy_fence() noexcept;

inline void light_fence() noexcept {
    if (fence_by_kernel) [[likely]]
        std::atomic_signal_fence(std::memory_order_seq_cst);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
}

// A counter that runs at a constant rate, and its unit. Not a clock: only differences mean something.
inline std::uint64_t ticks() noexcept {
#if defined(GRISTMILL_STD_FALLBACK)
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#elif defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    std::uint64_t value;
    asm volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

// Nanoseconds in one tick. Where the machine does not tell, it is measured once, at first use (takes about 0.2 ms).
double nanoseconds_per_tick() noexcept;

// One turn of a spin loop.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// CPUs this process may use at once: the affinity mask, cut by the cgroup's quota (rounded up); at least 1.
unsigned usable_cpus() noexcept;

// Shown by debuggers and `top`; cut to what the system allows. Best effort.
void name_this_thread(const char* name) noexcept;

// Timed sleeps of the calling thread end as close to their time as the system can. Best effort.
void precise_timers() noexcept;

// Why a thread could not be started: the limits in force, in words.
std::string thread_limits();

}  // namespace gm::detail::os
