#include "program/push/when.hpp"

#include <ctime>
#include <optional>

#include "program/cli/moments.hpp"

namespace gm::program {

namespace {

using std::chrono::seconds;

jobs::wall_time from_epoch(std::time_t when) { return jobs::wall_time(seconds(when)); }

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
    if (const auto read = read_moment(text); read && !read->ago) return read->fixed;
    for (const char* const form : {"%H:%M:%S", "%H:%M"}) {
        std::tm parts{};
        const char* const rest = ::strptime(text.c_str(), form, &parts);
        if (!rest || *rest != '\0') continue;
        if (const auto when = next_time_of_day(parts, now)) return *when;
    }
    return failure("'" + text + "' is no time; write for example 15:00, 2026-11-21 15:00, 2026-11-21T15:00:00Z");
}

}  // namespace gm::program
