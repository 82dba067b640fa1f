#include <gristmill/jobs/schedule.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "names.hpp"

namespace gm::jobs {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

namespace {

constexpr sys_seconds calendar_begins = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);
constexpr sys_seconds calendar_ends = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1);

// A rhythm: the first moment after `after` at which the clock shows a time of the line.
std::optional<sys_seconds> next_shown(const cron& line, const zone& place, sys_seconds after) {
    while (after < calendar_ends) {
        const zone::period now = place.around(after + seconds(1));
        const auto shown = line.next(local_seconds(after.time_since_epoch() + now.ahead));
        if (!shown) return std::nullopt;
        const sys_seconds when(shown->time_since_epoch() - now.ahead);
        if (when < now.end) return when;
        after = now.end - seconds(1);
    }
    return std::nullopt;
}

// Times of the day: those up to the latest that the clock has shown are past, also where it shows them again.
std::optional<sys_seconds> next_reached(const cron& line, const zone& place, sys_seconds after) {
    const auto time = line.next(place.furthest(after));
    return time ? std::optional(place.first(*time)) : std::nullopt;
}

}  // namespace

result<schedule, std::string> schedule::of(const cron_entry& entry) {
    auto line = cron::parse(entry.line);
    if (!line) return failure("line: " + std::move(line).error());
    auto place = zone::named(entry.zone);
    if (!place) return failure("zone: " + std::move(place).error());
    return schedule(*line, *std::move(place));
}

std::optional<wall_time> schedule::next_after(wall_time after) const {
    const auto from = std::chrono::floor<seconds>(after);
    if (from < calendar_begins || from >= calendar_ends) return std::nullopt;
    const auto next = line_.every_hour() ? next_shown(line_, zone_, from) : next_reached(line_, zone_, from);
    return next && *next < calendar_ends ? std::optional<wall_time>(*next) : std::nullopt;
}

// Looks back from `until` over stretches that grow, so that a year without anybody who looked is not walked through minute by
// minute.
std::vector<wall_time> schedule::latest(wall_time after, wall_time until, std::size_t most) const {
    std::vector<wall_time> times;
    if (most == 0) return times;
    after = std::max<wall_time>(after, calendar_begins);
    for (std::chrono::microseconds stretch = std::chrono::minutes(most); after < until; stretch *= 4) {
        const wall_time from = until - after > stretch ? until - stretch : after;
        times.clear();
        for (auto time = next_after(from); time && *time <= until; time = next_after(*time)) times.push_back(*time);
        if (times.size() >= most || from == after) break;
    }
    if (times.size() > most) times.erase(times.begin(), times.end() - static_cast<std::ptrdiff_t>(most));
    return times;
}

result<std::optional<wall_time>, std::string> next_after(const cron_entry& entry, wall_time after) {
    auto made = schedule::of(entry);
    if (!made) return failure(std::move(made).error());
    return made->next_after(after);
}

// ---- what a run knows about itself ----

namespace {

std::string written(wall_time when) {
    const auto day = std::chrono::floor<std::chrono::days>(when);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(when - day));
    std::array<char, 64> room;
    std::snprintf(room.data(), room.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return room.data();
}

// Of exactly that form; none otherwise.
std::optional<wall_time> read_time(std::string_view text) {
    constexpr std::string_view form = "0000-00-00T00:00:00Z";
    if (text.size() != form.size()) return std::nullopt;
    std::array<int, 6> numbers{};
    std::size_t at = 0;
    for (int& number : numbers) {
        const std::size_t end = form.find_first_not_of('0', at);
        for (; at != end; ++at) {
            if (text[at] < '0' || text[at] > '9') return std::nullopt;
            number = number * 10 + (text[at] - '0');
        }
        if (text[at] != form[at]) return std::nullopt;
        ++at;
    }
    const auto [year, month, day, hour, minute, second] = numbers;
    const auto date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                      std::chrono::day(static_cast<unsigned>(day));
    if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + seconds(second);
}

new_job run_of(const cron_entry& entry, wall_time due) {
    new_job job = entry.job;
    job.run_at = due;
    job.after.clear();
    job.tags.push_back(std::string(cron_tag) + entry.name);
    job.tags.push_back(std::string(due_tag) + written(due));
    return job;
}

}  // namespace

