#pragma once
// Text from anybody (a command line, a name, an error), made fit for where it is shown. What is shown is for eyes: nothing in it may
// steer a terminal or become a part of a page.

#include <cstddef>
#include <string>
#include <string_view>

namespace gm::program {

// One line of at most `columns` columns. What moves a cursor, hides or turns text round is not let through: a newline or tab becomes a
// space, another control character ^X, what is not UTF-8 a question mark. Text that was cut ends with an ellipsis. Without
// `unicode`, only ASCII.
std::string for_terminal(std::string_view text, std::size_t columns, bool unicode);

// For HTML, in text and in quoted attributes. Newlines stay; other control characters and what is not UTF-8 become U+FFFD.
std::string for_page(std::string_view text);

}  // namespace gm::program
