#pragma once
// The file of a journal: SQLite, one row a line of the input, and the commands that run. The process that has it open is the only
// one that can (locking_mode=EXCLUSIVE): there is no file of shared memory beside it, so it also works where files of other
// machines lie, and a second process is refused.
//
// Its tables have a version. Version 2 knows which worker ran a job; a file of version 1 is read as it is, and becomes one of version 2
// with the first thing that is written to it.
//
// Used by one thread at a time. Failures of SQLite are values here, in words for a person.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include "program/journal/run_facts.hpp"
#include "program/run/line_identity.hpp"

namespace gm::stores::sqlite {
class connection;
}

namespace gm::program {

enum class line_state : unsigned char { waiting, succeeded, failed };  // in the file by these numbers

struct new_line {
    std::uint64_t number;
    line_identity who;
    std::string arguments;  // packed()
};

struct ended_lines {
    std::vector<std::uint64_t> lines;
    std::uint64_t job;
    line_state how;        // not waiting
    int status;            // as a shell has it, or timed_out_status
    unsigned worker;       // from 1
    std::int64_t started;  // ms since 1970
    std::int64_t runtime;  // µs
};

constexpr int timed_out_status = -1;

// A job as the file has it afterwards, by its last run.
struct ended_job {
    std::uint64_t job = 0;
    line_state how = line_state::succeeded;
    int status = 0;            // of what was written by version 1 a shell's, also where it timed out
    unsigned worker = 0;       // from 1; 0: not known, for version 1 did not write it
    std::int64_t started = 0;  // ms since 1970
    std::int64_t runtime = 0;  // µs
    std::vector<std::string> arguments{};
};

struct running_command {
    std::uint64_t job;
    pid_t pid;
    unsigned long long started;  // with the pid, and the boot, its identity
};

// What goes into the file at once, in one commit.
struct journal_batch {
    std::vector<new_line> lines;  // each by one higher than the one before
    std::vector<ended_lines> ended;
    std::vector<std::uint64_t> gone;       // jobs whose command runs no more, and was in the file
    std::vector<running_command> running;  // after those that are gone
    std::uint64_t highest_job = 0;
    bool input_ended = false;

    bool empty() const noexcept {
        return lines.empty() && ended.empty() && gone.empty() && running.empty() && !input_ended;
    }
};

struct journal_error {
    enum kind : unsigned char {
        unusable,
        busy,   // another process has it open
        empty,  // its run began just now, or was killed before anything could be written
    };
    kind how = unusable;
    std::string what;
};

class journal_file {
public:
    // `path` is an empty file, or one where this has failed before. Somebody who looks at it just now is waited for.
    static result<std::unique_ptr<journal_file>, journal_error> begin(const std::string& path, const run_facts& facts);
    static result<std::unique_ptr<journal_file>, journal_error> open(const std::string& path);
    journal_file(const journal_file&) = delete;
    journal_file& operator=(const journal_file&) = delete;
    ~journal_file();

    const run_facts& facts() const noexcept { return facts_; }

    // All of it or nothing; durable when it returns. What is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> write(const journal_batch& batch);

    // Commands of this boot that ran when the process before this one ended, and have not been forgotten.
    result<std::vector<running_command>, std::string> left_running();
    [[nodiscard]] std::optional<std::string> forget_running();

    struct known_line {
        std::uint64_t number = 0;
        line_state state = line_state::waiting;
        line_identity who{};
        std::string arguments{};  // packed; only of lines_to_run()
    };
    using lines = result<std::vector<known_line>, std::string>;

    // The next lines after `number` that wait, or have failed, in order; a few at a time, and none when there are no more.
    lines lines_to_run(std::uint64_t number, bool waiting, bool failed);
    // The next lines after `number`, as many as `most`.
    lines lines_after(std::uint64_t number, std::uint64_t last, unsigned most);

    // Every job that has ended, in the order of their numbers. Without arguments if they are not wanted. What is wrong, or nothing.
    [[nodiscard]] std::optional<std::string> each_ended(bool with_arguments,
                                                        const std::function<void(ended_job&&)>& tell);

    // Lines by what they are. take() gives the first one after `number` that is no later than `last` and was not given yet.
    [[nodiscard]] std::optional<std::string> index_lines();
    result<std::optional<known_line>, std::string> take(const line_identity& who, std::uint64_t number,
                                                        std::uint64_t last);

private:
    journal_file(const std::string& path, std::chrono::milliseconds patience);
    void lock_file();
    void make_tables();
    bool check_tables();
    void put_facts();
    void read_facts();
    void put(const journal_batch& batch);
    void put_lines(const std::vector<new_line>& fresh, const std::vector<const ended_lines*>& ends);
    void put_end(const ended_lines& one, std::uint64_t first, std::uint64_t last);
    void bring_up_to_date();

    std::unique_ptr<stores::sqlite::connection> db_;
    run_facts facts_;
    std::int64_t version_;  // of its tables
};

// Arguments, or words, as one text: each ends with a zero byte, which none of them can hold.
std::string packed(const std::vector<std::string>& words);
std::vector<std::string> unpacked(std::string_view text);

}  // namespace gm::program
