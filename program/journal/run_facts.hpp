#pragma once
// What a journal says of its run as a whole.

#include <cstdint>
#include <string>
#include <vector>

namespace gm::program {

struct run_facts {
    std::vector<std::string> words;  // what `gristmill run` was given, so that it can be given again
    std::string command;             // the template's text, before its arguments are put in
    std::string directory;           // where the commands run
    std::string started_in;          // where `gristmill run` was called
    std::vector<std::string> names;  // of the columns (--header)
    std::int64_t started = 0;        // ms since 1970

    // As far as the journal knows.
    std::uint64_t lines = 0;      // read from the input
    std::uint64_t succeeded = 0;  // of those
    std::uint64_t failed = 0;
    std::uint64_t jobs = 0;    // the highest number that a job has had
    bool input_ended = false;  // there are no more lines than these

    bool all_done() const noexcept { return input_ended && succeeded == lines; }
};

}  // namespace gm::program
