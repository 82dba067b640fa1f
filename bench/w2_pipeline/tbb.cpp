// oneTBB's own way to write a pipeline: parallel_pipeline, serial at both ends, with as many tokens as the two channels
// and the crew would hold. It has no workers to count and no channel to cancel.
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_pipeline.h>

#include "common/pipeline.hpp"

namespace {

bench::outcome run(const bench::pipeline& p) {
    if (p.capacity == 0) bench::not_available("a parallel_pipeline has no rendezvous");
    if (p.context) bench::not_available("its waits cannot be cancelled");
    if (p.workers != 3) bench::not_available("a parallel_pipeline has no crew to size");
    tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(bench::threads()));
    bench::outcome seen;
    int next = 0;
    auto produce = tbb::make_filter<void, int>(tbb::filter_mode::serial_in_order, [&](tbb::flow_control& control) {
        if (next == p.jobs) control.stop();
        return next++;
    });
    auto do_job = tbb::make_filter<int, int>(tbb::filter_mode::parallel, [&](int v) { return p.do_job(v); });
    auto consume = tbb::make_filter<int, void>(tbb::filter_mode::serial_out_of_order, [&](int v) {
        seen.sum += v;
        ++seen.count;
    });
    bench::timer t;
    tbb::parallel_pipeline(2 * p.capacity + static_cast<std::size_t>(p.workers), produce & do_job & consume);
    seen.seconds = t.seconds();
    return seen;
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::coroutines, run); }
