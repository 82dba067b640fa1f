// gristmill, thread ends.
#include "common/gristmill_channel.hpp"
#include "common/pipeline.hpp"

namespace {

bench::outcome run(const bench::pipeline& p) {
    return p.context ? bench::pipeline_on_threads<bench::gristmill_context_channel>(p)
                     : bench::pipeline_on_threads<bench::gristmill_channel>(p);
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::threads, run); }
