// GNU parallel, as it comes.
#include "common/command_cases.hpp"

int main(int argc, char** argv) {
    const std::string workers = "-j" + std::to_string(bench::threads());
    return bench::list_contender(argc, argv,
                                 {.start = {"parallel", "--will-cite", workers},
                                  .in_batches = {"-n1000"},
                                  .echo = {"echo {} && :"},
                                  .help = {"parallel", "--help"},
                                  .jobs = 2000});
}
