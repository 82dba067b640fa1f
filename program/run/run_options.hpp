#pragma once
// What `gristmill run` was asked for.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gristmill/kinds/exec/kill_ladder.hpp>

#include "program/run/display.hpp"
#include "program/run/halt.hpp"
#include "program/run/records.hpp"
#include "program/run/values.hpp"

namespace gm::program {

enum class output_mode : unsigned char { group, lines, ungrouped };

struct run_options {
    std::vector<std::string> words;  // the template
    bool quote_words = false;        // each of them is one word, whatever is in it
    std::vector<input_source> sources;
    input_options input;

    unsigned max_arguments = 1;               // in one command
    bool batched = false;                     // max_arguments was given, or -X
    bool repeat_words = false;                // -X
    std::size_t max_size = 128 * 1024 - 256;  // of a command: what Linux takes as one argument, and -c is one
    bool shuffle = false;

    slot_count slots;
    bool says_slots = false;
    bool takes_terminal = false;  // --tty
    std::string shell = "/bin/sh";
    std::string directory;
    std::vector<std::pair<std::string, std::string>> variables;
    std::optional<int> niceness;

    output_mode output = output_mode::group;
    bool keep_order = false;
    std::optional<std::string> tag;  // a text with replacement strings
    std::string results;
    std::string joblog;
    bool joblog_goes_on = false;
    bool has_journal = true;
    bool resume = false;
    bool resume_failed = false;
    bool retry_failed = false;
    std::string run_name;  // of the run to go on with
    bool list = false;
    bool dry_run = false;
    bool verbose = false;
    std::optional<display_style> shown;  // not said: what suits the terminal
    std::string temporary_folder;

    unsigned tries = 1;
    seconds_f retry_delay{0.1};  // before the second try; doubles up to a minute
    std::optional<seconds_f> timeout;
    std::optional<double> timeout_percent;  // of the median so far
    halt_policy halt;
    kinds::exec::kill_ladder ladder;
    seconds_f delay{0};          // between starts
    std::optional<double> load;  // processes that want a CPU
    std::optional<std::uint64_t> free_memory;

    bool goes_on() const noexcept { return resume || resume_failed || retry_failed; }
};

}  // namespace gm::program
