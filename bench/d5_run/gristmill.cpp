#include "common/gristmill_run.hpp"

int main(int argc, char** argv) { return bench::list_contender(argc, argv, bench::gristmill_run({"--no-journal"})); }
