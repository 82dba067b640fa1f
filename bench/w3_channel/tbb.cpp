// Threads on oneTBB's concurrent_bounded_queue. Its ping runs on capacity 1: it has no rendezvous.
#include "common/tbb_channel.hpp"

#include "common/channel_cases.hpp"

int main(int argc, char** argv) {
    return bench::channel_main(
        argc, argv,
        {.on_threads = true,
         .run_flow = bench::flow_on_threads<bench::tbb_channel>,
         .run_ping = [](auto rounds) { return bench::ping_on_threads<bench::tbb_channel>(rounds, 1); },
         .run_select4 = {}});
}
