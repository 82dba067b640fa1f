#include "common/command_cases.hpp"

int main(int argc, char** argv) {
    const std::string workers = "-P" + std::to_string(bench::threads());
    return bench::list_contender(argc, argv,
                                 {.start = {"xargs", workers, "-n1"},
                                  .in_batches = {"-n1000"},
                                  .echo = {"sh", "-c", "echo \"$0\" && :"},
                                  .help = {"xargs", "--help"}});
}
