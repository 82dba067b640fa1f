// Seed 3: fan-out and fan-in. The same jobs four times: results as they finish; results in the order of the jobs, which holds
// back what finished early; results awaited by a coroutine, which takes the first three and stops the rest; and three crews
// in a row, a pipeline of channels, each with its own number of workers.

#include <chrono>
#include <cstdio>
#include <ranges>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

int square(int n) {
    gm::sleep(n == 1 ? 40ms : 1ms);  // the first is slow
    return n * n;
}

gm::task<int> first_three(gm::pool& crew) {
    int sum = 0, left = 3;
    auto squares = crew.map_ordered(std::views::iota(1), square);  // the numbers have no end
    while (auto done = co_await squares.async_next()) {
        sum += done->value();
        if (--left == 0) break;
    }
    co_await squares.async_stop();
    co_return sum;
}

int main() {
    gm::pool crew({.workers = 4});
    const auto jobs = std::views::iota(1, 6);

    int first = 0, sum = 0;
    for (auto& done : crew.map(jobs, square)) {
        if (first == 0) first = done.value();
        sum += done.value();
    }
    std::printf("any order: sum %d, the slow one was %s\n", sum, first == 1 ? "first" : "not first");

    std::printf("in order: ");
    for (auto& done : crew.map_ordered(jobs, square)) std::printf(" %d", done.value());
    std::puts("");

    gm::scheduler threads({.threads = 1});
    std::printf("awaited: sum %d\n", threads.block_on(first_three(crew)));

    gm::channel<int> numbers(2), squares(2);
    gm::wait_group squarers;
    for (int id = 1; id <= 3; ++id)
        squarers.go([=] {
            for (int n : numbers) squares.send(square(n));
        });
    gm::wait_group ends;
    ends.go([=] {
        for (int n : jobs) numbers.send(n);
        numbers.close();
    });
    ends.go([&] {
        squarers.wait();
        squares.close();
    });
    int total = 0;
    for (int n : squares) total += n;
    std::printf("pipeline: sum %d\n", total);
}
