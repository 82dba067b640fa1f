// Threads on a condition variable: 10,000 of them, since the system gives no more than about 32,000 to a process.
#include "common/mutex_channel.hpp"
#include "common/sleepers.hpp"

namespace {

void run() {
    bench::mutex_channel channel(1);
    bench::counter started;
    std::vector<std::thread> sleepers;
    std::int64_t n = bench::scaled(10'000);
    sleepers.reserve(static_cast<std::size_t>(n));
    bench::report_sleepers(
        "receive", n,
        [&] {
            for (std::int64_t i = 0; i < n; ++i)
                sleepers.emplace_back([&] {
                    started.add();
                    int v = 0;
                    bench::check(!channel.receive(v), "a value came");
                });
            started.wait_for(n);
        },
        [&] {
            channel.close();
            for (auto& sleeper : sleepers) sleeper.join();
        });
}

}  // namespace

int main(int argc, char** argv) { return bench::run_case(argc, argv, {{"receive", run}}); }
