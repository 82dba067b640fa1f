// Seed 2: the basic worker pool. Channels have directional ends: a worker can only receive jobs and only send results, and
// the compiler holds it to that. The results are collected by count: as many as there were jobs.

#include <cstdio>
#include <thread>
#include <vector>

#include <gristmill/channel.hpp>

void worker(int id, gm::receiver<int> jobs, gm::sender<int> results) {
    for (int job : jobs) {
        std::printf("worker %d processing job %d\n", id, job);
        results.send(job * 2);
    }
}

int main() {
    gm::channel<int> jobs(5), results(5);

    std::vector<std::jthread> crew;
    for (int id = 1; id <= 3; ++id) crew.emplace_back(worker, id, jobs, results);

    for (int job = 1; job <= 5; ++job) jobs.send(job);
    jobs.close();

    for (int n = 1; n <= 5; ++n) std::printf("result: %d\n", results.receive().value());
}
