#include <gristmill/jobs/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "utf8.hpp"

namespace gm::jobs {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// ---- reading ----

class reader {
public:
    explicit reader(std::string_view text) noexcept : text_(text) {}

    result<json, json_error> whole() {
        json value;
        if (!read(value, 0)) return failure(std::move(error_));
        skip_space();
        if (at_ != text_.size()) {
            fail("nothing but white space may follow the value");
            return failure(std::move(error_));
        }
        return value;
    }

private:
    bool read(json& to, int depth) {
        skip_space();
        switch (peek()) {
            case '{': return read_object(to, depth);
            case '[': return read_list(to, depth);
            case '"': {
                std::string text;
                if (!read_string(text)) return false;
                to = json(std::move(text));
                return true;
            }
            case 't': return read_word("true", json(true), to);
            case 'f': return read_word("false", json(false), to);
            case 'n': return read_word("null", json(), to);
            default: return read_number(to);
        }
    }

    bool read_word(std::string_view word, json value, json& to) {
        if (text_.substr(at_, word.size()) != word) return fail("expected a value");
        at_ += word.size();
        to = std::move(value);
        return true;
    }

    bool read_number(json& to) {
        const std::size_t begin = at_;
        take('-');
        if (!is_digit(peek())) {
            at_ = begin;
            return fail(at_ == text_.size() ? "expected a value, and the text ends" : "expected a value");
        }
        if (!take('0')) skip_digits();
        if (is_digit(peek())) return fail("a number has no leading zero");
        if (take('.') && !skip_digits()) return fail("expected a digit");
        if (take('e') || take('E')) {
            if (!take('+')) take('-');
            if (!skip_digits()) return fail("expected a digit");
        }
        to = json(json::number{std::string(text_.substr(begin, at_ - begin))});
        return true;
    }

    bool read_list(json& to, int depth) {
        if (depth == json::deepest) return fail("nested too deeply");
        ++at_;
        json::list list;
        skip_space();
        if (!take(']')) {
            do
                if (!read(list.emplace_back(), depth + 1)) return false;
            while (skip_space(), take(','));
            if (!take(']')) return fail("expected ',' or ']'");
        }
        to = json(std::move(list));
        return true;
    }

    bool read_object(json& to, int depth) {
        if (depth == json::deepest) return fail("nested too deeply");
        const std::size_t begin = at_++;
        json::object object;
        skip_space();
        if (!take('}')) {
            do {
                skip_space();
                if (peek() != '"') return fail("expected a name in quotes");
                json::member& member = object.emplace_back();
                if (!read_string(member.first)) return false;
                skip_space();
                if (!take(':')) return fail("expected ':'");
                if (!read(member.second, depth + 1)) return false;
                skip_space();
            } while (take(','));
            if (!take('}')) return fail("expected ',' or '}'");
        }
        if (const std::string* const twice = name_that_comes_twice(object)) {
            at_ = begin;
            return fail("the name \"" + *twice + "\" comes twice in this object");
        }
        to = json(std::move(object));
        return true;
    }

    // By sorting: the text may come from somebody who wishes that it took long.
    static const std::string* name_that_comes_twice(const json::object& object) {
        std::vector<const std::string*> names;
        names.reserve(object.size());
        for (const json::member& each : object) names.push_back(&each.first);
        std::sort(names.begin(), names.end(), [](auto* a, auto* b) { return *a < *b; });
        const auto twice = std::adjacent_find(names.begin(), names.end(), [](auto* a, auto* b) { return *a == *b; });
        return twice == names.end() ? nullptr : *twice;
    }

    bool read_string(std::string& to) {
        ++at_;
        while (true) {
            const std::size_t begin = at_;
            while (at_ != text_.size() && is_plain(text_[at_])) ++at_;
            to.append(text_, begin, at_ - begin);
            if (at_ == text_.size()) return fail("the text ends inside of a string");
            const char c = text_[at_];
            if (c == '"') return ++at_, true;
            if (c == '\\') {
                if (!read_escape(to)) return false;
            } else if (static_cast<unsigned char>(c) < 0x20) {
                return fail("a control character in a string is written as \\u00..");
            } else {
                const std::size_t length = utf8::length_of_first(text_.substr(at_));
                if (length == 0) return fail("this is not UTF-8");
                to.append(text_, at_, length);
                at_ += length;
            }
        }
    }
    static bool is_plain(char c) noexcept {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
    }

    bool read_escape(std::string& to) {
        ++at_;
        const char c = peek();
        ++at_;
        switch (c) {
            case '"':
            case '\\':
            case '/': to += c; return true;
            case 'b': to += '\b'; return true;
            case 'f': to += '\f'; return true;
            case 'n': to += '\n'; return true;
            case 'r': to += '\r'; return true;
            case 't': to += '\t'; return true;
            case 'u': break;
            default: at_ -= 2; return fail("no such escape");
        }
        std::uint32_t code = 0;
        if (!read_hex(code)) return false;
        if (utf8::is_low_surrogate(code)) return fail("half a surrogate pair");
        if (utf8::is_high_surrogate(code)) {
            std::uint32_t low = 0;
            if (text_.substr(at_, 2) != "\\u") return fail("half a surrogate pair");
            at_ += 2;
            if (!read_hex(low)) return false;
            if (!utf8::is_low_surrogate(low)) return fail("half a surrogate pair");
            code = utf8::from_surrogates(code, low);
        }
        utf8::append(to, code);
        return true;
    }

    bool read_hex(std::uint32_t& to) {
        const std::string_view digits = text_.substr(at_, 4);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to, 16);
        if (error != std::errc() || end != digits.data() + 4) return fail("expected four hexadecimal digits");
        at_ += 4;
        return true;
    }

    // ---- the text ----

