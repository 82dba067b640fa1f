#pragma once
// Typed values to and from the bodies of jobs: arguments, results, what a step recorded. A `body` passes through untouched,
// a `json` is written and read; any other type goes by its fields (fields.hpp).

#include <concepts>
#include <string>
#include <utility>

#include <gristmill/jobs/fields.hpp>
#include <gristmill/jobs/record.hpp>

namespace gm::jobs {

// What a body is made of. Whether its members suit is said where it is used.
template <class T>
concept encodable = std::same_as<T, body> || std::same_as<T, json> || has_fields<T> || detail::is_optional<T> ||
                    detail::is_vector<T> || detail::is_map<T> || std::constructible_from<json, const T&>;

template <encodable T>
body to_body(const T& value) {
    if constexpr (std::same_as<T, body>)
        return value;
    else if constexpr (std::same_as<T, json>)
        return {value.text(), {}};
    else
        return {encode(value).text(), {}};
}

template <encodable T>
result<T, field_error> from_body(const body& from, unknown_fields others = unknown_fields::refuse) {
    if constexpr (std::same_as<T, body>) {
        return from;
    } else {
        if (!from.is_json()) return failure(field_error{"$", "expected JSON, got " + from.type});
        auto read = json::parse(from.bytes);
        if (!read) return failure(field_error{"$", "no JSON: " + read.error().what});
        if constexpr (std::same_as<T, json>)
            return *std::move(read);
        else
            return decode<T>(*read, others);
    }
}

// The same, and what is wrong with the value, as its reader would find it: a `valid` that says no, a number that JSON cannot
// write. For arguments, which somebody else has to read.
template <encodable T>
result<body, field_error> to_checked_body(const T& value) {
    if constexpr (has_fields<T>) {
        const json written = encode(value);
        if (auto read = decode<T>(written); !read) return failure(std::move(read).error());
        return body{written.text(), {}};
    } else {
        return to_body(value);
    }
}

}  // namespace gm::jobs
