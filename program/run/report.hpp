#pragma once
// What a run tells those who watch it: the log of jobs, the summary, a journal. They are called on the threads of the run, several at
// a time, and without any of its locks.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gristmill/kinds/exec/command.hpp>

namespace gm::program {

// One command to be: a line of the input, or several (-n, -X).
struct job {
    std::uint64_t number = 0;    // from 1, in the order of this run
    std::uint64_t sequence = 0;  // what {#} is: the number, unless the run goes on with an earlier one
    std::vector<std::string> arguments;
    std::vector<std::uint64_t> lines;  // their numbers in the line_book, if there is one
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
    unsigned slot;
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
    virtual void started(const start_report&) {}
    virtual void finished(const finish_report&) {}
};

// Keeps book of the lines of the input, before several of them are put into one command (-n, -X). On the thread that reads it.
class line_book {
public:
    enum class fate : unsigned char { run, pass_over, stop };  // stop: no line can be taken any more

    virtual ~line_book() = default;
    // `number` becomes the line's, the same in every run that goes on with this one. It may wait, which holds the reader back.
    virtual fate line_read(const std::vector<std::string>& arguments, std::uint64_t& number) = 0;
    virtual void input_ended() = 0;
    // The highest sequence that earlier runs have given to a job.
    virtual std::uint64_t jobs_before() const = 0;
};

}  // namespace gm::program
