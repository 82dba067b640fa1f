#include "program/run/template.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace gm::program {

namespace {

using part = replacement::part;

constexpr std::array<std::pair<std::string_view, part>, 5> suffixes{{
    {"//", part::folder},
    {"/.", part::basename_no_extension},
    {"/", part::basename},
    {".", part::no_extension},
    {"", part::whole},
}};

// What stands between the braces, less its suffix.
bool read_name(std::string_view name, std::span<const std::string> names, int& position) {
    if (name.empty()) {
        position = 0;
        return true;
    }
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), position);
    if (error == std::errc() && end == name.data() + name.size()) return position != 0;
    const auto found = std::ranges::find(names, name);
    position = static_cast<int>(found - names.begin()) + 1;
    return found != names.end();
}

std::string_view without_extension(std::string_view path) {
    const std::size_t dot = path.rfind('.');
    const std::size_t slash = path.rfind('/');
    const bool is_in_last = dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
    return is_in_last ? path.substr(0, dot) : path;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view folder_of(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    path = path.substr(0, slash);
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    return path.empty() ? "/" : path;
}

const std::string* argument_at(std::span<const std::string> arguments, int position) {
    const auto count = static_cast<int>(arguments.size());
    const int index = position > 0 ? position - 1 : count + position;
    return index >= 0 && index < count ? &arguments[static_cast<std::size_t>(index)] : nullptr;
}

bool is_for_argument(const replacement& what) { return what.what != part::number && what.what != part::slot; }

// Words with a meaning of their own to a shell, though a file of that name may be in PATH.
constexpr std::string_view only_in_shell[] = {
    ".",       ":",        "alias",  "bg",      "case",     "cd",      "command", "declare", "eval",  "exec", "exit",
    "export",  "fc",       "fg",     "for",     "function", "getopts", "hash",    "if",      "jobs",  "let",  "local",
    "read",    "readonly", "return", "select",  "set",      "shift",   "source",  "time",    "times", "trap", "type",
    "typeset", "ulimit",   "umask",  "unalias", "unset",    "until",   "wait",    "while"};

// Splits a command into words as long as nothing needs a shell.
class word_splitter {
public:
    explicit word_splitter(std::string_view text) : text_(text) {}

    std::optional<std::vector<std::string>> split() {
        while (at_ < text_.size())
            if (!read()) return std::nullopt;
        end_word();
        if (words_.empty() || first_is_special_ || std::ranges::count(only_in_shell, words_[0])) return std::nullopt;
        return std::move(words_);
    }

private:
    static constexpr std::string_view special = "$`|&;<>()*?[~\n{}!";

    bool read() {
        const char c = text_[at_++];
        if (c == ' ' || c == '\t') {
            end_word();
            return true;
        }
        if (special.find(c) != std::string_view::npos || (c == '#' && !in_word_)) return false;
        in_word_ = true;
        if (c == '\'') return single_quoted();
        if (c == '"') return double_quoted();
        if (c == '=' && words_.empty()) first_is_special_ = true;
        if (c != '\\') {
            word_ += c;
            return true;
        }
        if (at_ == text_.size() || text_[at_] == '\n') return false;
        word_ += text_[at_++];
        return true;
    }

    bool single_quoted() {
        const std::size_t end = text_.find('\'', at_);
        if (end == std::string_view::npos) return false;
        word_ += text_.substr(at_, end - at_);
        at_ = end + 1;
        return true;
    }

    bool double_quoted() {
        for (; at_ < text_.size(); ++at_) {
            char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (c == '$' || c == '`') return false;
            if (c == '\\' && at_ + 1 < text_.size()) {
                const char next = text_[at_ + 1];
                if (next == '\n') return false;
                if (next == '$' || next == '`' || next == '"' || next == '\\') {
                    c = next;
                    ++at_;
                }
            }
            word_ += c;
        }
        return false;
    }

    void end_word() {
        if (in_word_) words_.push_back(std::exchange(word_, {}));
        in_word_ = false;
    }

    const std::string_view text_;
    std::size_t at_ = 0;
    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false;
    bool first_is_special_ = false;
};

}  // namespace

std::string part_of(std::string_view argument, part what) {
    switch (what) {
        case part::no_extension: return std::string(without_extension(argument));
        case part::basename: return std::string(last_part(argument));
        case part::folder: return std::string(folder_of(argument));
        case part::basename_no_extension: return std::string(without_extension(last_part(argument)));
        default: return std::string(argument);
    }
}

std::size_t read_replacement(std::string_view text, std::span<const std::string> names, replacement& into) {
    if (!text.starts_with('{')) return 0;
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return 0;
    const std::string_view inner = text.substr(1, end - 1);
    if (inner == "#" || inner == "%") {
        into = {inner == "#" ? part::number : part::slot, 0};
        return end + 1;
    }
    for (const auto& [suffix, what] : suffixes) {
        int position = 0;
        if (!inner.ends_with(suffix) || !read_name(inner.substr(0, inner.size() - suffix.size()), names, position))
            continue;
        into = {what, position};
        return end + 1;
    }
    return 0;
}

