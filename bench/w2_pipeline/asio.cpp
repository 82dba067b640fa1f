// Boost.Asio: C++20 coroutines on a thread_pool, over experimental::concurrent_channel. With a context each coroutine
// is spawned with a cancellation slot, which its awaitables hand to every wait. Closing its channel drops what is
// buffered, so the end is a value: -1 for each worker, and one from the last worker to the consumer.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <deque>

#include "common/asio_channel.hpp"
#include "common/pipeline.hpp"

namespace {

using bench::as_values;
using bench::asio_channel;
namespace asio = boost::asio;

asio::awaitable<void> produce(const bench::pipeline& p, asio_channel& jobs) {
    for (int i = 0; i < p.jobs; ++i) co_await jobs.async_send({}, i, as_values);
    for (int w = 0; w < p.workers; ++w) co_await jobs.async_send({}, -1, as_values);
}

asio::awaitable<void> work(const bench::pipeline& p, asio_channel& jobs, asio_channel& results, std::atomic<int>& ready,
                           std::atomic<int>& live) {
    ready.fetch_add(1);
    for (;;) {
        auto [error, v] = co_await jobs.async_receive(as_values);
        if (error || v < 0) break;
        co_await results.async_send({}, p.do_job(v), as_values);
    }
    if (live.fetch_sub(1) == 1) co_await results.async_send({}, -1, as_values);
}

asio::awaitable<void> consume(asio_channel& results, bench::outcome& seen, const bench::timer& t) {
    for (;;) {
        auto [error, v] = co_await results.async_receive(as_values);
        if (error || v < 0) break;
        seen.sum += v;
        ++seen.count;
    }
    seen.seconds = t.seconds();
}

bench::outcome run(const bench::pipeline& p) {
    asio::thread_pool pool(static_cast<std::size_t>(bench::threads()));
    asio_channel jobs(pool, p.capacity), results(pool, p.capacity);
    std::atomic<int> ready{0}, live{p.workers};
    bench::outcome seen;
    std::deque<asio::cancellation_signal> cancel;
    bench::timer t;
    auto spawn = [&](asio::awaitable<void> task) {
        if (!p.context) return asio::co_spawn(pool, std::move(task), asio::detached);
        asio::co_spawn(pool, std::move(task),
                       asio::bind_cancellation_slot(cancel.emplace_back().slot(), asio::detached));
    };
    for (int w = 0; w < p.workers; ++w) spawn(work(p, jobs, results, ready, live));
    if (p.workers_first) {
        while (ready < p.workers) bench::sleep_ns(100'000);
        t = bench::timer{};
    }
    spawn(consume(results, seen, t));
    spawn(produce(p, jobs));
    pool.join();
    return seen;
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::posts, run); }
