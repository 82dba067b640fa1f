#include "program/run/shell_scan.hpp"

#include <algorithm>

namespace gm::program {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool ends_word(char c) {
    return is_blank(c) || c == ';' || c == '&' || c == '|' || c == '<' || c == '>' || c == '(' || c == ')';
}

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// What no shell gives a meaning, wherever in a word it stands.
bool is_plain_value(std::string_view value, std::string_view besides) {
    return !value.empty() && std::ranges::all_of(value, [&](char c) {
        return is_letter_or_digit(c) || besides.find(c) != std::string_view::npos;
    });
}

}  // namespace

void shell_scanner::read(char c, std::string_view after) {
    if (skip_ != 0) {
        --skip_;
    } else if (comment_) {
        comment_ = c != '\n';
        at_word_start_ = !comment_;
    } else if (escaped_) {
        escaped_ = false;
        at_word_start_ = false;
    } else if (is_plain()) {
        plain(c, after);
    } else {
        quoted(c, after);
    }
}

bool shell_scanner::separates(char c) const {
    return ends_word(c) && stack_.empty() && !comment_ && !escaped_ && skip_ == 0;
}

bool shell_scanner::expands() const {
    return !comment_ && !escaped_ && skip_ == 0 && (is_plain() || stack_.back() == inside::double_quotes);
}

void shell_scanner::value() {
    escaped_ = false;
    at_word_start_ = false;
    word_ += 'x';
}

void shell_scanner::word_ends() {
    // The ) of its patterns would be taken for the end of the substitution.
    if (word_ == "case" && !stack_.empty()) poisoned_ = true;
    word_.clear();
    at_word_start_ = true;
}

void shell_scanner::plain(char c, std::string_view after) {
    const bool was_start = at_word_start_;
    if (ends_word(c)) word_ends();
    switch (c) {
        case '\\': escaped_ = true; return;
        case '\'': stack_.push_back(inside::single_quotes); break;
        case '"': stack_.push_back(inside::double_quotes); break;
        case '`': stack_.push_back(inside::backticks); break;
        case '$': return dollar(after);
        case '#':
            if (was_start) {
                comment_ = true;
                return;
            }
            break;
        case '(':
            // (( is bash's arithmetic at the start of a command, and harmless to take for it elsewhere.
            if (after.starts_with('(')) {
                stack_.push_back(inside::arithmetic);
                skip_ = 1;
            } else {
                stack_.push_back(inside::substitution);
            }
            return;
        case ')':
            if (!stack_.empty()) stack_.pop_back();
            return;
        case '<':
            if (after.starts_with('<')) {
                poisoned_ |= !after.starts_with("<<");
                skip_ = after.starts_with("<<") ? 2 : 1;
            }
            return;
        default: break;
    }
    if (ends_word(c)) return;
    at_word_start_ = false;
    if (word_.size() < sizeof("case")) word_ += c;
}

void shell_scanner::dollar(std::string_view after) {
    at_word_start_ = false;
    word_ += '$';
    if (after.starts_with("((")) {
        stack_.push_back(inside::arithmetic);
        skip_ = 2;
    } else if (after.starts_with('(')) {
        stack_.push_back(inside::substitution);
        skip_ = 1;
        word_.clear();
        at_word_start_ = true;
    } else if (after.starts_with('{')) {
        stack_.push_back(inside::parameter);
        skip_ = 1;
    } else if (after.starts_with('[') || (after.starts_with('\'') && is_plain())) {
        poisoned_ = true;  // bash's older arithmetic, and its $'…'
    }
}

void shell_scanner::quoted(char c, std::string_view after) {
    switch (stack_.back()) {
        case inside::single_quotes:
            if (c == '\'') stack_.pop_back();
            return;
        case inside::double_quotes:
            if (c == '"')
                stack_.pop_back();
            else if (c == '\\')
                escaped_ = true;
            else if (c == '`')
                stack_.push_back(inside::backticks);
            else if (c == '$')
                dollar(after);
            return;
        case inside::backticks:
            if (c == '\\')
                escaped_ = true;
            else if (c == '`')
                stack_.pop_back();
            return;
        case inside::parameter:
            // Quotes in here are beyond this scanner, and so is what comes after them.
            poisoned_ |= c == '\'' || c == '"' || c == '`' || c == '\\' || c == '$';
            if (c == '}') stack_.pop_back();
            return;
        case inside::arithmetic:
            poisoned_ |= c == '\'' || c == '"' || c == '`' || c == '\\' || c == '(';
            if (c == ')' && after.starts_with(')')) {
                stack_.pop_back();
                skip_ = 1;
            }
            return;
        case inside::substitution: return;  // plain() reads it
    }
}

place shell_scanner::where() const {
    const auto is_deep = [](inside one) {
        return one == inside::parameter || one == inside::arithmetic || one == inside::backticks;
    };
    if (poisoned_ || comment_ || escaped_ || std::ranges::any_of(stack_, is_deep)) return place::fixed;
    if (is_plain()) return place::bare;
    return stack_.back() == inside::double_quotes ? place::double_quoted : place::single_quoted;
}

bool quote(std::string_view value, place at, std::string& to) {
    switch (at) {
        case place::bare:
            // As GNU parallel writes it, so that what is shown, and logged, is the same.
            if (is_plain_value(value, "-_+./")) {
                to += value;
                return true;
            }
            to += '\'';
            for (const char c : value)
                if (c == '\'')
                    to += "'\"'\"'";
                else
                    to += c;
            to += '\'';
            return true;
        case place::double_quoted:
            for (const char c : value) {
                if (c == '$' || c == '`' || c == '"' || c == '\\') to += '\\';
                to += c;
            }
            return true;
        case place::single_quoted:
            for (const char c : value)
                if (c == '\'')
                    to += "'\\''";
                else
                    to += c;
            return true;
        case place::fixed:
            if (!is_plain_value(value, "-_+./,:@%")) return false;
            to += value;
            return true;
    }
    return false;
}

std::string shell_word(std::string_view value) {
    std::string word;
    (void)quote(value, place::bare, word);  // there it can always be
    return word;
}

}  // namespace gm::program
