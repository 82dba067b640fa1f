// gristmill: a coroutine spawned for each job, against a pool of ten with a queue of 100.
#include "common/gristmill_pool.hpp"
#include "common/pool_cases.hpp"

namespace {

gm::task<> job(std::int64_t i, std::atomic<std::int64_t>& total) {
    total += bench::buffer_job(i);
    co_return;
}

void spawn_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    gm::scheduler scheduler({.threads = static_cast<unsigned>(bench::threads())});
    for (std::int64_t i = 0; i < jobs; ++i) scheduler.spawn(job(i, total));
    while (scheduler.live_tasks() != 0) bench::sleep_ns(50'000);
}

void pool_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    bench::gristmill_pool<> pool(10, 100);
    bench::counter done;
    for (std::int64_t i = 0; i < jobs; ++i)
        pool.submit([&total, &done, i] {
            total += bench::buffer_job(i);
            done.value.fetch_add(1, std::memory_order_release);
        });
    done.wait_for(jobs);
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_case(argc, argv,
                           {{"spawn", [] { bench::report_spawning("spawn", spawn_all); }},
                            {"pool", [] { bench::report_spawning("pool", pool_all); }}});
}
