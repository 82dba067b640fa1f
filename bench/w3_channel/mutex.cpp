// Threads on a channel made of a mutex and condition variables.
#include "common/mutex_channel.hpp"

#include "common/channel_cases.hpp"

int main(int argc, char** argv) {
    return bench::channel_main(
        argc, argv,
        {.on_threads = true,
         .run_flow = bench::flow_on_threads<bench::mutex_channel>,
         .run_ping = [](auto rounds) { return bench::ping_on_threads<bench::mutex_channel>(rounds, 0); },
         .run_select4 = {}});
}
