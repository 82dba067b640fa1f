// Seed 3: cancellation by context. Each worker waits for the next job and for the end in one select. When the third of nine
// results is in, the rest is no longer wanted: the context is cancelled with a cause. Jobs in hand are finished, jobs
// in the channel stay there, and nothing is lost.

#include <chrono>
#include <cstdio>
#include <stdexcept>

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/select.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

using namespace std::chrono_literals;

void process(int job, gm::sender<int> results) {
    gm::sleep(10ms);
    results.send(job * 2);
}

void worker(const gm::context& ctx, gm::receiver<int> jobs, gm::sender<int> results) {
    while (!ctx.is_done())  // select takes any that is ready: with jobs at hand it need not take the end
        gm::select(gm::on(ctx.done(), [] {}), gm::on(jobs, [&](int job) { process(job, results); }));
}

int main() {
    gm::channel<int> jobs(9), results(9);
    for (int job = 1; job <= 9; ++job) jobs.send(job);

    gm::context_source enough;
    gm::wait_group crew;
    for (int id = 1; id <= 3; ++id) crew.go([&] { worker(enough, jobs, results); });

    for (int n = 1; n <= 3; ++n) static_cast<void>(results.receive().value());
    enough.cancel(std::make_exception_ptr(std::runtime_error("three are enough")));
    crew.wait();

    try {
        enough.get().check();
    } catch (const std::runtime_error& cause) {
        std::printf("stopped: %s\n", cause.what());
    }
    std::printf("9 jobs, of which done or left in the channel: %zu\n", 3 + results.size() + jobs.size());
}
