// Seed 5, and its proof: priorities that starve nobody. A pool has eight levels. A job is overtaken only by a higher one that
// arrives within (difference of levels) x priority_step; after that it is first. One worker is kept busy by urgent jobs
// without end, and the one low job still has its turn, at a moment that can be told beforehand.

#include <chrono>
#include <cstdio>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

using namespace std::chrono_literals;

void flood() {
    gm::pool crew({.workers = 1, .queue = 1000, .priority_step = 1s});
    const gm::time_point start = gm::now();
    crew.post([] { gm::sleep(100ms); });  // the worker is busy when the others arrive

    auto low = crew.submit([] { return gm::now(); }, {.priority = 0});
    for (int n = 0; n != 100; ++n) {  // ten seconds of urgent work, faster than it can be done
        crew.post([] { gm::sleep(150ms); }, {.priority = gm::highest_priority});
        gm::sleep(100ms);
    }

    const auto waited = std::chrono::duration<double>(low.get().value() - start);
    std::printf("the low job waited until the urgent ones of 7 levels x 1 s had passed, but not for ever: %s\n",
                waited > 7s && waited < 12s ? "yes" : "no");
}

int main() {
    gm::virtual_time day;
    if (const gm::virtual_report report = day.run(flood); !report) std::puts(report.text().c_str());
}
