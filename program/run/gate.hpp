#pragma once
// What may hold the next start back besides the number of slots: --delay, --load, --memfree.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <gristmill/kinds/exec/children.hpp>

#include "program/run/values.hpp"

namespace gm::program {

// Processes that want a CPU now, or wait for a disk, from the text of /proc/stat.
std::optional<std::uint64_t> wanting_cpu(std::string_view proc_stat);
// Bytes that programs could still get, from the text of /proc/meminfo.
std::optional<std::uint64_t> available_memory(std::string_view proc_meminfo);

class gate {
public:
    using clock = kinds::exec::clock;

    gate(seconds_f delay, std::optional<double> load, std::optional<std::uint64_t> free_memory)
        : delay_(delay), load_(load), free_memory_(free_memory) {}

    // Nothing if a job may start now; else when to ask again.
    std::optional<clock::time_point> closed_until(clock::time_point now);
    void started(clock::time_point now);
    void hold_until(clock::time_point when) { next_start_ = std::max(next_start_, when); }

private:
    bool is_machine_busy();

    const std::chrono::duration<double> delay_;
    const std::optional<double> load_;
    const std::optional<std::uint64_t> free_memory_;
    clock::time_point next_start_{};
    clock::time_point next_look_{};
    bool busy_ = false;
};

}  // namespace gm::program
