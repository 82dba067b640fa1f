// Boost.Fiber as it comes: every fiber on one thread, round robin. Its buffered channel wants a power of two and keeps
// one slot free: capacity 100 becomes 128.
#include <boost/fiber/all.hpp>

#include <bit>
#include <memory>

#include "common/pipeline.hpp"

namespace {

namespace fibers = boost::fibers;

template <class Channel>
bench::outcome run_on(const bench::pipeline& p, Channel& jobs, Channel& results) {
    int ready = 0, live = p.workers;
    std::vector<fibers::fiber> crew;
    crew.reserve(static_cast<std::size_t>(p.workers));
    auto worker = [&] {
        ++ready;
        int v = 0;
        while (jobs.pop(v) == fibers::channel_op_status::success) results.push(p.do_job(v));
        if (--live == 0) results.close();
    };
    bench::timer t;
    for (int w = 0; w < p.workers; ++w)
        crew.emplace_back(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(32 * 1024), worker);
    if (p.workers_first) {
        while (ready < p.workers) boost::this_fiber::yield();
        t = bench::timer{};
    }
    fibers::fiber producer([&] {
        for (int i = 0; i < p.jobs; ++i) jobs.push(i);
        jobs.close();
    });
    bench::outcome seen;
    for (int v = 0; results.pop(v) == fibers::channel_op_status::success; ++seen.count) seen.sum += v;
    seen.seconds = t.seconds();
    producer.join();
    for (auto& fiber : crew) fiber.join();
    return seen;
}

bench::outcome run(const bench::pipeline& p) {
    if (p.context) bench::not_available("its channels know no cancellation");
    if (p.workers > 20'000) bench::not_available("100,000 stacks do not fit");
    if (p.capacity == 0) {
        fibers::unbuffered_channel<int> jobs, results;
        return run_on(p, jobs, results);
    }
    std::size_t capacity = std::bit_ceil(std::max<std::size_t>(p.capacity + 1, 2));
    fibers::buffered_channel<int> jobs(capacity), results(capacity);
    return run_on(p, jobs, results);
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::coroutines, run); }
