#pragma once
// The log of a run, a line a job, with GNU parallel's columns, so that whatever reads its logs reads ours:
//
//     Seq  Host  Starttime  JobRuntime  Send  Receive  Exitval  Signal  Command
//
// A newline in a command is written as a zero byte, as GNU parallel does. A job that was ended by its timeout has -1 as Exitval.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <gristmill/result.hpp>

#include <gristmill/kinds/exec/unique_fd.hpp>

namespace gm::program {

struct joblog_entry {
    std::uint64_t number = 0;
    std::string host = ":";  // this machine
    double start = 0;        // seconds since 1970
    double runtime = 0;      // seconds
    std::uint64_t sent = 0;
    std::uint64_t received = 0;  // bytes of standard output
    int exit_code = 0;
    int signal = 0;
    std::string command;
    unsigned worker = 0;  // from 1; 0: not known, for there is no column for it

    bool failed() const noexcept { return exit_code != 0 || signal != 0; }
};

std::string to_line(const joblog_entry& entry);  // with its newline

// None for what is no line of a joblog, the line with the names of the columns among them.
std::optional<joblog_entry> read_joblog_line(std::string_view line);

// All entries of a log; of several about one job the last. The error says what cannot be read, and in which line.
result<std::vector<joblog_entry>, std::string> read_joblog(std::string_view text);

// Each entry is one write, at the end of the file: nothing is lost, and nothing mixes, if the program is killed.
class joblog_writer {
public:
    // Begins it anew, or goes on with it.
    static result<joblog_writer, std::error_code> open(const std::string& file, bool go_on);
    std::error_code write(const joblog_entry& entry);

private:
    kinds::exec::unique_fd file_;
};

}  // namespace gm::program
