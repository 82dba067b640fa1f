#pragma once
// What is known of one child that runs.

#include <chrono>
#include <cstdint>
#include <vector>

#include <gristmill/kinds/exec/children.hpp>
#include <gristmill/kinds/exec/process_table.hpp>
#include <gristmill/kinds/exec/spawn.hpp>

namespace gm::kinds::exec {

// What an entry of the epoll set is about; it stands in the upper bits of the entry's key.
enum source : unsigned { of_output, of_errors, of_end, of_timer, of_bell, of_stops, of_nothing };
constexpr unsigned bit(unsigned which) { return 1u << which; }
constexpr unsigned kind_shift = 61;
constexpr std::uint64_t key(unsigned which, std::uint64_t tag) { return std::uint64_t{which} << kind_shift | tag; }

struct children::child {
    // What a process that outlives its parent has left in the pipe is read, but not what it goes on writing.
    static constexpr std::uint64_t most_drained = std::uint64_t{1} << 20;

    std::uint64_t tag = 0;
    clock::time_point started;
    process it;

    // The owner's: the thread that deals with this child's events.
    unsigned todo = 0;           // bits
    unsigned told = of_nothing;  // the stream whose bytes the caller looks at
    std::uint64_t drained = 0;   // bytes read after the end

    // Protected by the lock of `children`.
    bool owned = false;
    unsigned ready = 0;   // bits: what came while it was owned
    unsigned paused = 0;  // bits
    unsigned parked = 0;  // bits: streams that wait for resume_all()
    bool on_ladder = false;
    bool gone = false;     // it and all its family
    std::size_t rung = 0;  // the next step
    clock::time_point next_step;
    std::vector<process_table::entry> family;  // all that have been seen

    unique_fd& stream(unsigned which) noexcept { return which == of_output ? it.output : it.errors; }
};

}  // namespace gm::kinds::exec
