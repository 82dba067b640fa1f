#pragma once
// One attempt as the runner keeps it, and what jobs::attempt stands on. A slot: it is filled with a delivery, runs, is emptied,
// and filled again. One word says how far it is, and whoever moves it on owns the next step:
//
//     queued ──► running    the crew's thread (or coroutine) that begins it
//     queued ──► withdrawn  the exchanger: it goes back unstarted; the crew passes over it when its turn comes
//     running ─► over       the crew, when the handler has come back
//     running ─► abandoned  the exchanger: it ran long past its time; what the handler brings later is dropped
//
// Lock order: a slot's guard, then a context's and the clock's. No user code runs under it.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gristmill/context.hpp>
#include <gristmill/detail/engine.hpp>
#include <gristmill/jobs/ledger.hpp>
#include <gristmill/jobs/verdict.hpp>
#include <gristmill/task.hpp>

namespace gm::jobs {

class kind;
class registry;

namespace detail {

class attempt_core;

// What an attempt needs of the runner.
class attempt_host {
public:
    virtual jobs::store& store() noexcept = 0;
    virtual const registry& kinds() noexcept = 0;
    // A text as it may be kept: without the values of secrets.
    virtual std::string masked(std::string_view text) const = 0;
    // The attempt has something to be written; urgent: its room for that is half full.
    virtual void has_notes(bool urgent) noexcept = 0;

protected:
    ~attempt_host() = default;
};

// stale: when its turn came the lease had run out, so somebody else may have it.
enum class phase : std::uint8_t { idle, queued, running, withdrawn, stale, over, abandoned };

class attempt_core {
public:
    static constexpr std::size_t log_room = 64 * 1024;  // of what is not yet written

    attempt_core(attempt_host& of, int its_number) noexcept : host(&of), number(its_number) {}
    attempt_core(const attempt_core&) = delete;
    attempt_core& operator=(const attempt_core&) = delete;

    // ---- for the handler ----
    gm::context context();
    stop_reason reason() const noexcept;
    void set_progress(double share, std::string_view note);
    void add_log(std::string_view text);
    const body* find_step(std::string_view name);
    void record_step(std::string_view name, body result);

    // ---- for the runner ----
    void fill(delivery&& from, jobs::kind& with, time_point now);
    bool move_on(phase from, phase to) noexcept {
        return now_in.compare_exchange_strong(from, to, std::memory_order_acq_rel, std::memory_order_relaxed);
    }
    void begin(time_point now, std::chrono::nanoseconds limit) noexcept;
    // The handler is to stop. The first reason counts, but for a lost lease, which takes the place of any other.
    void ask_to_stop(stop_reason why) noexcept;
    // If the claim that the slot holds is one of these; none given: whichever it is.
    void ask_to_stop_if(std::span<const token> sorted, stop_reason why) noexcept;
    void end_context() noexcept;
    // What is to be written; none: nothing. `put_back`: it could not be.
    std::optional<job_note> take_notes();
    void put_back(job_note&& unwritten);

    attempt_host* const host;
    const int number;

    // Written by the exchanger while the slot is idle, under the guard; the crew and the handler read them without.
    delivery job;
    jobs::kind* what = nullptr;
    time_point claimed_at{};

    std::atomic<phase> now_in{phase::idle};
    std::atomic<int> lane{-1};
    std::atomic<time_point> started_at{}, deadline{time_point::max()};

    // The crew's, until it hands the slot back.
    std::optional<body> with_secrets;  // the arguments, if they refer to some; gone when the handler has come back
    settlement end;
    std::chrono::nanoseconds ran{0};
    bool dropped = false;  // the claim was lost: there is nothing to settle

    mutable std::mutex guard;  // protects what follows, but for the atomics
    double progress = 0;
    std::string note;

private:
    jobs::ledger& steps_ledger() const;

    std::atomic<stop_reason> asked_{stop_reason::none};
    std::shared_ptr<context_source> context_;  // made when the handler first asks; shared with whoever cancels it
    std::atomic<bool> noted_{false};
    bool progressed_ = false;
    std::string log_;
    std::uint64_t log_left_out_ = 0;

    bool steps_known_ = false;  // the handler's, as the next
    std::deque<step> steps_;    // stays where it is: find_step gives pointers
};

template <class T>
struct unwrapped_task {
    using type = T;
};
template <class T>
struct unwrapped_task<task<T>> {
    using type = T;
};
template <class T>
using unwrapped = typename unwrapped_task<T>::type;

// f() as a task, whether it returns one or not.
template <class F>
auto awaited(F& f) -> task<unwrapped<std::invoke_result_t<F&>>> {
    if constexpr (gm::detail::is_task<std::invoke_result_t<F&>>)
        co_return co_await std::invoke(f);
    else
        co_return std::invoke(f);
}

}  // namespace detail
}  // namespace gm::jobs
