#include "program/cli/moments.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include <gristmill/jobs/units.hpp>

#include "program/cli/safe_text.hpp"
#include "program/run/estimate.hpp"

namespace gm::program {

namespace {

using jobs::wall_time;
using std::chrono::microseconds;

// Takes numbers and marks off the front of a text.
class taker {
public:
    explicit taker(std::string_view text) noexcept : text_(text) {}

    std::optional<int> digits(std::size_t count) {
        if (text_.size() < count) return std::nullopt;
        int value = 0;
        for (const char c : text_.substr(0, count)) {
            if (c < '0' || c > '9') return std::nullopt;
            value = value * 10 + (c - '0');
        }
        text_.remove_prefix(count);
        return value;
    }
    bool mark(std::string_view any_of) {
        if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
        text_.remove_prefix(1);
        return true;
    }
    bool at_end() const noexcept { return text_.empty(); }
    bool at_digit() const noexcept { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
    std::string_view rest() const noexcept { return text_; }

private:
    std::string_view text_;
};

struct written_time {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    microseconds fraction{};
    std::optional<std::chrono::minutes> ahead;  // of UTC; none: the zone of this machine
};

bool read_clock(taker& from, written_time& to) {
    const auto hour = from.digits(2);
    if (!hour || !from.mark(":")) return false;
    const auto minute = from.digits(2);
    if (!minute) return false;
    to.hour = *hour;
    to.minute = *minute;
    if (!from.mark(":")) return true;
    const auto second = from.digits(2);
    if (!second) return false;
    to.second = *second;
    if (!from.mark(".")) return true;
    if (!from.at_digit()) return false;
    for (int unit = 100'000; from.at_digit(); unit /= 10) to.fraction += microseconds(*from.digits(1) * unit);
    return true;
}

bool read_offset(taker& from, written_time& to) {
    if (from.mark("Zz")) return to.ahead = std::chrono::minutes(0), true;
    const bool behind = from.rest().starts_with('-');
    if (!from.mark("+-")) return true;
    const auto hours = from.digits(2);
    (void)from.mark(":");
    const auto minutes = from.digits(2);
    if (!hours || !minutes || *hours > 14 || *minutes > 59) return false;
    to.ahead = (behind ? -1 : 1) * (std::chrono::hours(*hours) + std::chrono::minutes(*minutes));
    return true;
}

std::optional<written_time> read_written(std::string_view text) {
    taker from(text);
    written_time to;
    const auto year = from.digits(4);
    if (!year || !from.mark("-")) return std::nullopt;
    const auto month = from.digits(2);
    if (!month || !from.mark("-")) return std::nullopt;
    const auto day = from.digits(2);
    if (!day) return std::nullopt;
    to.year = *year, to.month = *month, to.day = *day;
    if (from.mark(" T") && !read_clock(from, to)) return std::nullopt;
    if (!read_offset(from, to) || !from.at_end()) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(to.year),
                                           std::chrono::month(static_cast<unsigned>(to.month)),
                                           std::chrono::day(static_cast<unsigned>(to.day))};
    const bool good = date.ok() && to.hour < 24 && to.minute < 60 && to.second < 60;
    return good ? std::optional(to) : std::nullopt;
}

wall_time moment_of(const written_time& from) {
    std::tm fields{};
    fields.tm_year = from.year - 1900;
    fields.tm_mon = from.month - 1;
    fields.tm_mday = from.day;
    fields.tm_hour = from.hour;
    fields.tm_min = from.minute;
    fields.tm_sec = from.second;
    fields.tm_isdst = -1;
    const std::time_t seconds = from.ahead ? ::timegm(&fields) : std::mktime(&fields);
    return wall_time(std::chrono::seconds(seconds)) - from.ahead.value_or(std::chrono::minutes(0)) + from.fraction;
}

std::string span_text(microseconds span) {
    return duration_text(std::chrono::duration<double>(std::chrono::floor<std::chrono::seconds>(span)).count());
}

}  // namespace

result<moment, std::string> read_moment(std::string_view text) {
    if (const auto ago = jobs::parse_duration(text)) return moment{.ago = *ago, .fixed = {}};
    // Four digits have to do when it is written again.
    constexpr wall_time begin{}, end = std::chrono::sys_days(std::chrono::year(10000) / 1 / 1);
    const auto written = read_written(text);
    const wall_time at = written ? moment_of(*written) : wall_time::min();
    if (at < begin || at >= end)
        return failure(
            quoted(text) +
            " is no time; write for example 90m or 2d (ago), 2026-11-21, '2026-11-21 14:30', 2026-11-21T13:30Z");
    return moment{.ago = {}, .fixed = at};
}

std::string local_text(wall_time at) {
    const std::time_t time = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    std::tm fields{};
    std::array<char, 64> room{};
    if (!::localtime_r(&time, &fields)) return "?";
    return {room.data(), std::strftime(room.data(), room.size(), "%Y-%m-%d %H:%M:%S", &fields)};
}

std::string with_age(wall_time at, wall_time now) {
    return local_text(at) + (at > now ? " (in " + span_text(at - now) + ")" : " (" + span_text(now - at) + " ago)");
}

std::string age_text(wall_time since, wall_time now) {
    return span_text(std::max<microseconds>(now - since, microseconds(0)));
}

}  // namespace gm::program
