// Threads on moodycamel's blocking queue, bounded by its semaphore. Its ping runs on capacity 1: it has no rendezvous.
#include "common/moodycamel_channel.hpp"

#include "common/channel_cases.hpp"

int main(int argc, char** argv) {
    return bench::channel_main(
        argc, argv,
        {.on_threads = true,
         .run_flow = bench::flow_on_threads<bench::moodycamel_channel>,
         .run_ping = [](auto rounds) { return bench::ping_on_threads<bench::moodycamel_channel>(rounds, 1); },
         .run_select4 = {}});
}
