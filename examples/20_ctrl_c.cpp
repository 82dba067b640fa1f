// Seed 5: graceful shutdown. Ctrl-C (or SIGTERM) is waited for by a thread of its own, since hardly anything may be done in a
// signal handler; it cancels a context, and everything else waits with that. Jobs that run are finished, jobs that
// wait are given back, so that they can be saved for the next time: nothing is lost.
//
// On a terminal, press Ctrl-C. Anywhere else the program interrupts itself after a moment.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>
#include <vector>

#include <gristmill/context.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>

#include <unistd.h>

using namespace std::chrono_literals;

int main() {
    // Before the first thread starts, so that all inherit it: the signals are nobody's but the listener's.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    gm::context_source interrupted;
    std::jthread listener([&] {
        int which = 0;
        sigwait(&signals, &which);
        interrupted.cancel(std::make_exception_ptr(gm::cancelled(which == SIGINT ? "Ctrl-C" : "SIGTERM")));
    });

    std::atomic<std::size_t> finished{0};
    std::size_t accepted = 0;
    gm::pool crew({.workers = 3, .queue = 20});

    std::jthread finger;
    if (isatty(STDOUT_FILENO))
        std::puts("working; press Ctrl-C");
    else
        finger = std::jthread([] {
            gm::sleep(100ms);
            kill(getpid(), SIGINT);
        });

    while (!interrupted.is_done())
        accepted += crew.post([&] {
            gm::sleep(20ms);
            ++finished;
        });
    const std::vector<gm::waiting_job> left = crew.stop(gm::until());  // waits for what runs

    try {
        interrupted.get().check();
    } catch (const gm::cancelled& why) {
        std::printf("stopped by %s\n", why.what());
    }
    std::printf("some jobs were done: %s, some were waiting: %s\n", finished ? "yes" : "no",
                left.empty() ? "no" : "yes");
    std::printf("accepted = finished + given back: %s\n", accepted == finished + left.size() ? "yes" : "no");
}
