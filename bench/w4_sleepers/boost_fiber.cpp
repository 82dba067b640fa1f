// Boost.Fiber: 20,000 fibers with stacks of 32 KB; 100,000 stacks of the usual size do not fit.
#include <boost/fiber/all.hpp>

#include "common/sleepers.hpp"

namespace {

namespace fibers = boost::fibers;

void run() {
    fibers::buffered_channel<int> channel(2);
    std::int64_t n = bench::scaled(20'000), started = 0;
    std::vector<fibers::fiber> sleepers;
    sleepers.reserve(static_cast<std::size_t>(n));
    auto sleep = [&] {
        ++started;
        int v = 0;
        bench::check(channel.pop(v) == fibers::channel_op_status::closed, "a value came");
    };
    bench::report_sleepers(
        "receive", n,
        [&] {
            for (std::int64_t i = 0; i < n; ++i)
                sleepers.emplace_back(fibers::launch::post, std::allocator_arg, fibers::fixedsize_stack(32 * 1024),
                                      sleep);
            while (started < n) boost::this_fiber::yield();
        },
        [&] {
            channel.close();
            for (auto& sleeper : sleepers) sleeper.join();
        });
}

}  // namespace

int main(int argc, char** argv) { return bench::run_case(argc, argv, {{"receive", run}}); }
