// A pool by hand: a mutex and a condition variable.
#include "common/mutex_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) {
    return bench::run_case(argc, argv, {{"latency", bench::latency<bench::mutex_pool>}});
}
