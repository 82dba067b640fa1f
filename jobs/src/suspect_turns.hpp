#pragma once
// Whose turn it is to be claimed: ordinary jobs, or one suspect (its worker died under it) alone, with nothing else in hand.
//
//     ordinary ──► draining ──► alone ──► ordinary …
//
// Suspects do not starve: the crew is drained for one at once if jobs are short, and after half a minute if they are long. A
// drain that takes longer than its patience is given up, and the next one has twice as much. Ordinary jobs do not starve: after a
// suspect, and after a drain that was given up, they have as much time as that took, and one claim at least.

#include <algorithm>
#include <chrono>
#include <optional>

#include <gristmill/detail/engine.hpp>
#include <gristmill/jobs/store.hpp>

namespace gm::jobs::detail {

class suspect_turns {
public:
    static constexpr std::chrono::seconds short_job{1}, bearable{30};

    // What may be claimed now; nothing: wait. `holding`: claims that are not settled yet.
    std::optional<claim> next(time_point now, std::size_t holding, std::chrono::nanoseconds median) {
        if (turn_ == alone && holding == 0) end_turn(now, bearable);
        if (turn_ == draining && holding != 0 && now - since_ >= patience_) end_turn(now, 2 * patience_);
        if (turn_ == ordinary && seen_ && now >= ordinary_until_ &&
            (holding == 0 || median <= short_job || now - seen_since_ >= bearable)) {
            turn_ = draining;
            since_ = now;
        }
        if (turn_ == ordinary) return claim::ordinary;
        if (turn_ == draining && holding == 0) return claim::suspect;
        return std::nullopt;
    }

    // What an exchange that claimed has brought.
    void claimed(time_point now, claim which, bool got_one, bool more_suspects) {
        if (which == claim::suspect) {
            if (got_one)
                turn_ = alone;
            else
                end_turn(now, bearable), ordinary_until_ = now + short_job;  // somebody else has it
        }
        if (more_suspects && !seen_) seen_since_ = now;
        seen_ = more_suspects;
        if (which == claim::suspect) seen_ = false;  // an ordinary claim comes before the next
    }

    // When next() may say something else although nothing was settled.
    time_point look_again(time_point now) const {
        if (turn_ == draining) return since_ + patience_;
        if (turn_ == ordinary && seen_) return now < ordinary_until_ ? ordinary_until_ : seen_since_ + bearable;
        return time_point::max();
    }

private:
    enum turn { ordinary, draining, alone };
    void end_turn(time_point now, std::chrono::nanoseconds patience) {
        turn_ = ordinary;
        ordinary_until_ = now + (now - since_);
        seen_since_ = now;
        patience_ = patience;
    }

    turn turn_ = ordinary;
    bool seen_ = false;
    time_point seen_since_{}, since_{}, ordinary_until_{};
    std::chrono::nanoseconds patience_ = bearable;
};

}  // namespace gm::jobs::detail
