// A std::thread for each job, joined when all have been started, against ten threads on a queue of 100. A thread that
// is not joined keeps its stack, so the system refuses one at some point: then those that there are are joined, and the
// run goes on; how many there were is reported.
#include <system_error>

#include "common/mutex_channel.hpp"
#include "common/pool_cases.hpp"

namespace {

void spawn_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    std::vector<std::thread> threads;
    std::size_t most = 0;
    auto join_all = [&] {
        most = std::max(most, threads.size());
        for (auto& thread : threads) thread.join();
        threads.clear();
    };
    for (std::int64_t i = 0; i < jobs;) {
        try {
            threads.emplace_back([i, &total] { total += bench::buffer_job(i); });
            ++i;
        } catch (const std::system_error&) {
            bench::check(!threads.empty(), "the system gives no thread at all");
            join_all();
        }
    }
    join_all();
    bench::report("S18/spawn/most_threads", static_cast<double>(most), "threads");
}

void pool_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    bench::mutex_channel queue(100);
    std::vector<std::thread> crew;
    for (int w = 0; w < 10; ++w)
        crew.emplace_back([&] {
            for (int i; queue.receive(i);) total += bench::buffer_job(i);
        });
    for (int i = 0; i < jobs; ++i) queue.send(i);
    queue.close();
    for (auto& worker : crew) worker.join();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_case(argc, argv,
                           {{"spawn", [] { bench::report_spawning("spawn", spawn_all); }},
                            {"pool", [] { bench::report_spawning("pool", pool_all); }}});
}
