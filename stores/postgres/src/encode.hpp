#pragma once
// The few things that are written as text inside a parameter, and times as the schema has them.

#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/record.hpp>

namespace gm::stores::pg {

inline std::int64_t us(jobs::wall_time at) noexcept { return at.time_since_epoch().count(); }
inline jobs::wall_time at_us(std::int64_t us) noexcept { return jobs::wall_time(std::chrono::microseconds(us)); }

// An array of texts as SQL writes it: {"a","b \"c\""}.
inline std::string array_literal(std::span<const std::string> texts) {
    std::string made = "{";
    for (const std::string& text : texts) {
        if (made.size() > 1) made += ',';
        made += '"';
        for (const char c : text) {
            if (c == '"' || c == '\\') made += '\\';
            made += c;
        }
        made += '"';
    }
    return made + "}";
}

inline std::string array_literal(std::span<const jobs::job_id> ids) {
    std::string made = "{";
    for (const jobs::job_id id : ids) {
        if (made.size() > 1) made += ',';
        made += std::to_string(id.number);
    }
    return made + "}";
}

inline std::string shortest(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Five numbers: attempts, first, factor, longest, jitter. A double holds every count of microseconds of 285 years.
inline std::string retry_literal(const jobs::retry_policy& policy) {
    return "{" + std::to_string(policy.attempts) + "," + std::to_string(policy.first.count()) + "," +
           shortest(policy.factor) + "," + std::to_string(policy.longest.count()) + "," + shortest(policy.jitter) + "}";
}

inline std::optional<jobs::retry_policy> retry_of(std::span<const double> numbers) {
    if (numbers.size() != 5) return std::nullopt;
    const auto time = [](double us) { return std::chrono::microseconds(static_cast<std::int64_t>(us)); };
    return jobs::retry_policy{static_cast<int>(numbers[0]), time(numbers[1]), numbers[2], time(numbers[3]), numbers[4]};
}

}  // namespace gm::stores::pg
