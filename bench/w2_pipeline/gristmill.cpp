// gristmill, coroutine ends. With a context each wait takes it.
#include <gristmill/gristmill.hpp>

#include "common/pipeline.hpp"

namespace {

using bench::pipeline;

template <class... Context>
gm::task<> produce(const pipeline& p, gm::sender<int> jobs, Context... ctx) {
    for (int i = 0; i < p.jobs; ++i) co_await jobs.async_send(i, ctx...);
    jobs.close();
}

template <class... Context>
gm::task<> work(const pipeline& p, gm::receiver<int> jobs, gm::sender<int> results, std::atomic<int>& ready,
                std::atomic<int>& live, Context... ctx) {
    ready.fetch_add(1);
    while (auto job = co_await jobs.async_receive(ctx...)) co_await results.async_send(p.do_job(*job), ctx...);
    if (live.fetch_sub(1) == 1) results.close();
}

template <class... Context>
gm::task<bench::outcome> consume(gm::receiver<int> results, const bench::timer& t, Context... ctx) {
    bench::outcome seen;
    for (; auto result = co_await results.async_receive(ctx...); ++seen.count) seen.sum += *result;
    seen.seconds = t.seconds();
    co_return seen;
}

template <class... Context>
bench::outcome run_with(const pipeline& p, const Context&... ctx) {
    gm::scheduler scheduler({.threads = static_cast<unsigned>(bench::threads())});
    gm::channel<int> jobs(p.capacity), results(p.capacity);
    std::atomic<int> ready{0}, live{p.workers};
    bench::timer t;
    for (int w = 0; w < p.workers; ++w) scheduler.spawn(work(p, jobs, results, ready, live, ctx...));
    if (p.workers_first) {
        while (ready < p.workers) bench::sleep_ns(100'000);
        t = bench::timer{};
    }
    scheduler.spawn(produce(p, jobs, ctx...));
    return scheduler.block_on(consume(results, t, ctx...));
}

bench::outcome run(const pipeline& p) {
    if (!p.context) return run_with(p);
    gm::context_source source;
    return run_with(p, source.get());
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::coroutines, run); }
