// Your own tests on virtual time. The crew under test is real: pool, channels and sleeps are the library's. Its day of eight
// hours takes milliseconds, every run with one seed takes the same course, and a hundred seeds are a hundred courses. A
// crew that waits for itself is not a test that hangs, but a report of who waits for what.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/task.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

using namespace std::chrono_literals;

// A customer every four minutes; serving one takes ten. What is the longest wait?
std::chrono::nanoseconds longest_wait(unsigned tellers) {
    std::chrono::nanoseconds longest{0};
    gm::channel<std::chrono::nanoseconds> waits(200);
    gm::pool bank({.workers = tellers});
    for (int customer = 0; customer != 120; ++customer) {
        bank.post([=, came = gm::now()] {
            waits.send(gm::now() - came);
            gm::sleep(10min);
        });
        gm::sleep(4min);
    }
    bank.close();
    waits.close();
    for (auto wait : waits) longest = std::max(longest, wait);
    return longest;
}

gm::task<> worker(gm::receiver<int> jobs, gm::sender<int> results) {
    while (auto job = co_await jobs.async_receive()) co_await results.async_send(*job * 2);
    results.close();
}

gm::task<> forgot_to_close() {
    gm::channel<int> jobs(3), results(3);
    auto crew = gm::fork(worker(jobs, results));
    co_await jobs.async_send(1);
    while (co_await results.async_receive()) {
    }
    co_await crew;
}

int main() {
    for (unsigned tellers : {2u, 3u}) {
        bool always = true;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            gm::virtual_time day({.seed = seed});
            std::chrono::nanoseconds longest{0};
            const gm::virtual_report report = day.run([&] { longest = longest_wait(tellers); });
            always = always && report && longest < 5min;
        }
        std::printf("%u tellers: %s\n", tellers,
                    always ? "nobody ever waits five minutes" : "somebody waits five minutes");
    }

    gm::virtual_time day;
    const gm::virtual_report report = day.run(forgot_to_close());
    std::printf("a channel that nobody closes: %s\n", gm::to_string(report.ended));
    for (const auto& each : report.waits) std::printf("  %s: %s\n", each.who.c_str(), each.what.c_str());
}