std::string fill_plainly(std::string_view text, std::span<const std::string> names, const filling& with) {
    std::string all;
    for (std::size_t at = 0; at < text.size();) {
        replacement what;
        const std::size_t length = read_replacement(text.substr(at), names, what);
        if (length == 0) {
            all += text[at++];
            continue;
        }
        at += length;
        if (what.what == part::number) all += std::to_string(with.number);
        if (what.what == part::slot) all += std::to_string(with.slot);
        if (!is_for_argument(what)) continue;
        for (std::size_t i = 0; what.position == 0 && i < with.arguments.size(); ++i)
            all += (i == 0 ? "" : " ") + part_of(with.arguments[i], what.what);
        if (what.position == 0) continue;
        if (const std::string* const one = argument_at(with.arguments, what.position)) all += part_of(*one, what.what);
    }
    return all;
}

std::optional<std::vector<std::string>> words_without_shell(std::string_view command) {
    return word_splitter(command).split();
}

void command_template::add(char c, bool between_words) {
    const bool was_between = pieces_.empty() || pieces_.back().word == 0;
    if (!between_words && was_between) ++words_;
    const unsigned word = between_words ? 0 : words_;
    if (pieces_.empty() || pieces_.back().what || pieces_.back().word != word)
        pieces_.push_back({.text = {}, .what = std::nullopt, .at = place::bare, .word = word});
    pieces_.back().text += c;
}

result<command_template, std::string> command_template::parse(std::string_view text, std::span<const std::string> names,
                                                              bool repeat_words) {
    command_template made;
    made.text_ = text;
    made.repeat_words_ = repeat_words;
    shell_scanner scanner;
    for (std::size_t at = 0; at < text.size();) {
        replacement what;
        const std::string_view here = text.substr(at);
        if (here.starts_with("{="))
            return failure(std::string("expressions in Perl, as in {= … =}, are not known here"));
        if (const std::size_t length = read_replacement(here, names, what); length != 0) {
            if (made.pieces_.empty() || made.pieces_.back().word == 0) ++made.words_;
            made.pieces_.push_back({.text = {}, .what = what, .at = scanner.where(), .word = made.words_});
            made.has_arguments_ = true;
            scanner.value();
            at += length;
            continue;
        }
        if (here[0] == '$' && scanner.expands() && read_replacement(here.substr(1), names, what) != 0)
            return failure("a $ before " + std::string(here.substr(1, here.find('}'))) +
                           " would take the argument for the name of a variable; write '$' or \\$ to mean a dollar");
        made.add(here[0], scanner.separates(here[0]));
        scanner.read(here[0], here.substr(1));
        ++at;
    }
    return made;
}

// One piece, with all the arguments that it means.
bool command_template::put(const piece& one, const filling& with, std::string& to) {
    if (!one.what) {
        to += one.text;
        return true;
    }
    const auto [what, position] = *one.what;
    if (what == part::number || what == part::slot) {
        to += std::to_string(what == part::number ? with.number : with.slot);
        return true;
    }
    if (position != 0) {
        const std::string* const argument = argument_at(with.arguments, position);
        return !argument || quote(part_of(*argument, what), one.at, to);
    }
    for (std::size_t i = 0; i < with.arguments.size(); ++i) {
        if (i != 0) to += ' ';
        if (!quote(part_of(with.arguments[i], what), one.at, to)) return false;
    }
    return true;
}

// A word of -X: once for each argument.
bool command_template::put_word(pieces word, const filling& with, std::string& to) {
    for (std::size_t i = 0; i < with.arguments.size(); ++i) {
        if (i != 0) to += ' ';
        const filling only_this{with.arguments.subspan(i, 1), with.number, with.slot};
        for (const piece& one : word) {
            const bool is_all = one.what && one.what->position == 0;
            if (!put(one, is_all ? only_this : with, to)) return false;
        }
    }
    return true;
}

bool command_template::has_slot() const noexcept {
    return std::ranges::any_of(pieces_,
                               [](const piece& one) { return one.what && one.what->what == replacement::part::slot; });
}

result<std::string, std::string> command_template::render(const filling& with) const {
    std::string text;
    for (std::size_t first = 0; first < pieces_.size();) {
        std::size_t last = first + 1;
        while (last < pieces_.size() && pieces_[last].word == pieces_[first].word) ++last;
        const pieces word(pieces_.data() + first, last - first);
        const bool repeated = repeat_words_ && word[0].word != 0 && std::ranges::any_of(word, [](const piece& one) {
                                  return one.what && is_for_argument(*one.what) && one.what->position == 0;
                              });
        const bool done = repeated ? put_word(word, with, text)
                                   : std::ranges::all_of(word, [&](const piece& one) { return put(one, with, text); });
        if (!done)
            return failure(
                std::string("no quoting can protect the argument where it would stand (after \"" + text +
                            "\"): in backticks, ${…}, $((…)), a comment, a here-document or behind a backslash "
                            "an argument may only have letters, digits and -_+./,:@%"));
        first = last;
    }
    return text;
}

}  // namespace gm::program
