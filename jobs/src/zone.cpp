#include <gristmill/jobs/zone.hpp>

#include <algorithm>

#if GRISTMILL_ZONES
#include <date/tz.h>

#include <exception>
#include <vector>

#include <gristmill/jobs/near.hpp>
#endif

namespace gm::jobs {

using std::chrono::hours;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

// Farther than any two clocks on the wall have ever been apart from each other: no jump is longer.
constexpr hours longest_jump(48);

constexpr std::string_view utc = "UTC";
constexpr zone::period always{sys_seconds::min(), sys_seconds::max(), seconds(0)};

}  // namespace

#if GRISTMILL_ZONES

result<zone, std::string> zone::named(std::string_view name) {
    if (name == utc) return zone(utc, nullptr);
    try {
        const date::tzdb& known = date::get_tzdb();
        const auto at = std::ranges::lower_bound(known.zones, name, {},
                                                 [](const auto& each) -> std::string_view { return each.name(); });
        if (at != known.zones.end() && at->name() == name) {
            static_cast<void>(at->get_info(sys_seconds()));  // reads its file: what is wrong with it is found out now
            return zone(name, &*at);
        }
        std::vector<std::string_view> names{utc};
        for (const auto& each : known.zones) names.push_back(each.name());
        return failure("there is no time zone '" + std::string(name) + "'" + did_you_mean(name, names));
    } catch (const std::exception& error) {
        return failure("the system's rules of time zones cannot be read: " + std::string(error.what()));
    }
}

zone::period zone::around(sys_seconds when) const {
    if (rules_ == nullptr) return always;
    const date::sys_info found = static_cast<const date::time_zone*>(rules_)->get_info(when);
    // The library begins and ends time at years of its own.
    constexpr sys_seconds first_year = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
    constexpr sys_seconds last_year = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);
    return {found.begin < first_year ? sys_seconds::min() : found.begin,
            found.end > last_year ? sys_seconds::max() : found.end, found.offset};
}

#else

result<zone, std::string> zone::named(std::string_view name) {
    if (name == utc) return zone(utc, nullptr);
    return failure("the time zone '" + std::string(name) +
                   "' is not known: this program was built without the rules of time zones, and knows UTC alone");
}

zone::period zone::around(sys_seconds) const { return always; }

#endif

local_seconds zone::local(wall_time when) const {
    const auto second = std::chrono::floor<seconds>(when);
    return local_seconds(second.time_since_epoch() + around(second).ahead);
}

sys_seconds zone::first(local_seconds shown) const {
    const sys_seconds as_utc(shown.time_since_epoch());
    period now = around(as_utc - longest_jump);
    while (true) {
        const sys_seconds when = std::max(now.begin, as_utc - now.ahead);
        if (when < now.end) return when;
        now = around(now.end);
    }
}

local_seconds zone::furthest(sys_seconds when) const {
    period now = around(when);
    seconds most = when.time_since_epoch() + now.ahead;
    const sys_seconds from = when - longest_jump;
    while (now.begin > from) {
        const sys_seconds last = now.begin - seconds(1);
        now = around(last);
        most = std::max(most, last.time_since_epoch() + now.ahead);
    }
    return local_seconds(most);
}

}  // namespace gm::jobs
