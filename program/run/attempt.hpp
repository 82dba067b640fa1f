#pragma once
// One try of one job, from its start to its end.

#include <chrono>
#include <mutex>
#include <string>

#include "program/run/engine.hpp"

namespace gm::program {

struct engine::attempt {
    attempt(pending&& next, unsigned in_slot, kinds::exec::spill_file& spill)
        : of(std::move(next.of)),
          tries(next.tries + 1),
          slot(in_slot),
          output(spill, in_memory),
          errors(spill, in_memory) {}
    static constexpr std::size_t in_memory = 64 * 1024;

    job of;
    const unsigned tries;  // this one counted
    const unsigned slot;
    std::string command;
    std::string tag;
    clock::time_point started{};
    std::chrono::system_clock::time_point started_at{};
    result_files files;

    // Of whoever deals with an event of the child.
    kinds::exec::output_buffer output, errors;
    std::string begun_line[2];  // of each stream: what no newline has ended yet
    bool at_line_start[2] = {true, true};
    std::uint64_t output_size = 0;

    // Held from before the start until the watchers were told of it: they hear of the end after that.
    std::mutex starting;

    // Protected by the lock of the run.
    pid_t pid = -1;
    bool runs = false;
    bool wanted_terminal = false;
    bool timed_out = false;
    bool stopped = false;
    std::optional<clock::time_point> deadline;
};

}  // namespace gm::program
