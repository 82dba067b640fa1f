#pragma once
// rate_limit: a token bucket. Tokens flow in at a steady rate and collect up to `burst`; each event takes some, and
// waits for them if need be. Requests are served in their order. On gm::now(), so virtual time works.
//
//   gm::rate_limit api(100, 1s);          // evenly spaced, 10 ms apart
//   gm::rate_limit api(100, 1s, 20);      // up to 20 at once after a pause
//   api.wait();  co_await api.async_wait();
//
// The rate is exact in the long run: the level is an integer (a nanosecond brings `rate` units, a token costs `per` of
// them), so nothing is rounded away, and a wake-up that comes late does not delay the next one.

#include <chrono>
#include <cstdint>
#include <source_location>

#include <gristmill/channel.hpp>
#include <gristmill/detail/wait_place.hpp>

namespace gm {

namespace detail {

// Counted: the timer may be about to wake us when the owner lets go.
struct token_place : wait_place {
    static constexpr const char* waits_as = "waits for a rate_limit";

    token_place(std::uint64_t rate, std::uint64_t cost, std::uint64_t most) noexcept;

    bool attempt(std::size_t n) noexcept;
    void queued() noexcept { set_alarm(); }
    void withdrawn(wake_list& wakes) noexcept {
        grant(wakes);
        set_alarm();
    }
    void give_back(std::size_t) const noexcept {}  // a token that was taken is spent

    void refill() noexcept;
    void grant(wake_list& wakes) noexcept;
    void set_alarm() noexcept;
    void alarm_rang() noexcept;
    bool try_retain() noexcept;
    void release() noexcept;

    struct alarm : timer {
        explicit alarm(token_place& owner) noexcept;
        token_place& place;
        wakeable node;
    };

    const std::uint64_t rate;  // units that flow in, in a nanosecond
    const std::uint64_t cost;  // of a token, in units
    const std::uint64_t most;  // units that collect
    std::uint64_t level;       // in units, at `filled`
    time_point filled;
    bool ringing = false;  // the alarm is set, or its ring is on the way
    bool started = false;  // it was set once
    alarm bell;
    atomic<std::uint32_t> references{1};

private:
    ~token_place();
};

}  // namespace detail

// Thread safety: any member, from any thread, but the destructor. requires: when it is destroyed nobody waits.
// To ask for more than the burst (it would wait for ever) or for a negative number is misuse; 0 succeeds at once.
class rate_limit {
public:
    // `events` in each `per`; starts full. A rate, a duration or a burst that is not positive is misuse, as is a burst
    // worth more than 290 years at one event in `per`.
    rate_limit(std::int64_t events, std::chrono::nanoseconds per, std::int64_t burst = 1,
               std::source_location where = std::source_location::current());
    rate_limit(const rate_limit&) = delete;
    rate_limit& operator=(const rate_limit&) = delete;
    ~rate_limit() { place_->release(); }

    void wait(std::int64_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        static_cast<void>(detail::wait_at(*place_, checked(n, where), {}, where));
    }
    [[nodiscard]] channel_status wait(std::int64_t n, const until& limit,
                                      std::source_location where = std::source_location::current()) noexcept {
        return detail::wait_at(*place_, checked(n, where), limit.limits(), where);
    }
    auto async_wait(std::int64_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        return detail::place_wait<detail::token_place>(*place_, checked(n, where), where);
    }
    auto async_wait(std::int64_t n, const detail::context_handle auto& ctx,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(*place_, checked(n, where), detail::guarded_by(ctx), where);
    }
    auto async_wait(std::int64_t n, const until& limit,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(*place_, checked(n, where), detail::limits_guard(limit.limits()), where);
    }
    // False: too few tokens, or others wait for some already.
    [[nodiscard]] bool try_take(std::int64_t n = 1,
                                std::source_location where = std::source_location::current()) noexcept {
        return detail::try_at(*place_, checked(n, where));
    }

    std::int64_t burst() const noexcept { return burst_; }

    detail::token_place& place() const noexcept { return *place_; }
    std::size_t checked(std::int64_t n, std::source_location where) const noexcept;  // n; misuse if it is out of bounds

private:
    std::int64_t burst_;
    detail::token_place* place_;
};

}  // namespace gm
