#pragma once
// What the doctor finds: one line for each thing that was looked at, with what to do where it is not well.

#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/store.hpp>

namespace gm::program {

enum class health : unsigned char {
    good,
    low,  // it works, and will not for long, or not under load
    bad,  // it does not work
};
std::string_view name_of(health how) noexcept;  // good, low, bad

struct finding {
    std::string what;  // "open files"
    health how = health::good;
    std::string says;
    std::string advice{};  // what to do; empty where it is good
};

using findings = std::vector<finding>;

// ---- of this machine: nothing is changed ----

// Open files, processes, threads of the cgroup, memory, CPUs, time zones.
void look_at_machine(findings& to);
// Room and speed of the disk that a file is on.
void look_at_disk(findings& to, const std::string& file);

// ---- of a store ----

// Its clock beside ours, its workers, its queues.
void look_at_store(findings& to, jobs::store& store);

}  // namespace gm::program
