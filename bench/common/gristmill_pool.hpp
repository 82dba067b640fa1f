// gristmill's pool as the pool cases want it.
#pragma once

#include <gristmill/pool.hpp>

namespace bench {

template <gm::job_times Times = gm::job_times::counter>
class gristmill_pool {
public:
    explicit gristmill_pool(int threads, std::size_t queue = 1024)
        : pool_({.workers = static_cast<unsigned>(threads), .queue = queue, .times = Times}) {}
    template <class F>
    void submit(F f) {
        pool_.post(std::move(f));
    }

private:
    gm::pool pool_;
};

}  // namespace bench
