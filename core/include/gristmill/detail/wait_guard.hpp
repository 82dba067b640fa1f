#pragma once
// What may end a wait besides the channel: nothing, a context, or a context and a deadline. A guard is prepared
// with no lock held (it may allocate and lock), armed under the channel's lock, and disarmed when the wait is over.

#include <memory>

#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/context_core.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/timer.hpp>

namespace gm::detail {

enum class armed : std::uint8_t {
    waiting,  // go on and enqueue
    fired,    // somebody has claimed the wait already and will wake it: suspend, do not enqueue
    over,     // it ended before it began; the waiter's outcome says how
};

struct no_guard {
    static constexpr bool can_end_a_wait = false;
    static constexpr bool already_done() noexcept { return false; }
    template <class Handle>
    static void prepare(waiter&, Handle) noexcept {}
    static armed arm(waiter&) noexcept { return armed::waiting; }
};

// After word was armed: settles the race with a context that is done by now.
inline armed look_at_context(context_core& core, claim_word& word, waiter& who) noexcept {
    if (!core.done()) [[likely]]
        return armed::waiting;
    if (!word.claim(claim_word::idle)) return armed::fired;
    who.outcome = channel_status::cancelled;
    return armed::over;
}

inline constexpr std::uint32_t channel_won = 1;

class context_guard {
public:
    static constexpr bool can_end_a_wait = true;

    explicit context_guard(context_core* core) noexcept : core_(core) {}
    context_guard(const context_guard& other) noexcept : core_(other.core_) {}
    context_guard& operator=(const context_guard&) = delete;
    ~context_guard() {
        if (foreign_ && link_) drop_foreign_link(link_);
    }

    bool already_done() const noexcept { return core_ && core_->done(); }

    template <class P>
    void prepare(waiter& who, std::coroutine_handle<P> self) {
        if (!core_) return;
        if constexpr (our_promise<P>)
            link_ = &link_of(self.promise(), *core_);
        else
            link_ = &foreign_link(who, *core_);
        who.claim = &link_->word;
        who.id = channel_won;
        foreign_ = !our_promise<P>;
    }

    armed arm(waiter& who) noexcept {
        if (!core_) return armed::waiting;
        link_->word.arm();
        return look_at_context(*core_, link_->word, who);
    }

    bool ended_the_wait() const noexcept { return link_ && link_->word.winner() == claim_word::cancelled; }

    // True: the context ended the wait.
    bool disarm(waiter& who) noexcept {
        if (!link_) return false;
        const bool cancelled = ended_the_wait();
        link_->word.disarm();
        if (foreign_) drop_foreign_link(link_);
        link_ = nullptr;
        if (cancelled) who.outcome = channel_status::cancelled;
        return cancelled;
    }

    // The same for a coroutine that is about to be destroyed: the context will not touch it any more.
    void leave(waiter& who) noexcept {
        if (link_) context_core::leave(*link_);
        static_cast<void>(disarm(who));
    }

private:
    static context_link& foreign_link(const waiter& who, context_core& core);
    static void drop_foreign_link(context_link* link) noexcept;

    context_core* core_;
    context_link* link_ = nullptr;
    bool foreign_ = false;
};

// Serves any combination; made for waits that have a deadline, which cost a timer anyway.
class limits_guard {
public:
    static constexpr bool can_end_a_wait = true;

    explicit limits_guard(const limits& until) noexcept : until_(until) {}
    limits_guard(const limits_guard& other) noexcept : until_(other.until_) {}
    limits_guard& operator=(const limits_guard&) = delete;
    ~limits_guard() {
        if (started_) stop_timer(alarm_);
        context_core::leave(link_);
    }

    bool already_done() const noexcept { return until_.context && until_.context->done(); }

    template <class P>
    void prepare(waiter& who, std::coroutine_handle<P>) noexcept {
        who.claim = &link_.word;
        who.id = channel_won;
        link_.node.wake = alarm_.node.wake = who.wake;
        link_.node.target = alarm_.node.target = who.target;
        alarm_.word = &link_.word;
        if (until_.context) enter();
    }

    armed arm(waiter& who) noexcept;
    bool ended_the_wait() const noexcept;
    bool disarm(waiter& who) noexcept;
    void leave(waiter& who) noexcept { static_cast<void>(disarm(who)); }

    struct alarm : timer {
        waiter node;
        claim_word* word = nullptr;
    };

private:
    void enter() noexcept;

    limits until_;
    context_link link_;
    alarm alarm_;
    bool started_ = false;
};

}  // namespace gm::detail
