#pragma once
// Which line of an earlier run a line of the input is. The n-th of several lines that are the same is the n-th of them there, so each
// known line is given once.
//
// As long as the input goes in step with what is known, line by line, nothing has to be looked up. From the first difference on the
// index is asked, and what was given is kept in a temporary table: memory does not grow with the list.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/result.hpp>

#include "program/journal/journal_file.hpp"

namespace gm::program {

class line_matcher {
public:
    using known_line = journal_file::known_line;

    // `file` outlives it. Makes the index first: it takes a second for a million lines, and later would hold up the commits.
    static result<line_matcher, std::string> make(journal_file& file);

    // None: a line like that was not there, or has been given already.
    result<std::optional<known_line>, std::string> take(const line_identity& who);

private:
    explicit line_matcher(journal_file& file) : file_(&file), last_(file.facts().lines) {}
    std::optional<std::string> look_ahead();

    journal_file* file_;
    std::uint64_t last_;       // what comes later in the file was put there by this run
    std::uint64_t given_ = 0;  // all up to this one were given
    bool in_step_ = true;
    std::vector<known_line> ahead_;
    std::size_t at_ = 0;
};

}  // namespace gm::program
