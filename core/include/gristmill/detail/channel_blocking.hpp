#pragma once
// The bodies of channel.hpp's blocking, trying and batched operations.

#include <memory>
#include <optional>

#include <gristmill/channel.hpp>
#include <gristmill/task.hpp>

namespace gm {

namespace detail {

inline bool done_already(const limits& until) noexcept { return until.context && until.context->done(); }
inline bool is_past(const limits& until) noexcept { return until.has_deadline && until.deadline <= now(); }

// One operation of a thread: an attempt under the lock and, if it has to wait, the wait.
template <class T, class Attempt>
channel_status block_on_channel(channel_core<T>& core, waiter_queue& queue, void* slot, const limits& until,
                                std::source_location where, Attempt attempt) {
    if (done_already(until)) return channel_status::cancelled;
    wake_list wakes;
    channel_status status;
    {
        channel_guard hold(core.guard);
        status = attempt(wakes);
        if (status == channel_status::would_block) {
            if (is_past(until)) return channel_status::timed_out;
            waiter self;
            self.slot = slot;
            return core.wait_here(self, queue, until, where, hold.hand_over());
        }
    }
    wakes.wake();
    return status;
}

template <class T>
union receive_slot {
    receive_slot() noexcept {}
    ~receive_slot() {}
    stored<T> value;
};

}  // namespace detail

template <class T, class Self>
channel_status sending<T, Self>::wait_to_send(T& value, const until& limit, std::source_location where) const {
    const detail::limits& limits = limit.limits();
    if (!static_cast<const Self&>(*this) && (limits.context || limits.has_deadline))
        return gm::channel<T>(0).send(std::move(value), limit, where).status();  // nil waits for its limit alone
    detail::channel_core<T>& channel = core(where);
    detail::outgoing<T> out(value);
    const channel_status status =
        detail::block_on_channel(channel, channel.senders, std::addressof(out.value()), limits, where,
                                 [&](detail::wake_list& wakes) { return channel.try_send(out.value(), wakes); });
    if (status != channel_status::ok) out.give_back();
    return status;
}

template <class T, class Self>
channel_status sending<T, Self>::try_to_send(T& value) const {
    if (!static_cast<const Self&>(*this)) return channel_status::would_block;
    detail::channel_core<T>& channel = core(std::source_location::current());
    detail::outgoing<T> out(value);
    detail::wake_list wakes;
    channel_status status;
    {
        detail::channel_guard hold(channel.guard);
        status = channel.try_send(out.value(), wakes);
    }
    wakes.wake();
    if (status != channel_status::ok) out.give_back();
    return status;
}

template <class T, class Self>
result<T, channel_status> receiving<T, Self>::receive(const until& limit, std::source_location where) const {
    const detail::limits& limits = limit.limits();
    if (!static_cast<const Self&>(*this) && (limits.context || limits.has_deadline))
        return gm::channel<T>(0).receive(limit, where);
    detail::channel_core<T>& channel = core(where);
    detail::receive_slot<T> slot;
    const channel_status status =
        detail::block_on_channel(channel, channel.receivers, std::addressof(slot.value), limits, where,
                                 [&](detail::wake_list& wakes) {
                                     return channel.try_receive(std::addressof(slot.value), wakes);
                                 });
    return detail::take_received<T>(status, slot.value);
}

template <class T, class Self>
result<T, channel_status> receiving<T, Self>::try_receive() const {
    if (!static_cast<const Self&>(*this)) return failure(channel_status::would_block);
    detail::channel_core<T>& channel = core(std::source_location::current());
    detail::receive_slot<T> slot;
    detail::wake_list wakes;
    channel_status status;
    {
        detail::channel_guard hold(channel.guard);
        status = channel.try_receive(std::addressof(slot.value), wakes);
    }
    wakes.wake();
    return detail::take_received<T>(status, slot.value);
}

// ---- batches ----

namespace detail {

// As many of [at, end) as the channel takes now, under one lock. Boxed values go one at a time.
template <class T, class Iterator, class Sentinel>
channel_status send_run(channel_core<T>& core, Iterator& at, const Sentinel& end, std::size_t& sent) {
    if (!(at != end)) return channel_status::ok;
    std::optional<outgoing<T>> out;
    out.emplace(*at);
    wake_list wakes;
    channel_status status;
    {
        channel_guard hold(core.guard);
        while ((status = core.try_send(out->value(), wakes)) == channel_status::ok) {
            ++sent;
            ++at;
            if constexpr (is_boxed<T>) break;
            if (!(at != end)) break;
            out.emplace(*at);
        }
    }
    wakes.wake();
    if (status != channel_status::ok) out->give_back();
    return status;
}

template <class T>
std::size_t receive_run(channel_core<T>& core, std::vector<T>& to, std::size_t most) {
    to.reserve(to.size() + std::min(most, core.size() + 1));
    std::size_t taken = 0;
    wake_list wakes;
    {
        channel_guard hold(core.guard);
        while (taken < most && to.size() < to.capacity()) {
            if constexpr (is_boxed<T>) break;
            else {
                receive_slot<T> slot;
                if (core.try_receive(std::addressof(slot.value), wakes) != channel_status::ok) break;
                to.push_back(std::move(slot.value));
                std::destroy_at(std::addressof(slot.value));
                ++taken;
            }
        }
    }
    wakes.wake();
    return taken;
}

}  // namespace detail

template <class T, class Self>
template <std::ranges::input_range R>
    requires std::convertible_to<std::ranges::range_reference_t<R>&, T&>
std::size_t sending<T, Self>::send_all(R&& values, const until& limit, std::source_location where) const {
    std::size_t sent = 0;
    auto at = std::ranges::begin(values);
    const auto end = std::ranges::end(values);
    if (detail::done_already(limit.limits())) return 0;
    while (at != end) {
        const channel_status status = detail::send_run(core(where), at, end, sent);
        if (status == channel_status::closed || !(at != end)) break;
        if (wait_to_send(*at, limit, where) != channel_status::ok) break;
        ++sent;
        ++at;
    }
    return sent;
}

template <class T, class Self>
template <std::ranges::input_range R>
    requires std::convertible_to<std::ranges::range_reference_t<R>&, T&>
task<std::size_t> sending<T, Self>::async_send_all(R& values, context ctx) const {
    const Self self = static_cast<const Self&>(*this);  // the coroutine keeps the channel
    std::size_t sent = 0;
    auto at = std::ranges::begin(values);
    const auto end = std::ranges::end(values);
    if (ctx.is_done()) co_return 0;
    while (at != end) {
        const channel_status status = detail::send_run(*self.shared(), at, end, sent);
        if (status == channel_status::closed || !(at != end)) break;
        if (!co_await self.async_send(std::move(*at), ctx)) break;
        ++sent;
        ++at;
    }
    co_return sent;
}

template <class T, class Self>
std::size_t receiving<T, Self>::receive_some(std::vector<T>& to, std::size_t most, const until& limit,
                                             std::source_location where) const {
    if (most == 0) return 0;
    to.reserve(to.size() + 1);
    auto first = receive(limit, where);
    if (!first) return 0;
    to.push_back(std::move(*first));
    return 1 + detail::receive_run(core(where), to, most - 1);
}

template <class T, class Self>
task<std::size_t> receiving<T, Self>::async_receive_some(std::vector<T>& to, std::size_t most, context ctx) const {
    const Self self = static_cast<const Self&>(*this);
    if (most == 0) co_return 0;
    to.reserve(to.size() + 1);
    auto first = co_await self.async_receive(ctx);
    if (!first) co_return 0;
    to.push_back(std::move(*first));
    co_return 1 + detail::receive_run(*self.shared(), to, most - 1);
}

}  // namespace gm
