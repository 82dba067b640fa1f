#pragma once
// Rows in columns, as wide as what stands in them. On a terminal they fit: columns that may give way are cut, the widest first.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "program/cli/terminal.hpp"

namespace gm::program {

struct column {
    std::string_view title;
    bool right = false;       // numbers
    bool may_shrink = false;  // to what is left of the terminal's width, but not below least_width
};

struct cell {
    std::string text;
    colour how = colour::none;
};

class table_text {
public:
    static constexpr std::size_t least_width = 8;

    // `width`: the terminal's, 0 for none. `coloured`: cells may be.
    table_text(std::vector<column> columns, std::size_t width, bool coloured);

    // Makes what is in a cell printable. requires: a cell for each column.
    void add(std::vector<cell> row);
    // The rows since the last call, after the titles if it is the first. Widths only grow from call to call.
    std::string take();

private:
    std::vector<std::size_t> fitted() const;

    const std::vector<column> columns_;
    const std::size_t width_;
    const bool coloured_;
    bool begun_ = false;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<cell>> rows_;
};

}  // namespace gm::program
