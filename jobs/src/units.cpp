#include <gristmill/jobs/units.hpp>

#include <array>
#include <limits>
#include <optional>
#include <utility>

namespace gm::jobs {

namespace {

struct unit {
    std::string_view name;
    std::uint64_t worth;
};
constexpr std::array<unit, 7> durations{{
    {"w", 604'800'000'000},
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
}};
constexpr std::uint64_t k = 1024;
constexpr std::array<unit, 15> sizes{{
    {"", 1},
    {"B", 1},
    {"k", k},
    {"K", k},
    {"KiB", k},
    {"kB", 1'000},
    {"M", k* k},
    {"MiB", k* k},
    {"MB", 1'000'000},
    {"G", k* k* k},
    {"GiB", k* k* k},
    {"GB", 1'000'000'000},
    {"T", k* k* k* k},
    {"TiB", k* k* k* k},
    {"TB", 1'000'000'000'000},
}};

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// a * b + c, if it fits in 63 bits.
std::optional<std::uint64_t> sum(std::uint64_t a, std::uint64_t b, std::uint64_t c) noexcept {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (c > most || (b != 0 && a > (most - c) / b)) return std::nullopt;
    return a * b + c;
}

// A number at the front of a text: `digits` / 10^`places`.
struct decimal {
    std::uint64_t digits = 0;
    int places = 0;
};

// Takes it away; none if there is none, or it is beyond all measure.
std::optional<decimal> take_decimal(std::string_view& text) {
    decimal number;
    bool some = false, point = false;
    for (; !text.empty() && (is_digit(text.front()) || (text.front() == '.' && some && !point));
         text.remove_prefix(1)) {
        if (text.front() == '.') {
            point = true;
            some = false;  // digits have to follow
            continue;
        }
        const auto more = sum(number.digits, 10, static_cast<std::uint64_t>(text.front() - '0'));
        if (!more) return std::nullopt;
        number.digits = *more;
        number.places += point;
        some = true;
    }
    return some ? std::optional(number) : std::nullopt;
}

// How much that is in units of that worth; none if it does not come out whole, or is too much.
std::optional<std::uint64_t> times(decimal number, std::uint64_t worth) {
    for (; number.places != 0 && number.digits % 10 == 0; --number.places) number.digits /= 10;
    for (; number.places != 0 && worth % 10 == 0; --number.places) worth /= 10;
    for (; number.places != 0 && worth % 2 == 0 && number.digits % 5 == 0; --number.places) {
        worth /= 2;
        number.digits /= 5;
    }
    return number.places == 0 ? sum(number.digits, worth, 0) : std::nullopt;
}

std::string quoted(std::string_view text) { return "'" + std::string(text.substr(0, 40)) + "'"; }

}  // namespace

result<std::chrono::microseconds, std::string> parse_duration(std::string_view text) {
    if (text == "0") return std::chrono::microseconds(0);
    const auto wrong = [&] { return failure(quoted(text) + " is no duration, as 1h30m or 250ms is"); };
    std::uint64_t all = 0;
    std::string_view rest = text;
    std::size_t from = 0;  // units that may still come
    do {
        const auto number = take_decimal(rest);
        if (!number) return wrong();
        std::size_t length = 0;
        while (length != rest.size() && !is_digit(rest[length]) && rest[length] != '.') ++length;
        while (from != durations.size() && durations[from].name != rest.substr(0, length)) ++from;
        if (from == durations.size()) return wrong();
        rest.remove_prefix(length);
        const auto part = times(*number, durations[from++].worth);
        const auto more = part ? sum(all, 1, *part) : std::nullopt;
        if (!more) return failure(quoted(text) + " does not come out at whole microseconds, or is too long");
        all = *more;
    } while (!rest.empty());
    return std::chrono::microseconds(static_cast<std::int64_t>(all));
}

result<std::uint64_t, std::string> parse_size(std::string_view text) {
    std::string_view rest = text;
    const auto number = take_decimal(rest);
    for (const unit& each : sizes) {
        if (!number || each.name != rest) continue;
        if (const auto bytes = times(*number, each.worth)) return *bytes;
        return failure(quoted(text) + " does not come out at whole bytes, or is too much");
    }
    return failure(quoted(text) + " is no size, as 64k or 10MB is");
}

}  // namespace gm::jobs
