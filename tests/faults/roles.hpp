#pragma once
// The processes of a storm: those that put jobs in and those that run them. Both write down what happened to them (audit.hpp)
// and go on until they are killed, or asked to end by SIGTERM.

#include <string>

namespace faults {

struct role_options {
    std::string store;   // its URL
    std::string folder;  // of the audit
    unsigned seed = 1;
    unsigned floods = 300;  // one call in so many puts in thousands of jobs that take no time
};

// The queue with a limit, and how many of its jobs may run at a time.
inline constexpr const char* limited_queue = "limited";
inline constexpr unsigned limit = 3;

int enqueue(const role_options& how);
int work(const role_options& how);

// Runs what is left, alone and undisturbed, until nothing is left; then says how many jobs of the limited queue ran at a time
// at most, when there were plenty. -1: it did not come to an end.
int drain(const role_options& how);

}  // namespace faults
