#pragma once
// Durable jobs in this process's memory: all that the seam offers, except that nothing outlives the process. For jobs that may
// be lost with it, and for tests of your own handlers: opened in a virtual world it goes by the world's time, so that
// a day of retries and cron takes milliseconds.
//
//     gm::virtual_time world;
//     world.run([] {
//         auto store = gm::stores::open_memory();
//         ...
//     });
//
// It is also what the conformance suite measures the other stores by.

#include <memory>

#include <gristmill/jobs/ledger.hpp>

namespace gm::stores {

struct memory_options {
    // What time it is on the wall when the store is opened; the epoch: what the system says. From there on time passes as
    // gm::now() has it.
    jobs::wall_time start{};
    jobs::size_limits limits{};
    jobs::retention keep{};
};

// Its sources may outlive it. requires: in a virtual world, that everything that uses it is of that world.
std::unique_ptr<jobs::store> open_memory(const memory_options& options = {});

}  // namespace gm::stores
