// Seed 1: the image processor. Three workers take five jobs from a channel and put the results into another; a wait group
// says when the last worker is done, and only then are the results closed, which ends the loop that collects them.

#include <chrono>
#include <cstdio>
#include <thread>

#include <gristmill/channel.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

void worker(int id, gm::receiver<int> jobs, gm::sender<int> results) {
    for (int job : jobs) {
        std::printf("worker %d started job %d\n", id, job);
        gm::sleep(30ms);  // a heavy task
        std::printf("worker %d finished job %d\n", id, job);
        results.send(job * 2);
    }
}

int main() {
    gm::channel<int> jobs(5), results(5);

    gm::wait_group crew;
    for (int id = 1; id <= 3; ++id) crew.go([=] { worker(id, jobs, results); });

    for (int job = 1; job <= 5; ++job) jobs.send(job);
    jobs.close();  // no more jobs: the workers' loops end once the channel is empty

    std::jthread closer([&] {
        crew.wait();
        results.close();
    });

    for (int result : results) std::printf("result received: %d\n", result);
}
