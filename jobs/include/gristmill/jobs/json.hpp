#pragma once
// A JSON value, and text to and from it. Strict (RFC 8259): valid UTF-8, paired surrogates, no name twice in an object, nothing
// after the value; and bounded in depth, for the text may come from anybody. A number is kept as it was written, so
// that nothing is lost on its way through a job that only passes it on.
//
//     auto read = json::parse(R"({"path": "a.jpg", "width": 800})");
//     if (!read) log(read.error().what);                   // line 1, column 9: expected ':'
//     const json* path = read->find("path");
//     std::string text = read->text();                     // {"path":"a.jpg","width":800}

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gristmill/result.hpp>

namespace gm::jobs {

struct json_error {
    std::size_t offset;  // in bytes, from 0
    std::string what;    // with line and column
};

class json {
public:
    static constexpr int deepest = 64;

    struct number {
        std::string written;
        bool operator==(const number&) const = default;
    };
    using list = std::vector<json>;
    using member = std::pair<std::string, json>;
    using object = std::vector<member>;  // in the order of the text; equal only in the same order

    json() noexcept = default;  // null
    json(std::nullptr_t) noexcept {}
    json(bool value) noexcept : content_(value) {}
    json(std::string value) noexcept : content_(std::move(value)) {}
    json(std::string_view value) : content_(std::string(value)) {}
    json(const char* value) : content_(std::string(value)) {}
    json(list value) noexcept : content_(std::move(value)) {}
    json(object value) noexcept : content_(std::move(value)) {}
    json(number value) noexcept : content_(std::move(value)) {}  // requires: written as JSON has it
    template <std::integral I>
        requires(!std::same_as<I, bool> && !std::same_as<I, char>)
    json(I value) : content_(number{std::to_string(value)}) {}
    json(double value);  // the shortest text that gives the same number; null if it is no number or infinite

    static result<json, json_error> parse(std::string_view text);
    std::string text() const;

    bool is_null() const noexcept { return std::holds_alternative<std::monostate>(content_); }
    const bool* as_bool() const noexcept { return std::get_if<bool>(&content_); }
    const number* as_number() const noexcept { return std::get_if<number>(&content_); }
    const std::string* as_string() const noexcept { return std::get_if<std::string>(&content_); }
    const list* as_list() const noexcept { return std::get_if<list>(&content_); }
    const object* as_object() const noexcept { return std::get_if<object>(&content_); }

    // The member of an object with that name; null if there is none, or this is no object.
    const json* find(std::string_view name) const noexcept;
    // "null", "a string" …: for messages.
    const char* kind() const noexcept;

    bool operator==(const json&) const = default;

private:
    std::variant<std::monostate, bool, number, std::string, list, object> content_;
};

// The number in exactly this type; none if it has a fraction, an exponent that leaves one, or does not fit. 1e3 is 1000.
std::optional<std::int64_t> to_int64(const json::number& from);
std::optional<std::uint64_t> to_uint64(const json::number& from);
// The nearest double; none beyond its range.
std::optional<double> to_double(const json::number& from);

}  // namespace gm::jobs
