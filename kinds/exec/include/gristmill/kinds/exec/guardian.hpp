#pragma once
// A small process beside this one, for the case that this one is killed: it then kills what we have started, with all that
// descends from it and still carries our mark in its environment. What a crashed worker left running would else run beside its
// next attempt.
//
// PR_SET_PDEATHSIG would not do: it reaches a child and not its children, and it goes by the thread that started them.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::kinds::exec {

class guardian {
public:
    // `mark`: the variable of children_options.
    // requires: this process has no other thread yet.
    static result<guardian, std::error_code> start(std::string_view mark);
    guardian(guardian&&) noexcept = default;
    guardian& operator=(guardian&&) = delete;
    ~guardian();  // nothing is killed: whoever comes so far has seen to its children

private:
    guardian(pid_t pid, unique_fd line) noexcept : pid_(pid), line_(std::move(line)) {}

    pid_t pid_;
    unique_fd line_;  // closed by our death, or with a word when all is well
};

}  // namespace gm::kinds::exec
