// How it is opened by a URL.
#include <array>

#include <gristmill/jobs/driver.hpp>
#include <gristmill/stores/memory.hpp>

#include "store.hpp"

namespace gm::stores {

namespace {

constexpr std::array<std::string_view, 1> schemes{"memory"};
constexpr jobs::driver::option options[]{
    {"arguments", "the most bytes that a job's arguments may have: 64k"},
    {"result", "the same for its result: 64k"},
    {"error", "what is kept of an error's words: 8k"},
    {"log", "what is kept of an attempt's log: 1M"},
    {"keep", "how long completed and cancelled jobs are kept: 1d"},
    {"keep_dead", "the same for dead ones: 7d"},
};

result<std::unique_ptr<jobs::store>, jobs::store_error> open_by_url(const jobs::store_url& url) {
    memory_options how;
    jobs::option_reader read(url);
    read.limits(how.limits);
    read.duration("keep", how.keep.completed);
    read.duration("keep_dead", how.keep.dead);
    how.keep.cancelled = how.keep.completed;
    if (!url.path().empty())
        return failure(jobs::store_error{jobs::store_fault::invalid, "memory: has no name and no path; write memory:"});
    if (read.error()) return failure(*read.error());
    return open_memory(how);
}

}  // namespace

const jobs::driver& memory_driver() noexcept {
    static const jobs::driver all{
        "memory",   "memory:", "jobs that may be lost with the process, and tests of your own handlers",
        schemes,    options,   in_memory::what_it_can(),
        open_by_url};
    return all;
}

}  // namespace gm::stores
