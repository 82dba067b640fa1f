// The whole library, and a channel, a select and a pool in use.
#include <gristmill/gristmill.hpp>

int main() {
    gm::channel<int> jobs(10), results(10);
    gm::pool crew({.workers = 2});
    auto answer = crew.submit([] { return 6 * 7; });
    crew.post([&] { jobs.send(1); });
    int sum = 0;
    gm::select(gm::on(jobs, [&](int job) { sum += job; }), gm::on(results, [&](int result) { sum -= result; }));
    return sum + answer.get().value() == 43 ? 0 : 1;
}
