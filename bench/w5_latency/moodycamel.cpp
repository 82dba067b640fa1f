// Threads on moodycamel's blocking queue.
#include "common/moodycamel_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) {
    return bench::run_case(argc, argv, {{"latency", bench::latency<bench::moodycamel_pool>}});
}
