#pragma once
// A queue, and the order in which its jobs are claimed. Its available jobs stand in lanes, one for each key, because both limits
// and fair shares go by key; only the heads of lanes that may be claimed now are compared, so a claim costs the same however
// many jobs stand behind a key that has had enough.
//
//     agenda    jobs that wait for their time
//     lanes     available jobs of a key: those to be claimed alone apart from the others
//     heads     of the lanes that may give a job, in the order of the claim
//     thirsty   lanes that have jobs but wait for their key's rate

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bucket.hpp"
#include "oldest.hpp"
#include "row.hpp"

namespace gm::stores::in_memory {

struct head {
    double had;  // of fair shares; else 0
    std::int64_t order;
    std::int64_t id;
    lane* of;
    friend bool operator<(const head& a, const head& b) noexcept {
        if (a.had != b.had) return a.had < b.had;
        return a.order != b.order ? a.order < b.order : a.id < b.id;
    }
};

struct lane {
    std::string key;
    std::array<index, 2> lines;  // by jobs::claim
    std::size_t rows = 0;        // of its key, in whatever state
    bool in_empty = false;       // it is in queue::empty_
    unsigned running = 0;
    bucket tokens;
    double had = 0;  // how far its share is used up, in fair shares
    std::array<std::optional<std::set<head>::iterator>, 2> listed;
    std::optional<std::set<std::pair<wall_time, lane*>>::iterator> waits;
};

class queue {
public:
    explicit queue(std::string name_of) : name(std::move(name_of)) {}
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;

    const std::string name;
    std::array<std::uint64_t, states> counts{};
    std::uint64_t completed = 0, failed = 0;
    index agenda;
    std::vector<worker*> listeners;

    lane& lane_of(std::string_view key);

    // A row that became available, or is so no more (it was not claimed).
    void put(row& which, wall_time now);
    void take_out(row& which, wall_time now);
    // It was claimed from here, and is over or given back. `unused`: it never started.
    void release(row& which, bool unused, wall_time now);
    void left(row& which);  // it is removed

    // Whether a job can be claimed.
    bool eligible(claim which, wall_time now);
    // requires: eligible() said so just now.
    row& pop(claim which, wall_time now);
    bool limited() const noexcept;
    bool has_rate() const noexcept { return limits_.rate > 0 || limits_.rate_per_key > 0; }
    // How many ordinary jobs could start now, counted no further than `most`.
    // requires: no rate.
    std::size_t could_start(std::size_t most) const noexcept;
    // When something becomes eligible by the passing of time alone.
    std::optional<wall_time> next_time(wall_time now);

    bool paused() const noexcept { return paused_; }
    void pause(bool yes) noexcept { paused_ = yes; }
    const queue_limits& limits() const noexcept { return limits_; }
    void limit(const queue_limits& limits, wall_time now);
    bool has_available() const noexcept { return counts[static_cast<std::size_t>(state::available)] != 0; }
    std::optional<wall_time> oldest_available() { return oldest_.time(); }
    // Forgets keys that have no job and whose rate has nothing to remember; at most so many.
    void tidy(std::size_t most, wall_time now);

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>()(key); }
    };

    bool open_or_thirsty(lane& which, wall_time now);
    void list(lane& which, wall_time now);
    void list_line(lane& which, claim line, bool open);
    void wake_thirsty(wall_time now);
    double weight_of(const lane& which) const noexcept;

    queue_limits limits_;
    bool paused_ = false;
    unsigned running_ = 0;
    bucket tokens_;
    double served_ = 0;  // in fair shares: how far the lane that was served last had come
    lane nameless_;      // of the jobs without a key
    std::unordered_map<std::string, std::unique_ptr<lane>, hash, std::equal_to<>> lanes_;
    std::vector<lane*> empty_;  // may have no job any more
    std::array<std::set<head>, 2> heads_;
    std::set<std::pair<wall_time, lane*>> thirsty_;
    oldest oldest_;
};

}  // namespace gm::stores::in_memory
