#pragma once
// What the processes of a storm write down about their jobs, each in a file of its own, line by line with one write() each:
// what a killed process has written stays. And what the lines of all of them say, put together.
//
//     I job            an enqueuer was told that it is accepted
//     S job            a handler has started it
//     E job outcome    the handler has come to its end: 1 it succeeded, 0 it threw
//     F job epoch      a finish of this claim was accepted by the store
//
// and in the storm's own file
//
//     K pid            is about to be killed
//     Z pid            is about to be frozen
//
// Each line begins with the time, of the one clock of the machine that never goes back, and the process.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace faults {

class audit_log {
public:
    // The file of this process in the folder.
    explicit audit_log(const std::string& folder);
    audit_log(const audit_log&) = delete;
    audit_log& operator=(const audit_log&) = delete;
    ~audit_log();

    void note(char what, std::int64_t about, std::int64_t more = 0) noexcept;

private:
    int file_;
};

struct line {
    std::int64_t at = 0;  // ns
    int process = 0;
    char what = 0;
    std::int64_t about = 0, more = 0;
};

// Of all files in the folder, in the order of time. A last line that a kill has cut short is left out.
std::vector<line> read_audit(const std::string& folder);

// What the lines say about the contract. All of it but `accepted`, `started`, `reruns` and `explained` should be 0.
struct verdict {
    std::size_t accepted = 0;
    std::size_t started = 0;
    std::size_t reruns = 0;          // starts of a job beyond its first
    std::size_t explained = 0;       // of those: by a kill, a freeze or a handler that threw
    std::size_t finished_twice = 0;  // jobs with two accepted finishes
    std::size_t started_after_finish = 0;
    std::size_t two_owners = 0;                 // a start while another process, neither killed nor frozen, was at it
    std::map<std::int64_t, std::string> wrong;  // a word about the first jobs that break a rule
};
verdict judge(const std::vector<line>& lines);

// The jobs whose insert was acknowledged.
std::vector<std::int64_t> accepted_in(const std::vector<line>& lines);

}  // namespace faults
