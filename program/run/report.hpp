#pragma once
// What a run tells those who watch it: the log of jobs, the summary, a journal. They are called on the threads of the run, several at
// a time, and without any of its locks.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gristmill/kinds/exec/command.hpp>

#include "program/run/line_identity.hpp"

namespace gm::program {

// One command to be: a line of the input, or several (-n, -X).
struct job {
    std::uint64_t number = 0;  // from 1
    std::vector<std::string> arguments;
    std::vector<line_identity> lines;  // if a watcher wants identities
};

struct start_report {
    const job& of;
    const std::string& command;
    unsigned slot;
    unsigned tries;  // this one counted
    pid_t pid;
};

enum class verdict : unsigned char {
    succeeded,
    failed,
    timed_out,
    not_started,  // and why stands in `reason`
    stopped,      // by --halt or by the user: neither a success nor a failure
};

struct finish_report {
    const job& of;
    const std::string& command;
    verdict how;
    bool will_be_retried;
    unsigned tries;
    kinds::exec::outcome outcome;
    std::string reason;
    std::chrono::system_clock::time_point started;
    std::uint64_t output_size;

    // What a shell would have in $?: 126 and 127 for what could not be started.
    int status() const noexcept { return outcome.shell_status(); }
};

class run_watcher {
public:
    virtual ~run_watcher() = default;
    virtual bool wants_identities() const { return false; }
    // On the thread that reads the input, in its order and before lines are batched. False: this line is not to be run.
    virtual bool line_read(const line_identity&, const std::vector<std::string>&) { return true; }
    virtual void started(const start_report&) {}
    virtual void finished(const finish_report&) {}
};

}  // namespace gm::program
