#pragma once
// What to run, and how it ended.

#include <sys/resource.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace gm::kinds::exec {

// Variables as NAME=VALUE. A later set() of a name replaces the earlier one.
class environment {
public:
    environment() = default;
    static environment inherited();

    void set(std::string_view name, std::string_view value);
    const std::string* find(std::string_view name) const noexcept;  // the whole NAME=VALUE
    const std::vector<std::string>& entries() const noexcept { return entries_; }

private:
    std::vector<std::string> entries_;
};

// For an output of a child: we read it, through a pipe. Anything else is a descriptor of ours that the child writes to.
inline constexpr int through_pipe = -1;

struct command {
    // [0] is the program: a path if there is a slash in it, else looked up in the PATH of this process.
    std::vector<std::string> arguments;
    std::string file;                        // what to execute, if it has been looked up already
    std::string directory;                   // empty: where this process is
    const environment* variables = nullptr;  // null: those of this process. Has to live until the child is started
    std::vector<std::string> extra;          // NAME=VALUE besides, stronger than `variables`
    int input = -1;                          // -1: /dev/null. The descriptor stays the caller's
    int terminal = -1;                       // if given, it is the input, and the child's group gets it (tcsetpgrp)
    int output = through_pipe;
    int errors = through_pipe;
    // So many descriptors have to be left to this process; else it is not started, for EMFILE.
    unsigned spare = 0;
};

// How a child ended.
struct outcome {
    int exit_code = 0;  // meaningful if signal is 0
    int signal = 0;     // what killed it, or 0
    rusage usage{};     // of the child and of its own children that it waited for
    std::chrono::nanoseconds runtime{};

    bool success() const noexcept { return exit_code == 0 && signal == 0; }
    // As a shell says it in $?.
    int shell_status() const noexcept { return signal != 0 ? 128 + signal : exit_code; }
};

}  // namespace gm::kinds::exec
