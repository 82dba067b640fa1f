#pragma once
// A command with places for arguments, as GNU parallel writes them:
//
//     {}  {.}  {/}  {//}  {/.}       the argument; without its extension; its last part; its folder; last part without extension
//     {1} {2.} {-1/} {name}          one of several; from the end; by the name that --header has found
//     {#} {%}                        the number of the job; of the slot it runs in
//
// A value that is put into it stays one word, wherever its place is (shell_scan.hpp).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

#include "program/run/shell_scan.hpp"

namespace gm::program {

struct replacement {
    enum class part : unsigned char { whole, no_extension, basename, folder, basename_no_extension, number, slot };
    part what = part::whole;
    int position = 0;  // 0: all the arguments; 1 is the first, -1 the last
};

// The value that a replacement has for one argument.
std::string part_of(std::string_view argument, replacement::part what);

// The replacement string that `text` begins with, and its length; 0: there is none.
std::size_t read_replacement(std::string_view text, std::span<const std::string> names, replacement& into);

// What is put in.
struct filling {
    std::span<const std::string> arguments;
    std::uint64_t number = 0;
    unsigned slot = 0;
};

// A text with replacement strings whose values are put in as they are: for --tagstring. Never for a command.
std::string fill_plainly(std::string_view text, std::span<const std::string> names, const filling& with);

// The words of a command that needs no shell: quotes and backslashes are all that is special in it, and its first word is neither an
// assignment nor something that only a shell knows (cd, if). None for any other.
std::optional<std::vector<std::string>> words_without_shell(std::string_view command);

class command_template {
public:
    // repeat_words: a word with {} is repeated for each argument (-X); else {} becomes all of them.
    // The error says what cannot be.
    static result<command_template, std::string> parse(std::string_view text, std::span<const std::string> names,
                                                       bool repeat_words);
    const std::string& text() const noexcept { return text_; }  // as it was parsed
    std::size_t text_size() const noexcept { return text_.size(); }
    // False: nothing of the arguments is in it, nor a number.
    bool has_arguments() const noexcept { return has_arguments_; }
    // {%} is in it.
    bool has_slot() const noexcept;

    // The command as a shell would read it. The error says which value cannot be put where it should go.
    result<std::string, std::string> render(const filling& with) const;

private:
    struct piece {
        std::string text;  // of the command, if there is no `what`
        std::optional<replacement> what;
        place at = place::bare;
        unsigned word = 0;  // the pieces of one word have the same number; 0: between words
    };
    using pieces = std::span<const piece>;

    void add(char c, bool between_words);
    static bool put(const piece& one, const filling& with, std::string& to);
    static bool put_word(pieces word, const filling& with, std::string& to);

    std::string text_;
    std::vector<piece> pieces_;
    unsigned words_ = 0;
    bool has_arguments_ = false;
    bool repeat_words_ = false;
};

}  // namespace gm::program
