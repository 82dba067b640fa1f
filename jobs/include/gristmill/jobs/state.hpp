#pragma once
// The states of a durable job, and the steps between them. Every store keeps to this table.
//
//     waiting ──► scheduled ──► available ──► running ──► completed
//        │            ▲  (its time)  ▲           │  │
//        └────────────┼──────────────┤           │  └──► dead ──► available   (revived by hand)
//                     └── snoozed ───┼───────────┤
//                        given back ─┘           └─────► retrying ──► available
//
// and from everywhere but completed and dead to cancelled, which can be revived as well.

#include <cstdint>
#include <optional>
#include <string_view>

namespace gm::jobs {

enum class state : std::uint8_t {
    waiting,    // for the jobs that it comes after
    scheduled,  // for its time
    available,  // for a worker
    running,    // claimed by a worker, whose lease is good
    retrying,   // it failed, and waits for its next attempt
    completed,
    cancelled,
    dead,  // it failed for good; all its errors are kept
};
inline constexpr int states = 8;

// A job that is over is moved to the table of the finished; a dead one waits for a person there.
constexpr bool is_over(state s) noexcept { return s == state::completed || s == state::cancelled || s == state::dead; }

// Whether a job may step from one state to the other. A step from a state to itself is none.
constexpr bool may_step(state from, state to) noexcept {
    switch (from) {
        case state::waiting: return to == state::scheduled || to == state::available || to == state::cancelled;
        case state::scheduled: return to == state::available || to == state::cancelled;
        case state::available: return to == state::running || to == state::scheduled || to == state::cancelled;
        case state::running:
            return to == state::completed || to == state::retrying || to == state::dead || to == state::cancelled ||
                   to == state::available || to == state::scheduled;  // given back or rescued; snoozed
        case state::retrying: return to == state::available || to == state::dead || to == state::cancelled;
        case state::cancelled:
        case state::dead: return to == state::available;
        case state::completed: return false;
    }
    return false;
}

std::string_view name_of(state s) noexcept;
std::optional<state> state_named(std::string_view name) noexcept;

}  // namespace gm::jobs
