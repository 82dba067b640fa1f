// Threads and coroutines on the same channels. A plain thread sends jobs and blocks when the channel is full; a thousand
// workers are coroutines on a scheduler, each waiting by co_await at the cost of a few hundred bytes; the main thread
// collects. Neither side knows what the other is.

#include <chrono>
#include <cstdio>
#include <thread>

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

gm::task<> worker(gm::receiver<int> jobs, gm::sender<long> results, gm::wait_group& crew) {
    long sum = 0;
    while (auto job = co_await jobs.async_receive()) {
        co_await gm::async_sleep(10ms);  // waiting for something; no thread is held
        sum += *job;
    }
    co_await results.async_send(sum);
    crew.done();
}

int main() {
    constexpr int workers = 1000, last = 3000;
    gm::channel<int> jobs(100);
    gm::channel<long> results(10);
    gm::wait_group crew;
    gm::scheduler threads({.threads = 2});
    for (int id = 0; id != workers; ++id) {
        crew.add();
        threads.spawn(worker(jobs, results, crew));
    }

    std::jthread producer([=] {
        for (int job = 1; job <= last; ++job) jobs.send(job);
        jobs.close();
    });
    std::jthread closer([&] {
        crew.wait();
        results.close();
    });

    int reports = 0;
    long sum = 0;
    for (long part : results) {
        sum += part;
        ++reports;
    }
    std::printf("%d workers did jobs that sum up to %ld\n", reports, sum);
}
