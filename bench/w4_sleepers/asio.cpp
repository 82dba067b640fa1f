// Boost.Asio: coroutines on a thread_pool that wait on a concurrent_channel.
#include "common/asio_channel.hpp"
#include "common/sleepers.hpp"

namespace {

namespace asio = boost::asio;

asio::awaitable<void> sleep_on(bench::asio_channel& channel, bench::counter& started, bench::counter& finished) {
    started.add();
    auto [error, v] = co_await channel.async_receive(bench::as_values);
    bench::check(static_cast<bool>(error), "a value came");
    finished.add();
}

void run() {
    asio::thread_pool pool(static_cast<std::size_t>(bench::threads()));
    bench::asio_channel channel(pool, 1);
    bench::counter started, finished;
    std::int64_t n = bench::scaled(100'000);
    bench::report_sleepers(
        "receive", n,
        [&] {
            for (std::int64_t i = 0; i < n; ++i)
                asio::co_spawn(pool, sleep_on(channel, started, finished), asio::detached);
            started.wait_for(n);
        },
        [&] {
            channel.close();
            finished.wait_for(n);
        });
    pool.join();
}

}  // namespace

int main(int argc, char** argv) { return bench::run_case(argc, argv, {{"receive", run}}); }
