// gristmill's channel and select from plain threads.
#include "common/gristmill_channel.hpp"

#include "common/channel_cases.hpp"

namespace {

double run_ping(std::int64_t rounds) { return bench::ping_on_threads<bench::gristmill_channel>(rounds, 0); }

bench::received run_select4(std::int64_t each) {
    gm::channel<int> channels[] = {gm::channel<int>(100), gm::channel<int>(100), gm::channel<int>(100),
                                   gm::channel<int>(100)};
    bench::received seen;
    auto take = [&](int v) {
        seen.sum += v;
        ++seen.count;
    };
    std::vector<std::jthread> senders;
    bench::timer t;
    for (auto& channel : channels)
        senders.emplace_back([&] {
            for (int v = 0; v < each; ++v) channel.send(v);
        });
    auto& [a, b, c, d] = channels;
    for (std::int64_t i = 0; i < 4 * each; ++i)
        gm::select(gm::on(a, take), gm::on(b, take), gm::on(c, take), gm::on(d, take));
    seen.seconds = t.seconds();
    return seen;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::channel_main(argc, argv,
                               {.on_threads = true,
                                .run_flow = bench::flow_on_threads<bench::gristmill_channel>,
                                .run_ping = run_ping,
                                .run_select4 = run_select4});
}
