// Boost.Fiber's channels, every fiber on one thread. The buffered channel keeps one slot of a power of two free: 1024
// becomes 2048, 1 becomes 2.
#include <boost/fiber/all.hpp>

#include <bit>

#include "common/channel_cases.hpp"

namespace {

namespace fibers = boost::fibers;
constexpr auto success = fibers::channel_op_status::success;

bench::received run_flow(const bench::flow& f) {
    fibers::buffered_channel<int> channel(std::bit_ceil(f.capacity + 1));
    bench::received seen;
    std::vector<fibers::fiber> senders, receivers;
    bench::timer t;
    for (int s = 0; s < f.senders; ++s)
        senders.emplace_back([&, s] {
            for (std::int64_t v = s; v < f.values; v += f.senders) channel.push(static_cast<int>(v));
        });
    for (int r = 0; r < f.receivers; ++r)
        receivers.emplace_back([&] {
            for (int v = 0; channel.pop(v) == success; ++seen.count) seen.sum += v;
        });
    for (auto& s : senders) s.join();
    channel.close();
    for (auto& r : receivers) r.join();
    seen.seconds = t.seconds();
    return seen;
}

double run_ping(std::int64_t rounds) {
    fibers::unbuffered_channel<int> there, back;
    fibers::fiber echo([&] {
        for (int v = 0; there.pop(v) == success;) back.push(v);
    });
    bench::timer t;
    for (int i = 0, v = 0; i < rounds; ++i) {
        there.push(i);
        bench::check(back.pop(v) == success && v == i, "ping: another value came back");
    }
    double seconds = t.seconds();
    there.close();
    echo.join();
    return seconds;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::channel_main(argc, argv, {.run_flow = run_flow, .run_ping = run_ping, .run_select4 = {}});
}
