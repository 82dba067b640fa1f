// gristmill's channel and select from plain threads.
#include "common/gristmill_channel.hpp"

#include "common/channel_cases.hpp"

namespace {

double run_ping(std::int64_t rounds) { return bench::ping_on_threads<bench::gristmill_channel>(rounds, 0); }

}  // namespace

int main(int argc, char** argv) {
    return bench::channel_main(argc, argv,
                               {.on_threads = true,
                                .run_flow = bench::flow_on_threads<bench::gristmill_channel>,
                                .run_ping = run_ping,
                                .run_select4 = {}});
}
