// oneTBB: task_arena::enqueue; fib by task_group.
#include <oneapi/tbb/task_group.h>

#include "common/pool_cases.hpp"
#include "common/tbb_pool.hpp"

namespace {

int fib(int n) {
    if (n < 2) return n;
    int left = 0;
    tbb::task_group group;
    group.run([&] { left = fib(n - 1); });
    int right = fib(n - 2);
    group.wait();
    return left + right;
}

void run_fib() {
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(bench::threads()));
    bench::report_fib(fib);
}

}  // namespace

int main(int argc, char** argv) {
    auto table = bench::task_cases<bench::tbb_pool>();
    table.push_back({"c", run_fib});
    return bench::run_case(argc, argv, table);
}
