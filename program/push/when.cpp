#include "program/push/when.hpp"

#include <ctime>
#include <optional>
#include <string_view>

namespace gm::program {

namespace {

using std::chrono::seconds;

jobs::wall_time from_epoch(std::time_t when) { return jobs::wall_time(seconds(when)); }

// mktime makes the 31st of February the 3rd of March: that was not meant.
std::optional<jobs::wall_time> local_time(std::tm parts) {
    const std::tm asked = parts;
    parts.tm_isdst = -1;
    const std::time_t when = std::mktime(&parts);
    if (when == -1 || parts.tm_mday != asked.tm_mday || parts.tm_mon != asked.tm_mon) return std::nullopt;
    return from_epoch(when);
}

std::optional<jobs::wall_time> utc_time(std::tm parts, long offset) {
    const std::tm asked = parts;
    const std::time_t when = ::timegm(&parts);
    if (when == -1 || parts.tm_mday != asked.tm_mday || parts.tm_mon != asked.tm_mon) return std::nullopt;
    return from_epoch(when - offset);
}

std::optional<jobs::wall_time> with_zone(const std::tm& parts, const char* zone) {
    if (*zone == '\0') return local_time(parts);
    std::tm offset{};
    const char* const end = ::strptime(zone, "%z", &offset);  // Z, +01:00, -0530
    if (!end || *end != '\0') return std::nullopt;
    return utc_time(parts, offset.tm_gmtoff);
}

// The next time that the clock here shows this.
std::optional<jobs::wall_time> next_time_of_day(const std::tm& time, jobs::wall_time now) {
    const std::time_t today = std::chrono::floor<seconds>(now).time_since_epoch().count();
    std::tm parts{};
    ::localtime_r(&today, &parts);
    for (int day = 0; day != 2; ++day) {
        std::tm then = parts;
        then.tm_mday += day;  // the last of a month may become the first of the next
        then.tm_hour = time.tm_hour;
        then.tm_min = time.tm_min;
        then.tm_sec = time.tm_sec;
        then.tm_isdst = -1;
        const std::time_t when = std::mktime(&then);
        if (when != -1 && from_epoch(when) > now) return from_epoch(when);
    }
    return std::nullopt;
}

}  // namespace

result<jobs::wall_time, std::string> parse_when(const std::string& text, jobs::wall_time now) {
    for (const char* const form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"}) {
        std::tm parts{};
        const char* const rest = ::strptime(text.c_str(), form, &parts);
        if (!rest) continue;
        if (const auto when = with_zone(parts, rest)) return *when;
    }
    for (const char* const form : {"%H:%M:%S", "%H:%M"}) {
        std::tm parts{};
        const char* const rest = ::strptime(text.c_str(), form, &parts);
        if (!rest || *rest != '\0') continue;
        if (const auto when = next_time_of_day(parts, now)) return *when;
    }
    return failure("'" + text + "' is no time; write for example 15:00, 2026-11-21 15:00, 2026-11-21T15:00:00Z");
}

}  // namespace gm::program
