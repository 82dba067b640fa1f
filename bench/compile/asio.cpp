// Boost.Asio: a coroutine, a channel and a thread_pool.
#include "../common/asio_channel.hpp"

namespace asio = boost::asio;

asio::awaitable<void> work(bench::asio_channel& jobs) {
    auto [error, v] = co_await jobs.async_receive(bench::as_values);
    if (!error) co_await jobs.async_send({}, v, bench::as_values);
}

int main() {
    asio::thread_pool pool(2);
    bench::asio_channel jobs(pool, 1);
    asio::co_spawn(pool, work(jobs), asio::detached);
    jobs.try_send(boost::system::error_code(), 1);
    pool.join();
}
