// What the operating system gives: parking on a word, ticks, the CPUs that this process may use.
#include <gristmill/detail/os.hpp>

#include <thread>

#include <gtest/gtest.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using namespace std::chrono_literals;
namespace os = gm::detail::os;

TEST(os, wait_returns_at_once_when_the_word_has_changed) {
    const std::atomic<std::uint32_t> word{1};
    os::wait(word, 0);
    EXPECT_TRUE(os::wait_until(word, 0, std::chrono::steady_clock::now() + 1h));
}

TEST(os, wait_until_says_when_the_deadline_came_first) {
    const std::atomic<std::uint32_t> word{0};
    const auto deadline = std::chrono::steady_clock::now() + 3ms;
    while (os::wait_until(word, 0, deadline)) {
    }
    EXPECT_GE(std::chrono::steady_clock::now(), deadline);
    EXPECT_FALSE(os::wait_until(word, 0, std::chrono::steady_clock::now() - 1s));
}

TEST(os, wake_reaches_a_sleeper) {
    for (int round = 0; round < 500; ++round) {
        std::atomic<std::uint32_t> word{0};
        std::jthread sleeper([&] {
            while (word.load() == 0) os::wait(word, 0);
        });
        word.store(1);
        (round % 2 == 0 ? os::wake_one : os::wake_all)(word);
    }
}

// Whatever takes the CPU away between two readings, the counter's share of the time lies between what passed inside and outside of them.
TEST(os, ticks_go_on_at_the_rate_that_is_told) {
    using clock = std::chrono::steady_clock;
    const double unit = os::nanoseconds_per_tick();
    EXPECT_GT(unit, 0);
    const auto outside = clock::now();
    const auto first = os::ticks();
    const auto inside = clock::now();
    while (clock::now() - inside < 20ms) {
    }
    const std::chrono::duration<double, std::nano> least = clock::now() - inside;
    const auto last = os::ticks();
    const std::chrono::duration<double, std::nano> most = clock::now() - outside;
    const double ticked = static_cast<double>(last - first) * unit;
    EXPECT_GT(ticked, least.count() * 0.99);
    EXPECT_LT(ticked, most.count() * 1.01);
}

TEST(os, usable_cpus_are_at_least_one_and_at_most_what_is_there) {
    EXPECT_GE(os::usable_cpus(), 1u);
    EXPECT_LE(os::usable_cpus(), std::max(1u, std::thread::hardware_concurrency()));
}

#if defined(__linux__) && !defined(GRISTMILL_STD_FALLBACK)
TEST(os, usable_cpus_respect_the_affinity_mask) {
    const pid_t child = ::fork();
    if (child == 0) {
        cpu_set_t before, one;
        ::sched_getaffinity(0, sizeof before, &before);
        CPU_ZERO(&one);
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &before)) {
                CPU_SET(cpu, &one);
                break;
            }
        if (::sched_setaffinity(0, sizeof one, &one) != 0) ::_exit(2);
        ::_exit(os::usable_cpus() == 1 ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}
#endif

TEST(os, thread_limits_are_words) { EXPECT_FALSE(os::thread_limits().empty()); }

}  // namespace
