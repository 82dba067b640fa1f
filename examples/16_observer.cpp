// Seed 5: monitoring and logging. An observer is told when a job is queued, starts, finishes or fails, and how long it waited
// and ran; a snapshot has the length of the queue, the counts and a histogram. The observer is called where things happen,
// by several workers at once: it should be as quick as this one.

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>

using namespace std::chrono_literals;

struct log_to_stdout : gm::pool_observer {
    void started(const gm::job_event& job) noexcept override {
        std::printf("%s: started by worker %d\n", job.name, job.worker + 1);
    }
    void finished(const gm::job_event& job) noexcept override {
        std::printf("%s: finished, ran %s\n", job.name, job.ran >= 10ms ? "10 ms or more" : "less than 10 ms");
    }
    void failed(const gm::job_event& job) noexcept override { std::printf("%s: failed\n", job.name); }
};

int main() {
    log_to_stdout log;
    gm::pool crew({.workers = 2, .observer = &log});

    crew.post([] { gm::sleep(10ms); }, {.name = "resize cat.jpg"});
    crew.post([] { throw std::runtime_error("not an image"); }, {.name = "resize notes.txt"});
    crew.post([] { gm::sleep(20ms); }, {.name = "resize dog.jpg"});
    crew.close();

    const gm::pool_snapshot now = crew.snapshot();
    std::printf("%zu in the queue, %llu finished, %llu failed\n", now.queued,
                static_cast<unsigned long long>(now.finished), static_cast<unsigned long long>(now.failed));
}
