// Boost.Asio's thread_pool.
#include "common/asio_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) { return bench::run_case(argc, argv, {{"latency", bench::latency<bench::asio_pool>}}); }