std::optional<wall_time> due_time(std::span<const std::string> tags) {
    for (auto tag = tags.rbegin(); tag != tags.rend(); ++tag)  // ours are the last
        if (tag->starts_with(due_tag)) return read_time(std::string_view(*tag).substr(due_tag.size()));
    return std::nullopt;
}

std::string fault_of(const cron_entry& entry, const size_limits& limits) {
    size_limits shorter = limits;
    shorter.name -= std::min(shorter.name, cron_tag.size());  // it becomes a tag
    if (std::string fault = fault_of_name("name", entry.name, false, shorter); !fault.empty()) return fault;
    if (auto made = schedule::of(entry); !made) return std::move(made).error();
    if (!entry.job.after.empty()) return "job: after: a run of an entry waits for no other jobs";
    if (std::string fault = fault_of(run_of(entry, {}), limits); !fault.empty()) return "job: " + fault;
    return {};
}

// ---- firing ----

namespace {

// The times that runs are due for at `now`; the oldest first.
std::vector<wall_time> runs_due(const cron_entry& entry, const schedule& times, wall_time now) {
    const std::size_t most = entry.policy == missed::all ? most_missed : 1;
    auto due = times.latest(entry.next, now, most);
    // What it was planned for counts, whether or not the rules of the zone still say so.
    if (due.size() < most) due.insert(due.begin(), entry.next);
    if (entry.policy == missed::skip && now - due.back() >= on_time) due.clear();
    return due;
}

// Whether this fault is of one entry alone, and not of the store.
bool is_of_the_entry(store_fault fault) noexcept {
    return fault == store_fault::invalid || fault == store_fault::conflict || fault == store_fault::missing;
}

class round {
public:
    round(ledger& from, wall_time now) noexcept : from_(from), now_(now) {}

    // What went wrong with the store itself, if something did.
    std::optional<store_error> take(const cron_entry& entry) {
        if (entry.paused) return std::nullopt;
        const bool is_new = entry.next == wall_time();
        if (!is_new && entry.next > now_) return next_is(entry.next);
        const auto times = schedule::of(entry);
        if (!times) return broken(entry, times.error());
        const auto next = times->next_after(now_);
        if (!next) return broken(entry, "the calendar ends before it fires again");
        std::vector<new_job> jobs;
        if (!is_new)
            for (const wall_time due : runs_due(entry, *times, now_)) jobs.push_back(run_of(entry, due));
        auto done = from_.fire(entry.name, entry.next, *next, jobs);
        if (!done && is_of_the_entry(done.error().fault)) return broken(entry, done.error().what);
        if (!done) return std::move(done).error();
        if (*done) said_.count += jobs.size();
        return next_is(*next);  // also if somebody else has fired it: to the same time
    }

    fired said() && { return std::move(said_); }

private:
    std::optional<store_error> next_is(wall_time when) {
        said_.next = std::min(said_.next.value_or(when), when);
        return std::nullopt;
    }
    std::optional<store_error> broken(const cron_entry& entry, std::string what) {
        said_.broken.push_back({entry.name, std::move(what)});
        return std::nullopt;
    }

    ledger& from_;
    const wall_time now_;
    fired said_;
};

}  // namespace

result<fired, store_error> fire_due(ledger& from, wall_time now) {
    auto entries = from.crons();
    if (!entries) return failure(std::move(entries).error());
    round all(from, now);
    for (const cron_entry& entry : *entries)
        if (auto error = all.take(entry)) return failure(*std::move(error));
    return std::move(all).said();
}

}  // namespace gm::jobs
