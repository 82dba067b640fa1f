#pragma once
// Words from anywhere on their way to a terminal, or to a page. A job's names, arguments and errors may have been written by
// anybody: what would move the cursor, set a title, or turn the direction of a line around is shown as what it is, and never
// sent; and nothing becomes a part of a page.

#include <cstddef>
#include <string>
#include <string_view>

namespace gm::program {

enum class lines : unsigned char {
    one,   // a line break is shown as \n, a tab as \t
    many,  // both are left as they are
};

// Valid UTF-8 in which no character is a control character or changes the direction of writing: \x1b, \u202e. A byte that is
// no UTF-8 becomes \xff. A backslash stays one: this is for people; exact is what --json prints.
std::string printable(std::string_view text, lines how = lines::one);

// The same for a text in JSON, where such characters stand in strings alone: \u009b means what it replaces.
std::string printable_json(std::string_view text);

// How many columns of a terminal it takes. requires: made by printable, on one line.
std::size_t columns_of(std::string_view text);

// As much of the beginning as fits into so many columns; what is left out shows as a … at the end, or as .. where there is only
// ASCII. requires: made by printable, on one line.
enum class charset : unsigned char { unicode, ascii };
std::string cut_to(std::string_view text, std::size_t columns, charset with = charset::unicode);

// The two in one, for a line of anybody's: printable, and cut. In ASCII every other character is a question mark.
std::string one_line(std::string_view text, std::size_t columns, charset with = charset::unicode);

// A word that somebody gave, in a message about it: between quotes, and no more than its beginning.
std::string quoted(std::string_view word);

// For HTML, in text and in quoted attributes. Line breaks and tabs stay; what printable() would escape becomes U+FFFD.
std::string for_page(std::string_view text);

}  // namespace gm::program
