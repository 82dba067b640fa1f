// Seeds 1, 2 and 3: 100,000 jobs through 10 workers, where a thread for each would bring the machine down. The queue is
// bounded: the one who submits waits while it is full, so memory stays flat however many jobs there are.

#include <atomic>
#include <cstdio>

#include <gristmill/pool.hpp>

int main() {
    std::atomic<long> sum{0};
    gm::pool crew({.workers = 10, .queue = 1000});
    for (int job = 1; job <= 100'000; ++job) crew.post([&sum, job] { sum += job; });
    crew.close();

    std::printf("%llu jobs by %u workers, sum %ld\n", static_cast<unsigned long long>(crew.snapshot().finished),
                crew.workers(), sum.load());
}
