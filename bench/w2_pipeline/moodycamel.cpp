// Threads on moodycamel's blocking queue, with its semaphore as the bound.
#include "common/moodycamel_channel.hpp"
#include "common/pipeline.hpp"

namespace {

bench::outcome run(const bench::pipeline& p) {
    if (p.capacity == 0) bench::not_available("a queue cannot be a rendezvous");
    if (p.context) bench::not_available("its waits cannot be cancelled");
    return bench::pipeline_on_threads<bench::moodycamel_channel>(p);
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::threads, run); }
