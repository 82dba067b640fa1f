#pragma once
// The folder where journals lie: $GRISTMILL_STATE/runs, else $XDG_STATE_HOME/gristmill/runs, else ~/.local/state/gristmill/runs.
// A journal says what to execute, so the folder is ours alone, and what others could have put there is not looked at.
//
// A run's name says when it began, and, by two fingerprints, where it was started and what it runs: so an earlier run of a command
// is found without opening the journal of any other, one that is being written among them. When all of a run has succeeded its file
// is renamed. Those are kept for 30 days, at most 50 of them; runs with something left to do for 90 days, at most 1,000.

#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include "program/journal/run_facts.hpp"

namespace gm::program {

class journal_folder {
public:
    // Makes it if it is not there. The error says why it cannot be used.
    static result<journal_folder, std::string> open();

    struct entry {
        std::string name;
        std::string path;
        bool done = false;
    };
    // The newest first.
    std::vector<entry> runs() const;

    // Makes the file of a new run, empty.
    result<entry, std::string> make(const run_facts& of) const;
    // Says by the file's name whether all of the run is done. requires: nobody has it open.
    static void mark(const entry& one, bool done) noexcept;
    // Removes what is too old, or too much, and is not in use in another process. `ours` stays: the run that begins here.
    // requires: this process has no journal open.
    void prune(const entry& ours) const noexcept;

    static bool is_started_in(const entry& one, std::string_view folder);
    static bool is_of(const entry& one, const run_facts& run);  // the same command, for the same folder

private:
    explicit journal_folder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

}  // namespace gm::program