    char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool take(char c) noexcept {
        if (at_ == text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    bool skip_digits() noexcept {
        const std::size_t begin = at_;
        while (is_digit(peek())) ++at_;
        return at_ != begin;
    }
    void skip_space() noexcept {
        while (at_ != text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
    }
    bool fail(std::string what) {
        at_ = std::min(at_, text_.size());
        const std::string_view before = text_.substr(0, at_);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        const std::size_t column = at_ - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
        error_ = {at_, "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + std::move(what)};
        return false;
    }

    const std::string_view text_;
    std::size_t at_ = 0;
    json_error error_{};
};

// ---- writing ----

void write_string(std::string& to, std::string_view text) {
    constexpr char hex[] = "0123456789abcdef";
    to += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            to += {'\\', c};
        else if (byte >= 0x20)
            to += c;
        else if (c == '\n')
            to += "\\n";
        else if (c == '\t')
            to += "\\t";
        else
            to += {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    }
    to += '"';
}

void write(std::string& to, const json& value) {
    if (const bool* const truth = value.as_bool()) {
        to += *truth ? "true" : "false";
    } else if (const json::number* const number = value.as_number()) {
        to += number->written;
    } else if (const std::string* const text = value.as_string()) {
        write_string(to, *text);
    } else if (const json::list* const list = value.as_list()) {
        to += '[';
        for (const json& each : *list) {
            if (&each != list->data()) to += ',';
            write(to, each);
        }
        to += ']';
    } else if (const json::object* const object = value.as_object()) {
        to += '{';
        for (const auto& each : *object) {
            if (&each != object->data()) to += ',';
            write_string(to, each.first);
            to += ':';
            write(to, each.second);
        }
        to += '}';
    } else {
        to += "null";
    }
}

// ---- numbers ----

// The digits of a number without its point, and where that would stand counted from their end.
struct decimal {
    bool negative = false;
    std::string digits;
    long long exponent = 0;
};

decimal split(const std::string& written) {
    decimal parts;
    std::size_t at = 0;
    if (at != written.size() && written[at] == '-') parts.negative = true, ++at;
    bool fraction = false;
    for (; at != written.size() && written[at] != 'e' && written[at] != 'E'; ++at) {
        if (written[at] == '.') {
            fraction = true;
            continue;
        }
        parts.digits += written[at];
        parts.exponent -= fraction;
    }
    if (at != written.size()) {
        ++at;
        if (at != written.size() && written[at] == '+') ++at;
        long long exponent = 0;
        const auto [end, error] = std::from_chars(written.data() + at, written.data() + written.size(), exponent);
        // Beyond any range that matters: far out on its side, and no overflow in the sum.
        if (error != std::errc()) exponent = at != written.size() && written[at] == '-' ? -1'000'000 : 1'000'000;
        parts.exponent += std::clamp(exponent, -1'000'000LL, 1'000'000LL);
    }
    const std::size_t first = parts.digits.find_first_not_of('0');
    parts.digits.erase(0, std::min(first, parts.digits.size()));
    while (!parts.digits.empty() && parts.digits.back() == '0') {
        parts.digits.pop_back();
        ++parts.exponent;
    }
    return parts;
}

std::optional<std::uint64_t> magnitude(const decimal& parts) {
    if (parts.digits.empty()) return 0;
    if (parts.exponent < 0 || parts.exponent + static_cast<long long>(parts.digits.size()) > 20) return std::nullopt;
    std::uint64_t value = 0;
    const auto push = [&](unsigned digit) {
        return !__builtin_mul_overflow(value, 10u, &value) && !__builtin_add_overflow(value, digit, &value);
    };
    for (const char c : parts.digits)
        if (!push(static_cast<unsigned>(c - '0'))) return std::nullopt;
    for (long long i = 0; i != parts.exponent; ++i)
        if (!push(0)) return std::nullopt;
    return value;
}

}  // namespace

json::json(double value) {
    if (!std::isfinite(value)) return;
    char room[32];
    const auto [end, error] = std::to_chars(room, room + sizeof(room), value);
    content_ = number{std::string(room, end)};
}

result<json, json_error> json::parse(std::string_view text) { return reader(text).whole(); }

std::string json::text() const {
    std::string to;
    write(to, *this);
    return to;
}

const json* json::find(std::string_view name) const noexcept {
    if (const object* const members = as_object())
        for (const member& each : *members)
            if (each.first == name) return &each.second;
    return nullptr;
}

const char* json::kind() const noexcept {
    constexpr const char* kinds[] = {"null", "true or false", "a number", "a string", "a list", "an object"};
    return kinds[content_.index()];
}

std::optional<std::int64_t> to_int64(const json::number& from) {
    const decimal parts = split(from.written);
    const auto size = magnitude(parts);
    if (!size || *size > (std::uint64_t{1} << 63) - !parts.negative) return std::nullopt;
    return static_cast<std::int64_t>(parts.negative ? 0 - *size : *size);
}

std::optional<std::uint64_t> to_uint64(const json::number& from) {
    const decimal parts = split(from.written);
    const auto size = magnitude(parts);
    if (parts.negative && size != std::uint64_t{0}) return std::nullopt;
    return size;
}

std::optional<double> to_double(const json::number& from) {
    double value = 0;
    const char* const end = from.written.data() + from.written.size();
    const auto [stopped, error] = std::from_chars(from.written.data(), end, value);
    if (error == std::errc()) return stopped == end ? std::optional(value) : std::nullopt;
    const decimal parts = split(from.written);  // out of range: on which side?
    if (parts.exponent + static_cast<long long>(parts.digits.size()) > 0) return std::nullopt;
    return parts.negative ? -0.0 : 0.0;
}

}  // namespace gm::jobs
