// oneTBB: a task for each job, nobody holds the producer. It has no bounded pool.
#include <oneapi/tbb/task_group.h>

#include "common/pool_cases.hpp"
#include "common/tbb_pool.hpp"

namespace {

void spawn_all(std::int64_t jobs, std::atomic<std::int64_t>& total) {
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(bench::threads()));
    tbb::task_group group;
    for (std::int64_t i = 0; i < jobs; ++i) group.run([i, &total] { total += bench::buffer_job(i); });
    group.wait();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::run_case(argc, argv,
                           {{"spawn", [] { bench::report_spawning("spawn", spawn_all); }},
                            {"pool", [] { bench::not_available("it has no pool with a bounded queue"); }}});
}
