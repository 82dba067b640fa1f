#pragma once
// What `gristmill run` does about journals: which earlier run it goes on with, the journal of the run that begins, what is said about
// both, and --list.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

#include "program/journal/journal.hpp"
#include "program/journal/journal_folder.hpp"
#include "program/run/records.hpp"
#include "program/run/run_options.hpp"

namespace gm::program {

// What identifies a run, and says how to run it again.
run_facts facts_of(const run_options& options, std::span<const std::string_view> words, std::string command);

// A run whose journal this process has open, so that no other can.
struct earlier_run {
    journal_folder::entry where;
    std::unique_ptr<journal_file> file;
};

// The named one, or the last that was started in this folder.
result<earlier_run, std::string> find_run(const std::string& name);
// The named one, which has to be of this command, or the last of this command; none if there was none.
result<std::optional<earlier_run>, std::string> find_run_of(const run_facts& like, const std::string& name);

// The journal of one run, from its begin to its end.
class run_journal {
public:
    // A new one. Without a place for it the run goes on without, and that is said.
    static std::optional<run_journal> begin(const run_facts& facts);
    // Goes on with `run`, and says so. Waits for what that run has left running. requires: signals have their usual effect.
    static run_journal go_on(earlier_run run, const run_options& options);

    journal& it() noexcept { return *it_; }
    // `input`, or in its place the lines that the journal knows, as `options` say and as there is any input.
    result<std::unique_ptr<tuple_source>, std::string> lines(argument_tuples input, const run_options& options);
    // Whether there is an input at all; if not, the lines of the journal are all there is.
    bool needs_input(const run_options& options) const;

    // The rest is written. What is wrong, or nothing.
    std::optional<std::string> close();
    // What brings the failures of this run again.
    std::string retry_command() const { return "gristmill run --retry-failed --run " + where_.name; }
    // What is left to do, and how; empty if nothing is.
    std::string what_is_left() const;

private:
    run_journal(journal_folder::entry where, std::unique_ptr<journal> it, bool goes_on)
        : where_(std::move(where)), it_(std::move(it)), goes_on_(goes_on) {}

    journal_folder::entry where_;
    std::unique_ptr<journal> it_;
    bool goes_on_;
};

// The command line of a run, as the list and the notices show it: one line, cut where it is very long.
std::string shown(const run_facts& run);

int list_runs();

}  // namespace gm::program
