// gristmill: the same pool of ten with a queue of 100, its bodies coroutines: ten at once on as many threads as there are
// CPUs, as Go's ten are. The contender gristmill has a thread for each of the ten.
#include <gristmill/pool.hpp>

#include "common/pool_cases.hpp"

namespace {

void pool_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    gm::pool pool({.workers = 10, .queue = 100, .times = gm::job_times::counter});
    bench::counter done;
    for (std::int64_t i = 0; i < jobs; ++i)
        pool.post([&total, &done, i]() -> gm::task<> {
            total += bench::buffer_job(i);
            done.value.fetch_add(1, std::memory_order_release);
            co_return;
        });
    done.wait_for(jobs);
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_case(argc, argv, {{"pool", [] { bench::report_spawning("pool", pool_all); }}});
}
