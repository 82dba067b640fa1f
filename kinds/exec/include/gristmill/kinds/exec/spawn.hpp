#pragma once
// One child: started with posix_spawn, so that the cost does not grow with the memory of this process (fork's does: from
// a process of 1 GB it starts 92 children a second where posix_spawn starts 10,000). A child
//
//   - leads a process group of its own, so that it can be ended with all it has started;
//   - has an empty signal mask, and every disposition at its default except what was ignored when this process began;
//   - has no descriptor but 0, 1 and 2.

#include <sys/types.h>

#include <system_error>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/command.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::kinds::exec {

struct process {
    pid_t pid = -1;    // also its process group. Its owner has to wait for it
    unique_fd handle;  // a pidfd: readable when the child has ended
    unique_fd output;  // our ends of the pipes, non-blocking; empty where there is none
    unique_fd errors;
};

// A file with neither a known format nor a #! line is run by /bin/sh, as execvp does. Thread safety: any thread.
result<process, std::error_code> spawn(const command& what);

// The file that `program` means: itself if it has a slash, else the first executable of that name in PATH; empty if
// there is none. Relative entries of PATH are passed over: what they mean changes with the directory.
std::string find_program(std::string_view program);

}  // namespace gm::kinds::exec
