#pragma once
// The judgement behind pool::sizing_report, apart from where its figures come from.

#include <chrono>
#include <cstddef>

#include <gristmill/pool_options.hpp>

namespace gm::detail {

struct crew_load {
    unsigned workers = 1;
    double work = 0;  // how many workers' time the jobs took
    std::chrono::nanoseconds mean_wait{0};
    std::chrono::nanoseconds mean_run{0};
    std::size_t waiting = 0;  // jobs in the queue at this moment
};

sizing_report judge(const crew_load& load);

}  // namespace gm::detail
