// Seed 5: a dynamic crew. First by hand: resize() while it works. Then by load: the crew grows by one whenever the job at the
// head of the queue has waited too long, up to `most`, and shrinks to `least` when it has been idle. The load rises and
// falls on a virtual clock, so a minute of it takes no time.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

using namespace std::chrono_literals;

void by_hand() {
    gm::pool crew({.workers = 2});
    std::printf("by hand: %u workers", crew.workers());
    crew.resize(5);
    std::printf(", then %u", crew.workers());
    crew.resize(1);
    std::printf(", then %u\n", crew.workers());
}

void by_load() {
    gm::pool crew({.queue = 1000, .sizing = {.least = 1, .most = 8, .idle = 5s}});
    const auto rate = [&](const char* what, int jobs, std::chrono::milliseconds every) {
        unsigned busiest = 0;
        for (int n = 0; n != jobs; ++n) {
            crew.post([] { gm::sleep(100ms); });
            gm::sleep(every);
            busiest = std::max(busiest, crew.snapshot().threads);
        }
        std::printf("by load: %s: %s\n", what,
                    busiest <= 2   ? "a small crew"
                    : busiest == 8 ? "all eight"
                                   : "more workers");
    };
    rate("a job every 200 ms", 50, 200ms);
    rate("a job every 25 ms", 400, 25ms);
    rate("a job every 5 ms", 800, 5ms);
    gm::sleep(60s);
    std::printf("by load: after a minute of quiet: %u worker\n", crew.snapshot().threads);
}

int main() {
    by_hand();
    gm::virtual_time day;
    if (const gm::virtual_report report = day.run(by_load); !report) std::puts(report.text().c_str());
}
