#pragma once
// Takes the threads away: from now on every new one is to have a stack larger than the address space, so the system
// refuses it. Certain, and the same for root and under the sanitizers; what a limit of the process (RLIMIT_NPROC,
// RLIMIT_AS) is not.

#include <cstddef>  // and with it __GLIBC__

#if defined(__GLIBC__)
#include <pthread.h>
#endif

namespace gm_test {

#if defined(__GLIBC__)
inline constexpr bool can_run_short_of_threads = true;

// While it lives no thread starts.
class no_threads {
public:
    no_threads() {
        pthread_getattr_default_np(&before_);
        pthread_attr_t none = before_;
        pthread_attr_setstacksize(&none, std::size_t{1} << 60);
        pthread_setattr_default_np(&none);
    }
    no_threads(const no_threads&) = delete;
    no_threads& operator=(const no_threads&) = delete;
    ~no_threads() {
        pthread_setattr_default_np(&before_);
        pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_;
};
#else
inline constexpr bool can_run_short_of_threads = false;
class no_threads {};
#endif

// For good: in the child of an EXPECT_EXIT.
inline void run_short_of_threads() { static_cast<void>(new no_threads); }

}  // namespace gm_test
