// Threads on oneTBB's concurrent_bounded_queue.
#include "common/pipeline.hpp"
#include "common/tbb_channel.hpp"

namespace {

bench::outcome run(const bench::pipeline& p) {
    if (p.capacity == 0) bench::not_available("a queue cannot be a rendezvous");
    if (p.context) bench::not_available("its waits cannot be cancelled");
    return bench::pipeline_on_threads<bench::tbb_channel>(p);
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::threads, run); }
