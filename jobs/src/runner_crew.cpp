// One attempt on the crew: begun, run, judged by how its handler ended, handed back to the exchanger.
#include <stdexcept>
#include <utility>

#include <gristmill/jobs/secrets.hpp>

#include "clean_text.hpp"
#include "runner_core.hpp"

namespace gm::jobs::detail {

namespace {

runner_core& core_of(attempt_core& slot) noexcept { return static_cast<runner_core&>(*slot.host); }

std::string in_words(std::chrono::nanoseconds time) {
    using std::chrono::duration_cast, std::chrono::milliseconds;
    const auto ms = duration_cast<milliseconds>(time).count();
    return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

std::string words_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (const std::string& text) {
        return text;
    } catch (const char* text) {
        return text ? text : "an exception";
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

}  // namespace

std::chrono::nanoseconds runner_core::timeout_of(const attempt_core& slot) const noexcept {
    constexpr std::chrono::hours as_good_as_none(24 * 365 * 10);
    const std::chrono::microseconds limit =
        slot.job.timeout.count() > 0 ? slot.job.timeout : slot.what->options.timeout;
    return limit < as_good_as_none ? limit : std::chrono::microseconds(0);
}

// For a function the pool's own limit comes when the attempt is abandoned, and replaces the thread that is stuck in it. A
// coroutine has none there: its place is given away by abandoned_coroutines().
void runner_core::post(attempt_core& slot) {
    const std::chrono::nanoseconds limit = timeout_of(slot);
    const std::chrono::nanoseconds last = limit.count() == 0 ? limit : limit + options_.abandon_after;
    if (slot.what->coroutine)
        coroutine_crew_.post([&slot] { return core_of(slot).run_coroutine(slot); });
    else if (last.count() != 0)
        crew_.post([&slot] { core_of(slot).run_function(slot); }, {.timeout = last});
    else
        crew_.post([&slot] { core_of(slot).run_function(slot); });
}

// False: there is nothing to run. It was withdrawn, or it was cancelled or lost while it was at hand. Or this process stood
// still, and its lease has run out: what it had at hand may be done by now, so it is given back, if it can be.
bool runner_core::begin(attempt_core& slot, int lane) {
    const time_point now = gm::now();
    const bool stale = now >= lease_until_.load();
    if (!slot.move_on(phase::queued, stale ? phase::stale : phase::running) || stale) return false;
    slot.lane.store(lane, std::memory_order_relaxed);
    slot.begin(now, timeout_of(slot));
    if (observer_) observer_->started(event_of(slot));
    return true;
}

// What cannot be had now will not be there for the next attempt either.
void runner_core::put_secrets(attempt_core& slot) const {
    if (!refers_to_secrets(slot.job.arguments)) return;
    auto made = with_secrets(slot.job.arguments, [this](const std::string& name) { return secrets_.find(name); });
    if (!made) throw give_up("arguments: " + made.error());
    slot.with_secrets = *std::move(made);
}

void runner_core::run_function(attempt_core& slot) noexcept {
    const gm::detail::pool_worker* const thread = gm::detail::current_pool_worker;
    if (begin(slot, thread ? thread->index : -1)) {
        std::exception_ptr error;
        try {
            attempt self(slot);
            if (slot.reason() != stop_reason::none) self.context().check();
            put_secrets(slot);
            slot.end.result = slot.what->run(self);
        } catch (...) {
            error = std::current_exception();
        }
        end(slot, std::move(error));
    }
    wake_->inbox.send(&slot);
}

task<> runner_core::run_coroutine(attempt_core& slot) {
    if (begin(slot, slot.number)) {
        std::exception_ptr error;
        attempt self(slot);
        try {
            if (slot.reason() != stop_reason::none) self.context().check();
            put_secrets(slot);
            slot.end.result = co_await slot.what->run_coroutine(self);
        } catch (...) {
            error = std::current_exception();
        }
        end(slot, std::move(error));
    }
    co_await wake_->inbox.async_send(&slot);
}

void runner_core::end(attempt_core& slot, std::exception_ptr error) noexcept {
    const time_point now = gm::now();
    slot.end_context();
    slot.with_secrets.reset();
    if (!slot.move_on(phase::running, phase::over)) return;  // abandoned: nobody waits for this any more
    slot.ran = now - slot.started_at.load(std::memory_order_relaxed);
    judge(slot, error);
    if (!observer_) return;
    attempt_event event = event_of(slot);
    event.what = slot.end.what;
    event.ran = slot.ran;
    event.error = slot.end.error;
    if (slot.dropped)
        observer_->lost(event);
    else if (slot.end.what == verdict::completed)
        observer_->finished(event);
    else
        observer_->failed(event);
}

void runner_core::judge(attempt_core& slot, const std::exception_ptr& error) {
    settlement& end = slot.end;
    end.which = slot.job.which;
    end.ran = std::chrono::duration_cast<std::chrono::microseconds>(slot.ran);
    const stop_reason asked = slot.reason();
    slot.dropped = asked == stop_reason::lease_lost;
    if (slot.dropped) return;
    if (!error) {
        end.what = verdict::completed;
        if (end.result.bytes.size() <= options_.limits.result) return;
        end.error = "its result has " + std::to_string(end.result.bytes.size()) + " bytes, of " +
                    std::to_string(options_.limits.result) + " allowed";
        end.what = verdict::dead;  // the next attempt would bring the same
        end.result = {};
        return;
    }
    std::optional<std::chrono::microseconds> delay;
    bool final = false, asked_to_return = asked == stop_reason::stopping;
    try {
        std::rethrow_exception(error);
    } catch (const lease_lost&) {
        slot.dropped = true;  // a step has been told so
        return;
    } catch (const snooze& later) {
        end.what = verdict::snoozed;
        end.at = wall_now() + later.after;
        if (asked != stop_reason::cancelled) return;
    } catch (const cancelled& why) {
        end.what = verdict::cancelled;
        end.error = clean(secrets_.masked(why.what()), options_.limits.error);
        return;
    } catch (const give_up&) {
        final = true;
        asked_to_return = false;
    } catch (const try_again& later) {
        delay = later.after;
        asked_to_return = false;
    } catch (...) {
    }
    std::string why = secrets_.masked(words_of(error));
    if (asked == stop_reason::cancelled || asked_to_return) {
        end.what = asked_to_return ? verdict::interrupted : verdict::cancelled;
        end.at = {};
        end.error = clean(why, options_.limits.error);
    } else if (final) {
        end.what = verdict::dead;
        end.error = clean(why, options_.limits.error);
    } else {
        judge_failure(end, slot, std::move(why), delay);
    }
}

void runner_core::judge_failure(settlement& end, const attempt_core& slot, std::string why,
                                std::optional<std::chrono::microseconds> delay) {
    if (slot.reason() == stop_reason::timed_out) why = "timed out after " + in_words(timeout_of(slot)) + ": " + why;
    end.error = clean(why, options_.limits.error);
    const retry_policy policy = slot.job.retry ? *slot.job.retry : slot.what->options.retry;
    const token& t = slot.job.which;
    const auto dice = mixed(static_cast<std::uint64_t>(t.first) ^ mixed(static_cast<std::uint64_t>(t.second)) ^
                            mixed(mixed(static_cast<std::uint64_t>(t.third))));
    const auto by_policy = policy.delay_after(slot.job.attempt, dice);
    end.what = by_policy ? verdict::retry : verdict::dead;
    if (by_policy) end.at = wall_now() + delay.value_or(*by_policy);
}

attempt_event runner_core::event_of(const attempt_core& slot) const noexcept {
    attempt_event event;
    event.id = slot.job.id;
    event.kind = slot.job.kind;
    event.queue = slot.job.queue;
    event.attempt = slot.job.attempt;
    event.lane = slot.lane.load(std::memory_order_relaxed);
    event.waited = slot.started_at.load(std::memory_order_relaxed) - slot.claimed_at;
    return event;
}

wall_time runner_core::wall_now() const noexcept {
    using std::chrono::microseconds;
    const auto here = std::chrono::duration_cast<microseconds>(gm::now().time_since_epoch());
    return wall_time(here + microseconds(wall_offset_.load(std::memory_order_relaxed)));
}

// What time it is where jobs become due costs a question to the store; the difference to our clock hardly moves.
void runner_core::read_wall_clock() {
    using std::chrono::microseconds;
    const auto here = std::chrono::duration_cast<microseconds>(gm::now().time_since_epoch());
    wall_offset_.store((store_.now().time_since_epoch() - here).count(), std::memory_order_relaxed);
}

}  // namespace gm::jobs::detail
