// Seeds 1 and 4: at most three connections to a database at a time, however many workers there are. A permit of the
// semaphore is held for as long as a connection is open, and given back at the end of its scope. Requests are served in
// their order; one that may wait only so long says so.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>

#include <gristmill/pool.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/timer.hpp>

using namespace std::chrono_literals;

int main() {
    gm::semaphore connections(3);
    std::atomic<int> open{0}, most{0}, rows{0};

    gm::pool crew({.workers = 10});
    for (int job = 1; job <= 30; ++job)
        crew.post([&] {
            const gm::permit one = connections.hold();
            const int now = ++open;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            gm::sleep(2ms);  // a query
            ++rows;
            --open;
        });
    crew.close();
    std::printf("%d rows, %s three connections at once\n", rows.load(), most <= 3 ? "never over" : "OVER");

    const gm::permit all = connections.hold(3);
    if (gm::permit one = connections.hold(1, 5ms); !one) std::puts("all three are busy: gave up after 5 ms");
}
