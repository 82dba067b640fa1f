// Seeds 3 and 5: how many workers? For CPU-bound work the pool's default: one for each CPU that this process may use, its
// container's quota included. For work that waits, far more, and the measure is the sizing report: what this crew does, and
// what a larger or smaller one would change. The crew's size is moved by nobody but you.

#include <chrono>
#include <cstdio>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

using namespace std::chrono_literals;

void measure() {
    gm::pool crew({.workers = 10, .queue = 1000});
    for (int request = 0; request != 1000; ++request) {
        crew.post([] { gm::sleep(120ms); });  // waits for another service
        gm::sleep(10ms);
    }
    crew.close();
    const gm::sizing_report report = crew.sizing_report();
    std::printf("%u workers were busy %.0f %% of the time; suggested: %u\n%s\n", report.workers,
                report.utilisation * 100, report.suggested, report.advice.c_str());
}

int main() {
    gm::virtual_time day;
    if (const gm::virtual_report report = day.run(measure); !report) std::puts(report.text().c_str());
}
