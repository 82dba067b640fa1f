// With its journal, as it comes. It lies on the disk that the build is on.
#include "common/gristmill_run.hpp"

int main(int argc, char** argv) {
    const bench::scratch state;
    setenv("GRISTMILL_STATE", (state / "state").c_str(), 1);
    return bench::list_contender(argc, argv, bench::gristmill_run({}));
}
