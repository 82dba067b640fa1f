// gristmill's pool as it comes: each job's times are taken, for its result and for the histogram of the snapshot.
#include "common/gristmill_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) {
    return bench::run_case(argc, argv, bench::task_cases<bench::gristmill_pool<gm::job_times::counter>>());
}
