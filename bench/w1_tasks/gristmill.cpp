// gristmill: post() to a pool of threads with its usual queue of 1,024 and no time stamps (gristmill_times.cpp has
// them). fib forks children on the scheduler.
#include <gristmill/gristmill.hpp>

#include "common/gristmill_pool.hpp"
#include "common/pool_cases.hpp"

namespace {

gm::task<int> fib(int n) {
    if (n < 2) co_return n;
    auto left = gm::fork(fib(n - 1));
    int right = co_await fib(n - 2);
    co_return co_await left + right;
}

void run_fib() {
    gm::scheduler scheduler({.threads = static_cast<unsigned>(bench::threads())});
    bench::report_fib([&](int n) { return scheduler.block_on(fib(n)); });
}

}  // namespace

int main(int argc, char** argv) {
    auto table = bench::task_cases<bench::gristmill_pool<gm::job_times::none>>();
    table.push_back({"c", run_fib});
    return bench::run_case(argc, argv, table);
}
