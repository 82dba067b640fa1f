// Threads, and a channel made of a mutex and condition variables; the context is a std::stop_token.
#include "common/mutex_channel.hpp"
#include "common/pipeline.hpp"

namespace {

std::stop_source stop;

struct stoppable : bench::basic_mutex_channel<std::condition_variable_any> {
    explicit stoppable(std::size_t capacity) : basic_mutex_channel(capacity, stop.get_token()) {}
};

bench::outcome run(const bench::pipeline& p) {
    return p.context ? bench::pipeline_on_threads<stoppable>(p) : bench::pipeline_on_threads<bench::mutex_channel>(p);
}

}  // namespace

int main(int argc, char** argv) { return bench::pipeline_main(argc, argv, bench::pace::threads, run); }
