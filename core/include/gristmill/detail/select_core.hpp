#pragma once
// The part of a select that does not depend on its cases' types. First a poll, one channel after the other. If nothing is
// ready, all channels are locked in the order of their addresses, looked at once more, and a waiter is put into
// each; one claim word decides who fires. Whoever is woken takes the losers' waiters out again.
//
// Two selects can meet: while we hold our locks we are in nobody's queue, so only the other one's word is claimed.

#include <coroutine>
#include <cstdint>
#include <source_location>
#include <span>

#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/timer.hpp>

namespace gm {

// What became of a select: which case fired, counted from 0; or `closed`: every case that could fire has retired.
struct select_result {
    channel_status status = channel_status::closed;
    std::size_t index = 0;
    explicit operator bool() const noexcept { return status == channel_status::ok; }
};

}  // namespace gm

namespace gm::detail {

enum class case_kind : std::uint8_t { receive, send, deadline, otherwise };

// One case, seen without its type.
struct select_case {
    waiter node;
    channel_base* channel = nullptr;  // null: nil, or no channel at all
    channel_status (*attempt)(select_case&, wake_list&) = nullptr;
    case_kind kind = case_kind::receive;
    bool retired = false;
    time_point deadline{};
    std::source_location where;

    waiter_queue& queue() const noexcept {
        return kind == case_kind::send ? channel->senders : channel->receivers;
    }
    bool live() const noexcept { return channel != nullptr && !retired; }
};

class select_core {
public:
    // requires: at most 64 cases.
    select_core(std::span<select_case* const> cases, bool in_order) noexcept;
    select_core(const select_core&) = delete;
    select_core& operator=(const select_core&) = delete;

    // Looks at each case once. True: the select is over.
    bool poll();

    // A thread's wait. requires: poll() said false.
    void wait_here();

    // A coroutine's wait: false if it is over after all. `self` says whom to wake.
    bool suspend(const waiter& self);

    // After the wake-up of a coroutine: the losers withdraw.
    void resumed() noexcept;

    // Before the destruction of a coroutine that waits. The index of a case that fired meanwhile, else -1.
    int abandon(const waiter& self) noexcept;

    const select_result& result() const noexcept { return result_; }
    // How the chosen case's channel answered: ok or closed.
    channel_status outcome() const noexcept { return outcome_; }
    bool suspended() const noexcept { return suspended_; }

private:
    struct alarm : timer {
        waiter node;
        select_word* word = nullptr;
    };

    bool attempt(std::size_t index, wake_list& wakes);
    bool attempt_all_locked(wake_list& wakes);
    bool enqueue(const waiter& self, wake_list& wakes);
    bool fire(std::size_t index, channel_status outcome) noexcept;
    bool all_retired() noexcept;
    void conclude() noexcept;
    void withdraw_all() noexcept;
    std::size_t draw(std::size_t& left, std::uint64_t& unseen) noexcept;

    std::span<select_case* const> cases_;
    const bool in_order_;
    bool suspended_ = false;
    channel_status outcome_ = channel_status::ok;
    std::int16_t deadline_case_ = -1;
    std::int16_t otherwise_case_ = -1;
    select_result result_{channel_status::would_block, 0};
    select_word word_;
    alarm alarm_;
};

}  // namespace gm::detail
