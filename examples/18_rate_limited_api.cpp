// Seed 4: a rate per second. The API allows 50 requests a second, with up to 10 at once after a pause. Eight workers share one
// limit; each waits for its turn before it calls. 110 requests take two seconds then, on a virtual clock.

#include <chrono>
#include <cstdio>

#include <gristmill/pool.hpp>
#include <gristmill/rate_limit.hpp>
#include <gristmill/virtual_time.hpp>

using namespace std::chrono_literals;

void call_api() {
    gm::rate_limit api(50, 1s, 10);
    gm::pool crew({.workers = 8});
    const gm::time_point start = gm::now();

    for (int request = 0; request != 110; ++request) crew.post([&] { api.wait(); });
    crew.close();

    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(gm::now() - start);
    std::printf("110 requests: 10 at once, 100 at 50 a second: %lld ms\n", static_cast<long long>(took.count()));
}

int main() {
    gm::virtual_time day;
    if (const gm::virtual_report report = day.run(call_api); !report) std::puts(report.text().c_str());
}
