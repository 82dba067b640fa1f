#pragma once
// What a durable job is: what is inserted, and what can be read about it later.
//
// A job's arguments are bytes and a content type. JSON is the typed way to write them (fields.hpp); a broker's or
// another program's bytes pass through untouched.

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gristmill/jobs/retry.hpp>
#include <gristmill/jobs/state.hpp>

namespace gm::jobs {

// Given by the store, rising, never used twice.
struct job_id {
    std::int64_t number = 0;  // 0: none
    auto operator<=>(const job_id&) const = default;
    explicit operator bool() const noexcept { return number != 0; }
};

// By the clock on the wall of the store: the server's, or this machine's.
using wall_time = std::chrono::sys_time<std::chrono::microseconds>;

struct body {
    std::string bytes;
    std::string type;  // empty: application/json
    bool operator==(const body&) const = default;
    bool is_json() const noexcept { return type.empty() || type == "application/json"; }
};

// At most one job of a kind with the same key. `started`: until it is first claimed. `finished`: until it is over; a dead or
// cancelled one is over, too. `window`: for that long from its insert, whatever becomes of it.
enum class unique_for : std::uint8_t { started, finished, window };
struct unique_key {
    std::string key;
    unique_for until = unique_for::finished;
    std::chrono::microseconds window{};  // of unique_for::window
    bool operator==(const unique_key&) const = default;
};

// What becomes of a job when one that it comes after dies or is cancelled: it goes on waiting and shows what holds it (the other
// may be revived), it is cancelled, or it runs all the same.
enum class when_parent_fails : std::uint8_t { hold, cancel, run };

inline constexpr int least_priority = -100, greatest_priority = 100;
// What one step of priority is worth: a job of priority p goes before those that were due p minutes earlier, so that whoever
// waits is overtaken for a bounded time only.
inline constexpr std::chrono::microseconds priority_step = std::chrono::minutes(1);

// The bounds of what one job may carry; a store is opened with others if they do not suit.
struct size_limits {
    std::size_t arguments = 64 * 1024;
    std::size_t result = 64 * 1024;
    std::size_t error = 8 * 1024;   // longer ones are cut at the end
    int errors = 10;                // the first one and the last nine are kept
    std::size_t log = 1024 * 1024;  // of one attempt: the first half and the last half are kept
    std::size_t name = 255;         // of a kind, a queue, a key, a tag, a step, a cron entry
    std::size_t tags = 32;
    std::size_t parents = 1000;  // jobs that one comes after
};

struct new_job {
    std::string kind;
    body arguments{};
    std::string queue = "default";
    std::string key{};  // whose job it is: limits for each key and fair shares go by it
    int priority = 0;
    wall_time run_at{};  // in the past: now
    std::vector<std::string> tags{};
    std::chrono::microseconds timeout{};  // of an attempt; 0: what its kind says
    std::optional<retry_policy> retry{};  // none: what its kind says
    std::optional<unique_key> unique{};
    std::vector<job_id> after{};  // it waits until all of these are completed
    when_parent_fails orphaned = when_parent_fails::hold;
};

// What is wrong with it, as a sentence that names the field; empty: nothing. Every store asks this before it stores anything.
// Names (kind, queue, key, tags) are UTF-8 without control characters.
std::string fault_of(const new_job& job, const size_limits& limits = {});

// One attempt that did not end well.
struct attempt_report {
    int attempt = 0;  // its number among those that count, from 1; 0: it did not count (a crash, an interruption)
    std::int64_t epoch = 0;  // of the claim
    wall_time started{}, ended{};
    std::string worker;
    std::string error;
    bool operator==(const attempt_report&) const = default;
};

// All there is to know about a job.
struct record {
    job_id id{};
    std::string kind;
    body arguments;
    std::string queue;
    std::string key;
    int priority = 0;
    std::vector<std::string> tags;
    std::chrono::microseconds timeout{};
    std::optional<retry_policy> retry;
    std::optional<unique_key> unique;
    std::vector<job_id> after;
    when_parent_fails orphaned = when_parent_fails::hold;

    jobs::state state = state::available;
    std::int64_t epoch = 0;  // how often it was claimed
    int attempts = 0;        // that ended with an error or success
    int crashes = 0;         // its worker died under it
    int interruptions = 0;   // given back when its worker stopped
    std::string worker;      // that runs it, or ran it last
    bool cancel_asked = false;
    bool overlapping = false;        // an attempt that timed out may still be running somewhere
    double progress = 0;             // 0 to 1
    std::string note;                // beside the progress
    std::vector<job_id> blocked_by;  // of a waiting one: those of `after` that hold it

    wall_time inserted{}, run_at{}, started{}, finished{};  // the epoch where it has not happened
    body result;
    std::vector<attempt_report> errors;  // the oldest first
};

}  // namespace gm::jobs

template <>
struct std::hash<gm::jobs::job_id> {
    std::size_t operator()(gm::jobs::job_id id) const noexcept { return std::hash<std::int64_t>()(id.number); }
};
