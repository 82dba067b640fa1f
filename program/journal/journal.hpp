#pragma once
// Keeps the journal of a run while it goes: which lines there are, what runs, what has ended and how. Whoever kills the run can go
// on with it: a line that was reported finished does not run again, but for those of the last moment before the kill.
//
//     feeder ──line_read──►┐
//     crew ──started, finished──►  queue  ──►  one thread, a commit at most every 20 ms  ──►  journal_file
//
// Nobody waits for a commit. The reader of the input waits while too many of its lines are in the queue, so that a slow disk holds
// the run up and does not fill the memory.
//
// When the file cannot be written, `trouble` is told once: the run is to start nothing more. What was not written is kept and tried
// again, at the latest by close(): what had no room then may have some when the commands have ended.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/detail/joined_thread.hpp>

#include "program/journal/journal_file.hpp"
#include "program/journal/line_matcher.hpp"
#include "program/run/line_identity.hpp"
#include "program/run/report.hpp"

namespace gm::program {

// Which lines of an earlier run are to run again.
struct wanted_lines {
    bool waiting = true;  // those that never came to an end
    bool failed = false;
};

class journal final : public run_watcher, public line_book {
public:
    static constexpr std::chrono::milliseconds between_commits{20};

    // Of a new run. The file, which has to be there and empty, is written by the thread: the first command waits for no disk.
    journal(std::string path, run_facts facts);
    // Goes on with a run.
    journal(std::unique_ptr<journal_file> file, wanted_lines wanted);
    ~journal() override;

    // For a run that goes on: the input decides which of the known lines there are. requires: before start().
    [[nodiscard]] std::optional<std::string> match_input();

    // `trouble` is called on the thread of the journal, or of the reader, until close().
    void start(std::function<void(const std::string&)> trouble);

    // The rest is written, and the file is closed. What is wrong with it, if something is. Before that nothing of it is reported.
    [[nodiscard]] std::optional<std::string> close();
    // After close(): as the file has it.
    const run_facts& facts() const noexcept { return facts_; }

    // The lines that are to run, by the file alone, one at a time. None: no more, or the file cannot be read. A line_read() after
    // it is about that line.
    std::optional<std::vector<std::string>> next_known();

    fate line_read(const std::vector<std::string>& arguments, std::uint64_t& number) override;
    void input_ended() override;
    std::uint64_t jobs_before() const override { return before_.jobs; }
    void started(const start_report& report) override;
    void finished(const finish_report& report) override;

private:
    using clock = std::chrono::steady_clock;
    using guard = std::unique_lock<std::mutex>;

    fate new_line_read(const line_identity& who, const std::vector<std::string>& arguments, std::uint64_t& number);
    void work();
    bool wait_for_work(guard& held);
    bool write(journal_batch& batch);
    bool is_filled_locked(unsigned share) const;
    void take_batch_locked(journal_batch& batch);
    void fail(const std::string& why);

    const std::string path_;  // of a file that is still empty
    const run_facts before_;  // when this run began
    const line_identities identities_;
    const wanted_lines wanted_;

    // The reader's.
    std::optional<line_matcher> matcher_;
    std::uint64_t next_number_;
    std::vector<journal_file::known_line> known_;
    std::size_t known_at_ = 0;
    std::uint64_t last_known_ = 0;
    bool by_file_ = false;

    // Held while the file is used. Never together with lock_.
    std::mutex file_lock_;
    std::unique_ptr<journal_file> file_;

    std::mutex lock_;                              // protects the rest
    std::condition_variable work_, hurry_, room_;  // there is something to write; soon; lines are taken again
    std::vector<new_line> lines_;                  // in the order of their numbers
    std::size_t bytes_ = 0;                        // of these lines
    journal_batch queue_;                          // all else
    std::map<std::uint64_t, pid_t> starting_;      // jobs whose command is not in the file yet
    clock::time_point last_commit_;
    bool closing_ = false;
    std::optional<std::string> error_;  // the last commit failed
    std::function<void(const std::string&)> trouble_;
    run_facts facts_;
    detail::joined_thread thread_;
};

}  // namespace gm::program
