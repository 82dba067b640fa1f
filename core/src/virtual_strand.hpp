#pragma once
// What a virtual world is made of: its strands, and the crews of its schedulers.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/detail/virtual_engine.hpp>

namespace gm::detail {

struct virtual_engine::strand {
    std::string name;
    std::function<void()> body;
    std::uint64_t number = 0;
    virtual_engine* world = nullptr;
    std::unique_ptr<virtual_stack> stack;
    state how = state::parked;
    std::size_t at = 0;         // in runnable_
    const void* bed = nullptr;  // what it is parked on
    strand* next_at_lock = nullptr;
    bool in_time = true;
    alarm deadline;
    note wait;
    strand* joiner = nullptr;
    worker* here = nullptr;  // its current_worker while it does not run
    std::uint64_t priority = 0;
    bool abandoned = false;

    // A carrier's.
    std::unique_ptr<worker> facade;
    task_header* task = nullptr;
    worker* robs = nullptr;
};

// One scheduler's ready coroutines, and who runs them.
struct virtual_engine::crew {
    scheduler_core* home = nullptr;
    std::vector<strand*> carriers;
    std::vector<strand*> idle;
    std::vector<task_header*> ready;
    bool stopping = false;
};

}  // namespace gm::detail
