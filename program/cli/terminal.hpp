#pragma once
// What is known of where our output goes.

#include <cstddef>
#include <string>
#include <string_view>

namespace gm::program {

// Its columns; 0: it is no terminal.
std::size_t terminal_width(int fd);

// A terminal that shows colours, and nobody has set NO_COLOR (no-color.org).
bool shows_colours(int fd);

enum class colour : unsigned char { none, red, green, yellow, dim, bold };
std::string coloured(std::string_view text, colour how);

}  // namespace gm::program
