#pragma once
// One job as it lies in memory. What every job has stands in the row; what few have, in its `extras`.
//
// A row is in at most one ordered index at a time, by its state: scheduled and retrying in its queue's agenda, available in
// a line of its lane, over in what is kept. The tree's node goes with it from one to the next, so that a step
// allocates nothing.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gristmill/jobs/ledger.hpp>

namespace gm::stores::in_memory {

using namespace gm::jobs;
using std::chrono::microseconds;

struct row;
struct lane;
struct worker;
class queue;

struct entry {
    std::int64_t order;
    std::int64_t id;
    row* of;
    friend bool operator<(const entry& a, const entry& b) noexcept {
        return a.order != b.order ? a.order < b.order : a.id < b.id;
    }
};
using index = std::set<entry>;

// Where a row stands among others.
class place {
public:
    bool taken() const noexcept { return in_ != nullptr; }
    const index* in() const noexcept { return in_; }
    // requires: not taken().
    void take(index& of, const entry& where);
    void leave();

private:
    index* in_ = nullptr;
    index::iterator at_{};
    index::node_type spare_;
};

// What one attempt wrote: its first half and its last half.
struct attempt_log {
    std::int64_t epoch;
    std::string head, tail;
    std::uint64_t left_out = 0;
};

struct extras {
    std::vector<std::string> tags;
    std::optional<retry_policy> retry;
    std::optional<unique_key> unique;
    std::vector<job_id> after;
    when_parent_fails orphaned = when_parent_fails::hold;
    std::vector<job_id> blocked_by;   // of `after`, what it still waits for; in its order
    std::set<std::int64_t> children;  // that wait for this one: they pin it
    body result;
    std::vector<attempt_report> errors;
    double progress = 0;
    std::string note;
    std::vector<step> steps;
    std::vector<attempt_log> logs;
};

struct row {
    std::int64_t id = 0;
    std::int64_t epoch = 0;
    jobs::state state = state::waiting;
    std::int8_t priority = 0;
    bool cancel_asked = false;
    bool overlapping = false;
    bool holds_key = false;  // in the table of unique keys, until it starts or is over
    bool has_settled = false;
    verdict settled_as = verdict::completed;  // the last settlement that was accepted
    int attempts = 0, crashes = 0, interruptions = 0;

    in_memory::queue* queue = nullptr;
    in_memory::lane* lane = nullptr;
    const std::string* kind = nullptr;
    const std::string* worker_name = nullptr;

    in_memory::worker* holder = nullptr;  // of a running one; and its neighbours there
    row *before = nullptr, *behind = nullptr;

    token settled_claim{};
    wall_time inserted{}, run_at{}, started{}, finished{};
    microseconds timeout{};
    in_memory::place place;
    body arguments;
    std::unique_ptr<extras> more;

    token claim() const noexcept;  // requires: running
    extras& rare() {
        if (!more) more = std::make_unique<extras>();
        return *more;
    }
    bool pinned() const noexcept { return more && !more->children.empty(); }
    jobs::claim line() const noexcept { return crashes > 0 ? claim::suspect : claim::ordinary; }
    std::int64_t order() const noexcept { return (run_at - priority * priority_step).time_since_epoch().count(); }
};

record record_of(const row& from);
delivery delivery_of(const row& from);

}  // namespace gm::stores::in_memory
