// oneTBB: one task_group that everybody runs tasks in; its usual choice where enqueue() is not needed.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "common/pool_cases.hpp"

namespace {

class group_pool {
public:
    explicit group_pool(int threads)
        : limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads) + 1) {}
    ~group_pool() { group_.wait(); }
    template <class F>
    void submit(F f) {
        group_.run(std::move(f));
    }

private:
    tbb::global_control limit_;
    tbb::task_group group_;
};

}  // namespace

int main(int argc, char** argv) { return bench::run_case(argc, argv, bench::task_cases<group_pool>()); }
