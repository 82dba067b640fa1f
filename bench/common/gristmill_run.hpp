// `gristmill run`, the program that the runner has built, as users get it.
#pragma once

#include "command_cases.hpp"

namespace bench {

inline list_runner gristmill_run(const words& more) {
    const char* const program = std::getenv("BENCH_GRISTMILL");
    if (!program || access(program, X_OK) != 0) not_available("the program is not built (see build/bench/build.log)");
    return {.start = words{program, "run", "-j" + std::to_string(threads())} + more,
            .in_batches = {"-n1000"},
            .echo = {"echo {} && :"},
            .help = {program, "--help"}};
}

}  // namespace bench
