#pragma once
// When the entries of a store's cron table fire, and firing them. Any number of workers does it at the same time and none leads:
// an entry is fired by whoever first moves its `next` on, in one transaction with the insert of its jobs.
//
// Where the clock on the wall jumps (daylight saving), a line is one of two things:
//
//     a rhythm          fires within every hour of the day (*/15 * * * *): it fires whenever the clock shows one of its times. So it
//                       goes on as before through the hour that comes twice, and has nothing to make up for one left out.
//     a time of the day all others (30 2 * * *, 0 */2 * * *): each time fires once. One that the clock leaves out fires when the
//                       clock goes on, and several that it leaves out fire together, once; one that it shows twice, the first time.
//
// vixie cron calls a rhythm whatever begins with a *; there 0 */2 has a run less in spring and one more in autumn, and */5 2 * * *
// is left out in spring altogether. What distinguishes the two is whether the line has an hour of the day in mind.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gristmill/jobs/cron.hpp>
#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/zone.hpp>
#include <gristmill/result.hpp>

namespace gm::jobs {

class schedule {
public:
    // The error says what is wrong with line or zone.
    static result<schedule, std::string> of(const cron_entry& entry);

    // The first time after `after`; none within the calendar (years 1 to 9999).
    std::optional<wall_time> next_after(wall_time after) const;
    // Of the times after `after` up to `until`, the latest `most`; the oldest first.
    std::vector<wall_time> latest(wall_time after, wall_time until, std::size_t most) const;

private:
    schedule(cron line, zone place) : line_(line), zone_(std::move(place)) {}

    cron line_;
    zone zone_;
};

// As schedule::next_after, of one entry.
result<std::optional<wall_time>, std::string> next_after(const cron_entry& entry, wall_time after);

// What is wrong with it, as a sentence that names the field; empty: nothing. Every store asks this before it stores an entry.
std::string fault_of(const cron_entry& entry, const size_limits& limits = {});

// ---- what a run knows about itself: two tags ----

inline constexpr std::string_view cron_tag = "cron:";  // and the name of its entry
inline constexpr std::string_view due_tag = "due:";    // and the time that it stands for: 2026-11-21T02:30:00Z

// The time that a run stands for, from its tags; none if it is no run of an entry. A retry does not change it.
std::optional<wall_time> due_time(std::span<const std::string> tags);

// ---- firing ----

// A time is missed once it is a minute past, for minutes are what a line is made of.
inline constexpr std::chrono::microseconds on_time = std::chrono::minutes(1);
inline constexpr std::size_t most_missed = 100;

struct broken_entry {
    std::string name;
    std::string what;
    bool operator==(const broken_entry&) const = default;
};

struct fired {
    std::size_t count = 0;               // jobs that this call inserted
    std::optional<wall_time> next;       // when the next entry is due, of those that are there now
    std::vector<broken_entry> broken{};  // that cannot be fired; the others were
};

// Fires what is due at `now` (store::now()), and plans entries that are new. To be called when `next` of the last call has come, and
// every few seconds besides, for others may put entries meanwhile. From any thread, by any number of processes: each time of an
// entry is fired by one of them, also when the clock is set back. After an error some may have been fired; call it again.
//
// Of the times that passed since it was looked at last, `once` runs the latest; `all` the latest hundred; `skip` the latest if that
// is not missed. A clock that is set forward makes entries fire that are not due, and they wait then until its time has come: they
// rather fire too seldom than twice. An entry that is removed and put anew is planned from now.
result<fired, store_error> fire_due(ledger& from, wall_time now);

}  // namespace gm::jobs
