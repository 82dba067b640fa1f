// oneTBB as a pool: an arena of so many worker threads, besides whoever submits, and enqueue().
#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

namespace bench {

class tbb_pool {
public:
    // One more than the workers is the limit: oneTBB counts the submitting thread, which here only submits.
    explicit tbb_pool(int threads)
        : limit_(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads) + 1),
          arena_(threads, 0) {
        arena_.initialize();
    }
    template <class F>
    void submit(F f) {
        arena_.enqueue(std::move(f));
    }

private:
    tbb::global_control limit_;
    tbb::task_arena arena_;
};

}  // namespace bench
