#pragma once
// A process that is refused every further thread: its address space is as good as used up, so there is no room for a
// stack. (RLIMIT_NPROC does not bind root.) Call it in the child of an EXPECT_EXIT.

#include <cstdio>
#include <fstream>

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace gm_test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRISTMILL_UNSANITIZED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GRISTMILL_UNSANITIZED 0
#endif
#endif
#if !defined(GRISTMILL_UNSANITIZED)
#define GRISTMILL_UNSANITIZED 1
#endif

// A sanitizer needs its own address space, and qemu shares it with the program.
#if defined(__linux__) && !defined(GRISTMILL_SLOW_BUILD) && GRISTMILL_UNSANITIZED
inline constexpr bool can_run_short_of_threads = true;
inline void run_short_of_threads() {
    std::ifstream sizes("/proc/self/statm");
    rlim_t pages = 0;
    sizes >> pages;
    const rlim_t room = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (rlim_t{2} << 20);
    const rlimit limit{room, room};
    if (::setrlimit(RLIMIT_AS, &limit) != 0) std::perror("setrlimit");
}
#else
inline constexpr bool can_run_short_of_threads = false;
inline void run_short_of_threads() {}
#endif

}  // namespace gm_test
