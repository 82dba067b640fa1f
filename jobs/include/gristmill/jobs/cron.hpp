#pragma once
// When a cron line fires, on the clock on the wall:
//
//     minute  hour  day of the month  month  day of the week
//     */15    8-18  *                 *      mon-fri              every quarter of an hour while people work
//     0       0     1,15              *      *                    the first and the fifteenth, at midnight
//     @daily                                                      also @hourly, @weekly, @monthly, @yearly
//
// A field is *, a number, a range a-b, any of these with a step (*/n, a-b/n, a/n: from a to the end), or several with commas.
// Months and days of the week have names of three letters, too; 0 and 7 are Sunday. If both kinds of day are
// restricted (do not begin with *), a day that meets either will do, as in every cron since 1987.
//
// Time zones and daylight saving are not known here: see schedule.hpp.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <gristmill/result.hpp>

namespace gm::jobs {

class cron {
public:
    // The error says which field is wrong, and why. A line that never fires (the 30th of February) is an error, too.
    static result<cron, std::string> parse(std::string_view line);

    // The first minute after `after` at which it fires; none within the calendar's end (year 32767).
    std::optional<std::chrono::local_seconds> next(std::chrono::local_seconds after) const;

    // Whether it fires within every hour of a day on which it fires: it is a rhythm, not a time of the day.
    bool every_hour() const noexcept { return hours_ == (1U << 24) - 1; }

    bool operator==(const cron&) const = default;

private:
    cron() noexcept = default;
    bool fires_on(std::chrono::year_month_day day) const noexcept;

    std::uint64_t minutes_ = 0;  // a bit for each
    std::uint32_t hours_ = 0;
    std::uint32_t days_ = 0;      // from bit 1
    std::uint32_t months_ = 0;    // from bit 1
    std::uint32_t weekdays_ = 0;  // Sunday is bit 0
    bool any_day_ = false;        // the field was *
    bool any_weekday_ = false;
};

}  // namespace gm::jobs
