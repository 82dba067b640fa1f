// At home in a Boost.Asio program: a value goes from a coroutine of Asio's to a plain thread, on to a crew of workers and back
// to a coroutine of Asio's. The event loop is never blocked: what it cannot send or receive at once it waits for as it waits
// for a socket. The adapter is support/asio_channel.hpp, a screenful.

#include <chrono>
#include <cstdio>
#include <thread>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>

#include <boost/asio.hpp>

#include "support/asio_channel.hpp"

namespace asio = boost::asio;

asio::awaitable<void> send_numbers(gm::sender<int> numbers) {
    asio::steady_timer pause(co_await asio::this_coro::executor);
    for (int n = 1; n <= 5; ++n) {
        pause.expires_after(std::chrono::milliseconds(2));  // Asio's own operations, in between
        co_await pause.async_wait(asio::use_awaitable);
        co_await asio_channel::async_send(numbers, n, asio::use_awaitable);
    }
    numbers.close();
}

asio::awaitable<void> collect(gm::receiver<int> results) {
    int sum = 0;
    while (auto result = co_await asio_channel::async_receive(results, asio::use_awaitable)) sum += *result;
    std::printf("the coroutine received values that sum up to %d\n", sum);
}

int main() {
    gm::channel<int> numbers(0), results(0);
    gm::pool crew({.workers = 3});

    std::jthread dispatcher([&] {
        for (int n : numbers) crew.post([=] { results.send(n * n); });
        crew.close();
        results.close();
    });

    asio::io_context loop;
    asio::co_spawn(loop, send_numbers(numbers), asio::detached);
    asio::co_spawn(loop, collect(results), asio::detached);
    loop.run();
}
