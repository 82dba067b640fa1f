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
    std::source_location where;
    case_kind kind = case_kind::receive;
    bool retired = false;

    waiter_queue& queue() const noexcept { return kind == case_kind::send ? channel->senders : channel->receivers; }
    bool live() const noexcept { return channel != nullptr && !retired; }
};

struct deadline_case : select_case {
    struct alarm : timer {
        wakeable node;
        select_word* word = nullptr;
    };
    time_point deadline{};
    alarm clock;
};

class select_core {
public:
    // requires: 1 to 64 cases, that outlive this object.
    select_core(std::span<select_case* const> cases, bool in_order) noexcept;
    select_core(const select_core&) = delete;
    select_core& operator=(const select_core&) = delete;

    // Looks at each case once. True: the select is over.
    bool poll();

    // A thread's wait. requires: poll() said false.
    void wait_here();

    // Whom a coroutine's wait is to wake. requires: aimed before suspend() and abandon().
    wakeable& self() noexcept { return cases_[0]->node; }

    // A coroutine's wait: false if it is over after all.
    bool suspend();

    // After the wake-up of a coroutine: the losers withdraw.
    void resumed() noexcept;

    // Before the destruction of a coroutine that waits. The index of a case that fired meanwhile, else -1.
    int abandon() noexcept;

    select_result result() const noexcept { return {status_, chosen_}; }
    // How the chosen case's channel answered: ok or closed.
    channel_status outcome() const noexcept { return outcome_; }
    bool suspended() const noexcept { return suspended_; }

private:
    static constexpr std::uint8_t none = 255;

    std::span<select_case* const> cases() const noexcept { return {cases_, count_}; }
    deadline_case& limit() const noexcept { return static_cast<deadline_case&>(*cases_[deadline_case_]); }

    bool attempt(std::size_t index, wake_list& wakes);
    bool attempt_all_locked(wake_list& wakes);
    bool enqueue(const wakeable& self, wake_list& wakes);
    bool fire(std::size_t index, channel_status outcome) noexcept;
    bool all_retired() noexcept;
    void conclude() noexcept;
    void withdraw_all() noexcept;
    std::size_t draw(std::size_t& left, std::uint64_t& unseen) noexcept;

    select_case* const* const cases_;
    select_word word_;
    const std::uint8_t count_;
    const bool in_order_;
    bool suspended_ = false;
    channel_status outcome_ = channel_status::ok;
    channel_status status_ = channel_status::would_block;
    std::uint8_t chosen_ = 0;
    std::uint8_t deadline_case_ = none;
    std::uint8_t otherwise_case_ = none;
};

}  // namespace gm::detail
