// The pool by hand: threads, a mutex, a condition variable, a deque of std::function.
#include "common/mutex_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) { return bench::run_case(argc, argv, bench::task_cases<bench::mutex_pool>()); }
