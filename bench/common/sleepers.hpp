// W4: n workers asleep on one channel: resident bytes of each, the time from the first one's making until all are
// asleep, and the time from the close that wakes them until the last has run to its end. Allocation is in all three.
// Reported for 100,000; where so many do not fit, fewer are measured, and the file says so.
#pragma once

#include "bench.hpp"

namespace bench {

// `start()` makes the sleepers and returns when each is (about to be) asleep; `wake()` returns when all are through.
template <class Start, class Wake>
void report_sleepers(const std::string& name, std::int64_t n, Start&& start, Wake&& wake) {
    malloc_trim(0);
    double before = resident_bytes(), scale = 1e5 / static_cast<double>(n);
    timer starting;
    start();
    double start_seconds = starting.seconds();
    sleep_ns(200'000'000);
    double each = (resident_bytes() - before) / static_cast<double>(n);
    timer waking;
    wake();
    double wake_seconds = waking.seconds();
    report("W4/" + name + "/bytes", each, "B/worker");
    report("W4/" + name + "/start", start_seconds * 1e3 * scale, "ms/100k");
    report("W4/" + name + "/wake", wake_seconds * 1e3 * scale, "ms/100k");
}

}  // namespace bench
