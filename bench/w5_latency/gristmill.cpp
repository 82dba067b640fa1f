// gristmill's pool.
#include "common/gristmill_pool.hpp"
#include "common/pool_cases.hpp"

int main(int argc, char** argv) {
    return bench::run_case(argc, argv, {{"latency", bench::latency<bench::gristmill_pool<>>}});
}
