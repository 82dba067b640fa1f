#pragma once
// Where in a shell's text a place is: between quotes, in a substitution, in a comment. It decides how a value that is put there has to
// be quoted so that it stays one word, whatever is in it.

#include <string>
#include <string_view>
#include <vector>

namespace gm::program {

enum class place : unsigned char {
    bare,           // between words, or part of one: quoted as a whole
    double_quoted,  // "…": what is special there gets a backslash
    single_quoted,  // '…'
    // Where no quoting helps: in backticks, ${…}, $((…)), a comment, a here-document, behind a backslash. Only a value of plain characters
    // can stand there; any other is refused when it comes.
    fixed,
};

class shell_scanner {
public:
    // One character of the command, and what comes after it.
    void read(char c, std::string_view after);
    // A replacement string stands here: something is there, so no word begins after it.
    void value();

    place where() const;
    // This character ends a word, at the outermost level.
    bool separates(char c) const;
    // A dollar sign here would take what follows for a name.
    bool expands() const;

private:
    enum class inside : unsigned char { double_quotes, single_quotes, substitution, parameter, arithmetic, backticks };
    void plain(char c, std::string_view after);
    void quoted(char c, std::string_view after);
    void dollar(std::string_view after);
    void word_ends();
    bool is_plain() const { return stack_.empty() || stack_.back() == inside::substitution; }

    std::vector<inside> stack_;
    std::string word_;      // so far, outside of quotes
    std::size_t skip_ = 0;  // characters that belong to what was just read
    bool at_word_start_ = true;
    bool escaped_ = false;  // behind a backslash
    bool comment_ = false;
    bool poisoned_ = false;  // beyond what is understood here: a here-document, `case` in a substitution
};

// `value` as it has to be written at that place. False: it cannot be.
bool quote(std::string_view value, place at, std::string& to);
// As one word of a command that somebody may copy.
std::string shell_word(std::string_view value);

}  // namespace gm::program
