// Seeds 3 and 5: backpressure. A channel for two jobs holds its sender when it is full, until a worker has taken one. A
// pool's queue does the same, or, when told so, refuses, drops the oldest job or lets the caller work.

#include <cstdio>
#include <thread>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>

int main() {
    gm::channel<int> jobs(2), taken(0);
    jobs.send(1);
    jobs.send(2);
    std::printf("a third: %s\n", gm::to_string(jobs.try_send(3)));

    std::jthread sender([&] {
        jobs.send(3);  // held here
        taken.send(3);
    });
    std::printf("while it is full, the sender %s\n",
                taken.receive(std::chrono::milliseconds(10)) ? "went on" : "waits");
    std::printf("a worker takes job %d\n", jobs.receive().value());
    std::printf("the sender has sent job %d\n", taken.receive().value());

    gm::channel<int> busy(0);
    gm::pool crew({.workers = 1, .queue = 1, .full = gm::when_full::refuse});
    auto first = crew.submit([&] {
        busy.send(0);
        return busy.receive().value();
    });
    static_cast<void>(busy.receive());  // the worker has it
    auto second = crew.submit([] { return 2; });
    auto third = crew.submit([] { return 3; });
    std::printf("the pool's third job: %s\n", gm::to_string(third.get().status()));
    busy.send(1);
    std::printf("the others: %d and %d\n", first.get().value(), second.get().value());
}
