// Boost.Asio's channel alone: C++20 coroutines on a thread_pool. Closing drops what is buffered, so the end is a value.
#include "common/asio_channel.hpp"
#include "common/channel_cases.hpp"

namespace {

namespace asio = boost::asio;
using bench::as_values;
using bench::asio_channel;

asio::awaitable<void> send_all(asio_channel& channel, const bench::flow& f, int first, std::atomic<int>& live) {
    for (std::int64_t v = first; v < f.values; v += f.senders)
        co_await channel.async_send({}, static_cast<int>(v), as_values);
    if (live.fetch_sub(1) != 1) co_return;
    for (int r = 0; r < f.receivers; ++r) co_await channel.async_send({}, -1, as_values);
}

asio::awaitable<void> receive_all(asio_channel& channel, std::atomic<std::int64_t>& count,
                                  std::atomic<std::int64_t>& sum) {
    std::int64_t mine = 0, total = 0;
    for (;; ++mine) {
        auto [error, v] = co_await channel.async_receive(as_values);
        if (error || v < 0) break;
        total += v;
    }
    count += mine;
    sum += total;
}

bench::received run_flow(const bench::flow& f) {
    asio::thread_pool pool(static_cast<std::size_t>(bench::threads()));
    asio_channel channel(pool, f.capacity);
    std::atomic<std::int64_t> count{0}, sum{0};
    std::atomic<int> live{f.senders};
    bench::timer t;
    for (int s = 0; s < f.senders; ++s) asio::co_spawn(pool, send_all(channel, f, s, live), asio::detached);
    for (int r = 0; r < f.receivers; ++r) asio::co_spawn(pool, receive_all(channel, count, sum), asio::detached);
    pool.join();
    return {t.seconds(), count, sum};
}

asio::awaitable<void> echo(asio_channel& there, asio_channel& back) {
    for (;;) {
        auto [error, v] = co_await there.async_receive(as_values);
        if (error) co_return;
        co_await back.async_send({}, v, as_values);
    }
}

asio::awaitable<void> call(asio_channel& there, asio_channel& back, std::int64_t rounds) {
    for (int i = 0; i < rounds; ++i) {
        co_await there.async_send({}, i, as_values);
        auto [error, v] = co_await back.async_receive(as_values);
        bench::check(!error && v == i, "ping: another value came back");
    }
    there.close();
}

double run_ping(std::int64_t rounds) {
    asio::thread_pool pool(static_cast<std::size_t>(bench::threads()));
    asio_channel there(pool, 0), back(pool, 0);
    bench::timer t;
    asio::co_spawn(pool, echo(there, back), asio::detached);
    asio::co_spawn(pool, call(there, back, rounds), asio::detached);
    pool.join();
    return t.seconds();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::channel_main(argc, argv, {.run_flow = run_flow, .run_ping = run_ping, .run_select4 = {}});
}
