#pragma once
// What may end a coroutine's wait besides the channel: nothing, a context, or a context and a deadline. A guard is prepared
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

// One word: the context, or the link of a foreign coroutine, which is the guard's own. A task's link is its promise's; either
// is found through the word that the waiter carries.
class context_guard {
public:
    static constexpr bool can_end_a_wait = true;

    explicit context_guard(context_core* core) noexcept : core_(reinterpret_cast<std::uintptr_t>(core)) {}
    context_guard(const context_guard& other) noexcept : context_guard(other.core()) {}
    context_guard& operator=(const context_guard&) = delete;
    ~context_guard() {
        if (owns_link()) release_context_link(own_link());
    }

    bool already_done() const noexcept { return core_ && core()->done(); }

    template <class P>
    void prepare(waiter& who, std::coroutine_handle<P> self) {
        if (!core_) return;
        context_link* link;
        if constexpr (our_promise<P>) {
            link = &link_of(self.promise(), *core());
        } else {
            link = &foreign_link(who, *core());
            core_ = reinterpret_cast<std::uintptr_t>(link) | own_link_mark;
        }
        who.claim = &link->word;
        who.id = channel_won;
    }

    armed arm(waiter& who) noexcept {
        if (!core_) return armed::waiting;
        who.claim->arm();
        return look_at_context(*core(), *who.claim, who);
    }

    bool ended_the_wait(const waiter& who) const noexcept {
        return who.claim && who.claim->winner() == claim_word::cancelled;
    }

    // True: the context ended the wait.
    bool disarm(waiter& who) noexcept {
        if (!who.claim) return false;
        const bool cancelled = ended_the_wait(who);
        who.claim->disarm();
        who.claim = nullptr;
        if (cancelled) who.outcome = channel_status::cancelled;
        return cancelled;
    }

    // The same for a coroutine that is about to be destroyed: the context will not touch it any more.
    void leave(waiter& who) noexcept {
        if (who.claim) context_core::leave(link_of(*who.claim));
        static_cast<void>(disarm(who));
    }

private:
    static constexpr std::uintptr_t own_link_mark = 1;
    static context_link& foreign_link(const waiter& who, context_core& core);

    bool owns_link() const noexcept { return (core_ & own_link_mark) != 0; }
    context_link* own_link() const noexcept { return reinterpret_cast<context_link*>(core_ & ~own_link_mark); }
    context_core* core() const noexcept {
        return owns_link() ? own_link()->core : reinterpret_cast<context_core*>(core_);
    }

    std::uintptr_t core_;
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
    bool ended_the_wait(const waiter& who) const noexcept;
    bool disarm(waiter& who) noexcept;
    void leave(waiter& who) noexcept { static_cast<void>(disarm(who)); }

    struct alarm : timer {
        wakeable node;
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
