#pragma once
// A time zone: what the clock on the wall shows somewhere, and when it shows it. The rules are the system's (package tzdata). A
// build without the library that reads them knows "UTC" alone. Beyond 2037 they say nothing about daylight saving.
//
// The clock on the wall jumps. Forwards, it leaves out a stretch of times: the gap. Backwards, it shows a stretch twice. So a time
// on it is turned into a moment by one rule that covers both: the first moment at which the clock shows that time or a later one.
// A time in the gap becomes the end of the gap; one that comes twice, the first of the two.

#include <chrono>
#include <string>
#include <string_view>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::jobs {

class zone {
public:
    // "Europe/Berlin", "UTC". The error says what is wrong, and which names are near.
    static result<zone, std::string> named(std::string_view name);

    const std::string& name() const noexcept { return name_; }

    // From `begin` until just before `end` the clock on the wall is ahead of UTC by `ahead`.
    struct period {
        std::chrono::sys_seconds begin, end;
        std::chrono::seconds ahead;
    };
    period around(std::chrono::sys_seconds when) const;

    // What the clock shows at that moment.
    std::chrono::local_seconds local(wall_time when) const;
    // The first moment at which the clock shows `shown` or a later time.
    std::chrono::sys_seconds first(std::chrono::local_seconds shown) const;
    // The latest time that the clock has shown up to that moment, itself included: `first` of anything later is still to come.
    std::chrono::local_seconds furthest(std::chrono::sys_seconds when) const;

private:
    zone(std::string_view name, const void* rules) : name_(name), rules_(rules) {}

    std::string name_;
    const void* rules_;  // the library's, which live as long as the process; null: UTC
};

}  // namespace gm::jobs
