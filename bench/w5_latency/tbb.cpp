// oneTBB: task_arena::enqueue.
#include "common/pool_cases.hpp"
#include "common/tbb_pool.hpp"

int main(int argc, char** argv) { return bench::run_case(argc, argv, {{"latency", bench::latency<bench::tbb_pool>}}); }
