#pragma once
// The bodies of channel.hpp's blocking, trying and batched operations.

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include <gristmill/channel.hpp>
#include <gristmill/detail/thread_wait.hpp>
#include <gristmill/task.hpp>

namespace gm {

namespace detail {

inline bool done_already(const limits& until) noexcept { return until.context && until.context->done(); }
inline bool is_past(const limits& until) noexcept { return until.has_deadline && until.deadline <= now(); }

// A thread's wait that a context may end. It enters the context before it lines up, and looks again: whoever comes after a
// cancel has returned must not find it in the queue.
template <class T, class Attempt>
[[gnu::noinline]] channel_status block_with_context(channel_core<T>& core, waiter_queue& queue, void* slot,
                                                    const limits& until, std::source_location where, Attempt attempt) {
    thread_wait self;
    self.slot = slot;
    self.enter(until);
    wake_list wakes;
    channel_status status;
    {
        channel_guard hold(core.guard);
        if (done_already(until)) return channel_status::cancelled;
        status = attempt(wakes);
        if (status == channel_status::would_block) {
            if (is_past(until)) return channel_status::timed_out;
            if (!self.arm(until)) return channel_status::cancelled;
            return core.wait_as(self, queue, until, where, hold.hand_over());
        }
    }
    wakes.wake();
    return status;
}

// One operation of a thread: an attempt under the lock and, if it has to wait, the wait. Inlined, so that what `attempt`
// refers to stays in registers: handed over in memory, it took a third of an operation that does not wait.
template <class T, class Attempt>
[[gnu::always_inline]] inline channel_status block_on_channel(channel_core<T>& core, waiter_queue& queue, void* slot,
                                                              const limits& until, std::source_location where,
                                                              Attempt attempt) {
    if (done_already(until)) [[unlikely]]
        return channel_status::cancelled;
    for (bool lingered = !core.worth_lingering();; lingered = true) {
        wake_list wakes;
        channel_status status;
        {
            channel_guard hold(core.guard);
            status = attempt(wakes);
            if (status == channel_status::would_block) [[unlikely]] {
                if (is_past(until)) return channel_status::timed_out;
                if (lingered && !until.context) return core.wait_here(slot, queue, until, where, hold.hand_over());
            }
        }
        wakes.wake();
        if (status != channel_status::would_block) [[likely]]
            return status;
        if (lingered) return block_with_context(core, queue, slot, until, where, attempt);
        core.linger_for(queue);
    }
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
    if (!static_cast<const Self&>(*this) && limit.exists())
        return gm::channel<T>(0).send(std::move(value), limit, where).status();  // nil waits for its limit alone
    detail::channel_core<T>& channel = core(where);
    detail::outgoing<T> out(value);
    const channel_status status = detail::giving_back(out, [&] {
        return detail::block_on_channel(channel, channel.senders, std::addressof(out.value()), limits, where,
                                        [&](detail::wake_list& wakes) { return channel.try_send(out.value(), wakes); });
    });
    if (status != channel_status::ok) out.give_back();
    return status;
}

template <class T, class Self>
channel_status sending<T, Self>::try_to_send(T& value) const {
    if (!static_cast<const Self&>(*this)) return channel_status::would_block;
    detail::channel_core<T>& channel = core(std::source_location::current());
    detail::outgoing<T> out(value);
    detail::wake_list wakes;
    const channel_status status = detail::giving_back(out, [&] {
        detail::channel_guard hold(channel.guard);
        return channel.try_send(out.value(), wakes);
    });
    wakes.wake();
    if (status != channel_status::ok) out.give_back();
    return status;
}

template <class T, class Self>
result<T, channel_status> receiving<T, Self>::receive(const until& limit, std::source_location where) const {
    const detail::limits& limits = limit.limits();
    if (!static_cast<const Self&>(*this) && limit.exists()) return gm::channel<T>(0).receive(limit, where);
    detail::channel_core<T>& channel = core(where);
    detail::receive_slot<T> slot;
    const channel_status status = detail::block_on_channel(
        channel, channel.receivers, std::addressof(slot.value), limits, where,
        [&](detail::wake_list& wakes) { return channel.try_receive(std::addressof(slot.value), wakes); });
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

// Of a batch that an exception ends, those that were committed are woken all the same.
struct waking_list : wake_list {
    ~waking_list() { wake(); }
};

// As many of [at, end) as the channel takes now, or as many as were looked up before the lock: the iterators are the user's
// code. Boxed values, and those whose place may not outlive a step of the iterator, go one at a time.
template <class T, class Iterator, class Sentinel>
channel_status send_run(channel_core<T>& core, Iterator& at, const Sentinel& end, std::size_t& sent) {
    constexpr std::size_t most = !is_boxed<T> && std::forward_iterator<Iterator> ? 64 : 1;
    T* values[most] = {};
    std::size_t there = 0;
    if constexpr (most == 1) {
        values[there++] = std::addressof(static_cast<T&>(*at));
    } else {
        for (Iterator each = at; there != most && each != end; ++each)
            values[there++] = std::addressof(static_cast<T&>(*each));
    }
    std::size_t gone = 0;
    channel_status status = channel_status::ok;
    {
        waking_list wakes;
        if constexpr (is_boxed<T>) {
            outgoing<T> out(*values[0]);
            status = giving_back(out, [&] {
                channel_guard hold(core.guard);
                return core.try_send(out.value(), wakes);
            });
            if (status == channel_status::ok)
                ++gone;
            else
                out.give_back();
        } else {
            channel_guard hold(core.guard);
            while (gone != there && (status = core.try_send(*values[gone], wakes)) == channel_status::ok) ++gone;
        }
    }
    sent += gone;
    for (; gone != 0; --gone) ++at;
    return status;
}

// Room for `more`; grows as push_back would, so that filling a vector by and by stays linear.
template <class T>
void make_room(std::vector<T>& in, std::size_t more) {
    const std::size_t needed = in.size() + more;
    if (needed > in.capacity()) in.reserve(std::max(needed, 2 * in.capacity()));
}

// What is there at this moment, at most `most`; of senders that wait at a rendezvous, the first 64.
template <class T>
std::size_t receive_run(channel_core<T>& core, std::vector<T>& to, std::size_t most) {
    most = std::min(most, std::max<std::size_t>(core.size(), 64));
    make_room(to, std::min(most, core.size() + 1));
    std::size_t taken = 0;
    if constexpr (is_boxed<T>) {
        while (taken != most) {
            make_room(to, 1);
            receive_slot<T> slot;
            channel_status status;
            {
                waking_list wakes;
                channel_guard hold(core.guard);
                status = core.try_receive(std::addressof(slot.value), wakes);
            }
            if (status != channel_status::ok) break;
            const stored<T> box = std::move(slot.value);
            std::destroy_at(std::addressof(slot.value));
            to.push_back(std::move(*box));
            ++taken;
        }
    } else {
        while (taken != most) {
            make_room(to, 1);
            waking_list wakes;
            channel_guard hold(core.guard);
            bool more = true;
            for (; more && taken != most && to.size() != to.capacity(); taken += more ? 1 : 0) {
                receive_slot<T> slot;
                more = core.try_receive(std::addressof(slot.value), wakes) == channel_status::ok;
                if (!more) break;
                to.push_back(std::move(slot.value));
                std::destroy_at(std::addressof(slot.value));
            }
            if (!more) break;
        }
    }
    return taken;
}

}  // namespace detail

template <class T, class Self>
template <std::ranges::input_range R>
    requires std::convertible_to<std::ranges::range_reference_t<R>, T&>
std::size_t sending<T, Self>::send_all(R&& values, const until& limit, std::source_location where) const {
    std::size_t sent = 0;
    auto at = std::ranges::begin(values);
    const auto end = std::ranges::end(values);
    if (detail::done_already(limit.limits())) return 0;
    if (!static_cast<const Self&>(*this)) {
        if (at != end) static_cast<void>(wait_to_send(*at, limit, where));
        return 0;
    }
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
    requires std::convertible_to<std::ranges::range_reference_t<R>, T&>
task<std::size_t> sending<T, Self>::async_send_all(R& values, context ctx) const {
    const Self self = static_cast<const Self&>(*this);  // the coroutine keeps the channel
    std::size_t sent = 0;
    auto at = std::ranges::begin(values);
    const auto end = std::ranges::end(values);
    if (ctx.is_done()) co_return 0;
    if (!self) {
        if (at != end) {
            const send_result last = co_await self.async_send(std::move(*at), ctx);  // g++ 12 refuses one expression
            static_cast<void>(last.status());
        }
        co_return 0;
    }
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
    detail::make_room(to, 1);
    auto first = receive(limit, where);
    if (!first) return 0;
    to.push_back(std::move(*first));
    return 1 + detail::receive_run(core(where), to, most - 1);
}

template <class T, class Self>
task<std::size_t> receiving<T, Self>::async_receive_some(std::vector<T>& to, std::size_t most, context ctx) const {
    const Self self = static_cast<const Self&>(*this);
    if (most == 0) co_return 0;
    detail::make_room(to, 1);
    auto first = co_await self.async_receive(ctx);
    if (!first) co_return 0;
    to.push_back(std::move(*first));
    co_return 1 + detail::receive_run(*self.shared(), to, most - 1);
}

}  // namespace gm
