// Threads on moodycamel's blocking queue, unbounded.
#include "common/moodycamel_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) { return bench::run_case(argc, argv, bench::task_cases<bench::moodycamel_pool>()); }
