// Seed 5: the comprehensive guide's program, ten jobs and three workers, on a pool. The crew is the pool's, the results come
// as a stream, each with its job's id, its worker and its times. The pool's destructor is the graceful end.

#include <chrono>
#include <cstdio>
#include <ranges>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>

using namespace std::chrono_literals;

int main() {
    gm::pool crew({.workers = 3, .queue = 10});

    const auto work = [](int number, gm::job& self) {
        std::printf("worker %d started job %d\n", self.worker() + 1, number);
        gm::sleep(10ms);
        std::printf("worker %d finished job %d\n", self.worker() + 1, number);
        return number * 2;
    };

    for (auto& done : crew.map(std::views::iota(1, 11), work))
        std::printf("result received: %d (worker %d, %s)\n", done.value(), done.worker() + 1,
                    done.ran() >= 10ms ? "10 ms or more" : "too fast");

    std::puts("--- all jobs processed ---");
}
