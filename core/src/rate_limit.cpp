#include <gristmill/rate_limit.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

#include <gristmill/detail/misuse.hpp>

namespace gm {
namespace detail {

token_place::alarm::alarm(token_place& owner) noexcept : place(owner) {
    node.target = this;
    node.wake = [](wakeable& self) noexcept { static_cast<alarm*>(self.target)->place.alarm_rang(); };
    fire = [](timer& self, wake_list& wakes) noexcept {
        alarm& here = static_cast<alarm&>(self);
        if (here.place.try_retain()) wakes.commit(here.node);  // else its destructor is about to stop us
    };
}

token_place::token_place(std::uint64_t rate_of, std::uint64_t cost_of, std::uint64_t most_of) noexcept
    : rate(rate_of), cost(cost_of), most(most_of), level(most_of), filled(now()), bell(*this) {}

token_place::~token_place() {
    if (started) stop_timer(bell);
}

bool token_place::try_retain() noexcept {
    std::uint32_t seen = references.load(std::memory_order_relaxed);
    while (seen != 0)
        if (references.compare_exchange_strong(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
            return true;
    return false;
}

void token_place::release() noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

// While somebody waits nothing overflows the bucket: he would have taken the tokens when they were there, and only our
// coming late makes it look fuller.
void token_place::refill() noexcept {
    const time_point time = now();
    const std::uint64_t limit = waiting.empty() ? most : std::numeric_limits<std::uint64_t>::max();
    if (time > filled) {
        const auto passed = static_cast<std::uint64_t>(std::chrono::nanoseconds(time - filled).count());
        filled = time;
        level = level >= limit || passed > (limit - level) / rate ? limit : level + passed * rate;
    }
}

bool token_place::attempt(std::size_t n) noexcept {
    if (n == 0) return true;
    if (!waiting.empty()) return false;
    refill();
    if (level < n * cost) return false;
    level -= n * cost;
    return true;
}

void token_place::grant(wake_list& wakes) noexcept {
    refill();
    while (waiter* const first = waiting.front()) {
        const std::uint64_t price = *static_cast<const std::size_t*>(first->slot) * cost;
        if (price > level) return;
        waiting.remove(*first);
        if (!try_claim(*first)) continue;  // its limit came first
        level -= price;
        first->outcome = channel_status::ok;
        wakes.commit(*first);
    }
    level = std::min(level, most);
}

// requires: the lock is held. The clock's lock is taken under ours, so what the timer does under the clock's is only to
// retain us; the rest comes after that lock, in alarm_rang().
void token_place::set_alarm() noexcept {
    const waiter* const first = waiting.front();
    if (!first) return;  // an alarm that is set anyway finds nothing to do
    const std::uint64_t price = *static_cast<const std::size_t*>(first->slot) * cost;
    const std::uint64_t missing = price > level ? price - level : 0;
    const time_point due = filled + std::chrono::nanoseconds(missing / rate + (missing % rate != 0));
    if (ringing && bell.due() == due) return;
    if (started) stop_timer(bell);  // also when it just fired and was set anew: its ring is on the way
    ringing = started = true;
    start_timer(bell, due);
}

void token_place::alarm_rang() noexcept {
    wake_list wakes;
    {
        lock_guard hold(guard);
        if (bell.due() <= now()) ringing = false;  // else it was set anew since it fired
        grant(wakes);
        set_alarm();
    }
    wakes.wake();
    release();
}

}  // namespace detail

rate_limit::rate_limit(std::int64_t events, std::chrono::nanoseconds per, std::int64_t burst,
                       std::source_location where)
    : burst_(burst) {
    if (events <= 0) detail::misuse("a rate_limit of no events in a time would never let anything through", where);
    if (per <= per.zero()) detail::misuse("a rate_limit's events come in a duration above zero", where);
    if (burst <= 0) detail::misuse("a rate_limit's burst is at least one", where);
    const std::int64_t common = std::gcd(events, static_cast<std::int64_t>(per.count()));
    const auto rate = static_cast<std::uint64_t>(events / common);
    const auto cost = static_cast<std::uint64_t>(per.count() / common);
    const auto range = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (static_cast<std::uint64_t>(burst) > range / cost)
        detail::misuse("a rate_limit's burst times its duration is out of range", where);
    place_ = new detail::token_place(rate, cost, static_cast<std::uint64_t>(burst) * cost);
}

std::size_t rate_limit::checked(std::int64_t n, std::source_location where) const noexcept {
    if (n < 0) detail::misuse("a rate_limit was asked for a negative number of tokens", where);
    if (n > burst_) detail::misuse("a rate_limit was asked for more than its burst: it would wait for ever", where);
    return static_cast<std::size_t>(n);
}

}  // namespace gm
