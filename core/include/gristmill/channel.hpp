#pragma once
// channel<T>: values pass from senders to receivers, first in first out. The same channel serves threads, which wait
// by blocking, and coroutines, which wait by co_await; a thread may send while a coroutine receives and the
// other way round. Capacity 0: a rendezvous, a value goes from hand to hand. n: up to n values wait inside; a
// full channel holds its senders. unbounded: never full. A channel made without a capacity is nil: in a select it
// never fires, which switches a case off.
//
// Every wait comes in these forms:
//   send(v) receive()                         wait as long as it takes
//   send(v, until) receive(until)             or until a context is done, a deadline comes, a timeout is over
//   try_send(v) try_receive()                 do not wait
//   co_await async_send(…) async_receive(…)   the same for coroutines
// A send that did not go through leaves its argument intact.
//
// Thread safety: all of it, on any thread. The handles share one channel; each handle itself is like any value.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <source_location>
#include <utility>
#include <vector>

#include <gristmill/context.hpp>
#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/channel_operations.hpp>
#include <gristmill/result.hpp>
#include <gristmill/send_result.hpp>
#include <gristmill/task.hpp>

namespace gm {

// When to stop waiting: with a context, at a time, after a time, or with the first of both. A context that is done
// already: `cancelled`, nothing tried. A time in the past or a negative timeout: exactly one try.
class until {
public:
    until() noexcept = default;
    until(const context& ctx) noexcept { limits_.context = ctx.core(); }
    until(const context_source& source) noexcept : until(source.get()) {}
    until(time_point deadline) noexcept { set(deadline); }
    template <class Rep, class Period>
    until(std::chrono::duration<Rep, Period> timeout) noexcept {
        set(timeout);
    }
    until(const context& ctx, time_point deadline) noexcept : until(ctx) { set(deadline); }
    template <class Rep, class Period>
    until(const context& ctx, std::chrono::duration<Rep, Period> timeout) noexcept : until(ctx) {
        set(timeout);
    }

    bool exists() const noexcept { return limits_.context || limits_.has_deadline; }
    const detail::limits& limits() const noexcept { return limits_; }

private:
    void set(time_point deadline) noexcept {
        limits_.deadline = deadline;
        limits_.has_deadline = deadline != time_point::max();
    }
    template <class Rep, class Period>
    void set(std::chrono::duration<Rep, Period> timeout) noexcept {
        const time_point start = now();
        if (timeout <= timeout.zero()) return set(start);
        // A timeout beyond the clock's range is as good as none.
        if (std::chrono::duration<double>(timeout) < std::chrono::duration<double>(time_point::max() - start))
            set(start + std::chrono::ceil<clock::duration>(timeout));
    }

    detail::limits limits_;
};

template <class T>
class channel;

namespace detail {

// A counted reference to a channel's core; null: nil.
template <class T>
class channel_handle {
public:
    channel_handle() noexcept = default;
    explicit channel_handle(channel_core<T>* adopted) noexcept : core_(adopted) {}
    channel_handle(const channel_handle& other) noexcept : core_(other.core_) {
        if (core_) core_->retain();
    }
    channel_handle(channel_handle&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    channel_handle& operator=(channel_handle other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~channel_handle() {
        if (core_) core_->release();
    }

    // False: nil.
    explicit operator bool() const noexcept { return core_ != nullptr; }
    friend bool operator==(const channel_handle& a, const channel_handle& b) noexcept { return a.core_ == b.core_; }

    std::size_t size() const noexcept { return core_ ? core_->size() : 0; }  // values inside, at this moment
    std::size_t capacity() const noexcept { return core_ ? core_->capacity() : 0; }
    bool closed() const noexcept { return core_ && core_->closed(); }

    channel_core<T>* shared() const noexcept { return core_; }

private:
    channel_core<T>* core_ = nullptr;
};

// Where those wait whose channel is nil: nobody comes to the other side. Two, lest they meet each other.
template <class T>
channel_core<T>& nobody_else_sends() {
    static channel_core<T>* const senders_only = new channel_core<T>(0);  // for ever: some may wait at the end
    return *senders_only;
}
template <class T>
channel_core<T>& nobody_else_receives() {
    static channel_core<T>* const receivers_only = new channel_core<T>(0);
    return *receivers_only;
}

inline constexpr const char* nil_send = "a send to a nil channel would wait for ever";
inline constexpr const char* nil_receive = "a receive from a nil channel would wait for ever";

}  // namespace detail

// The sending operations; Self gives the channel's core.
template <class T, class Self>
class sending {
public:
    using value_type = T;

    // Waits until the value is taken or there is room for it. Closed: the argument stays as it was.
    send_result send(T&& value, const until& limit = {},
                     std::source_location where = std::source_location::current()) const {
        return {wait_to_send(value, limit, where), where};
    }
    send_result send(const T& value, const until& limit = {},
                     std::source_location where = std::source_location::current()) const
        requires std::copy_constructible<T>
    {
        T copy(value);
        return {wait_to_send(copy, limit, where), where};
    }

    [[nodiscard]] channel_status try_send(T&& value) const { return try_to_send(value); }
    [[nodiscard]] channel_status try_send(const T& value) const
        requires std::copy_constructible<T>
    {
        T copy(value);
        return try_to_send(copy);
    }

    // The awaited send. An rvalue argument must live until the await is over, as a temporary in the same expression does.
    auto async_send(T&& value, std::source_location where = std::source_location::current()) const {
        return detail::send_operation<T, detail::no_guard>(core(where), value, {}, where);
    }
    auto async_send(T&& value, const context& ctx, std::source_location where = std::source_location::current()) const {
        return detail::send_operation<T, detail::context_guard>(core_until(ctx, where), value,
                                                                detail::context_guard(ctx.core()), where);
    }
    auto async_send(T&& value, const until& limit, std::source_location where = std::source_location::current()) const {
        return detail::send_operation<T, detail::limits_guard>(core_until(limit, where), value,
                                                               detail::limits_guard(limit.limits()), where);
    }
    auto async_send(const T& value, std::source_location where = std::source_location::current()) const
        requires std::copy_constructible<T>
    {
        return detail::send_copy_operation<T, detail::no_guard>(core(where), value, {}, where);
    }
    auto async_send(const T& value, const context& ctx,
                    std::source_location where = std::source_location::current()) const
        requires std::copy_constructible<T>
    {
        return detail::send_copy_operation<T, detail::context_guard>(core_until(ctx, where), value,
                                                                     detail::context_guard(ctx.core()), where);
    }
    auto async_send(const T& value, const until& limit,
                    std::source_location where = std::source_location::current()) const
        requires std::copy_constructible<T>
    {
        return detail::send_copy_operation<T, detail::limits_guard>(core_until(limit, where), value,
                                                                    detail::limits_guard(limit.limits()), where);
    }

    // Moves the elements of `values` in, in their order, waiting as needed; as many as fit enter under one lock. How
    // many went; the rest is intact. Other senders' values may come between.
    template <std::ranges::input_range R>
        requires std::convertible_to<std::ranges::range_reference_t<R>, T&>
    [[nodiscard]] std::size_t send_all(R&& values, const until& limit = {},
                                       std::source_location where = std::source_location::current()) const;

    template <std::ranges::input_range R>
        requires std::convertible_to<std::ranges::range_reference_t<R>, T&>
    [[nodiscard]] task<std::size_t> async_send_all(R& values, context ctx = {}) const;

    // No more sends; what is inside can still be received. True: this call closed it.
    bool close(std::source_location where = std::source_location::current()) const {
        if (detail::channel_core<T>* const core = static_cast<const Self&>(*this).shared()) [[likely]]
            return core->close();
        detail::misuse("close() of a nil channel", where);
    }

private:
    detail::channel_core<T>& core(std::source_location where) const noexcept {
        if (detail::channel_core<T>* const core = static_cast<const Self&>(*this).shared()) [[likely]]
            return *core;
        detail::misuse(detail::nil_send, where);
    }
    // A nil channel waits for the limit alone.
    detail::channel_core<T>& core_until(const until& limit, std::source_location where) const {
        if (!static_cast<const Self&>(*this) && limit.exists()) return detail::nobody_else_sends<T>();
        return core(where);
    }
    channel_status wait_to_send(T& value, const until& limit, std::source_location where) const;
    channel_status try_to_send(T& value) const;
};

// The receiving operations.
template <class T, class Self>
class receiving {
public:
    using value_type = T;

    // Waits for a value; without one, the error says why: closed (and empty), cancelled, timed out.
    result<T, channel_status> receive(const until& limit = {},
                                      std::source_location where = std::source_location::current()) const;
    result<T, channel_status> try_receive() const;

    auto async_receive(std::source_location where = std::source_location::current()) const noexcept {
        return detail::receive_operation<T, detail::no_guard>(core(where));
    }
    auto async_receive(const context& ctx, std::source_location where = std::source_location::current()) const {
        return detail::receive_operation<T, detail::context_guard>(core_until(ctx, where),
                                                                   detail::context_guard(ctx.core()));
    }
    auto async_receive(const until& limit, std::source_location where = std::source_location::current()) const {
        return detail::receive_operation<T, detail::limits_guard>(core_until(limit, where),
                                                                  detail::limits_guard(limit.limits()));
    }

    // Waits for one value, appends it and whatever else is there, `most` in all, and never waits for more. How many.
    std::size_t receive_some(std::vector<T>& to, std::size_t most, const until& limit = {},
                             std::source_location where = std::source_location::current()) const;
    task<std::size_t> async_receive_some(std::vector<T>& to, std::size_t most, context ctx = {}) const;

    // for (auto& value : receiver): ends when the channel is closed and empty.
    class iterator {
    public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        explicit iterator(const receiving& from, std::source_location where) : from_(&from), where_(where) { ++*this; }
        iterator(iterator&&) noexcept = default;
        iterator& operator=(iterator&&) noexcept = default;
        T& operator*() const noexcept { return *value_; }
        iterator& operator++() {
            value_.reset();
            if (auto next = from_->receive({}, where_)) value_.emplace(*std::move(next));
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return !at.value_; }

    private:
        const receiving* from_;
        std::source_location where_;
        mutable std::optional<T> value_;
    };
    iterator begin(std::source_location where = std::source_location::current()) const {
        return iterator(*this, where);
    }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    detail::channel_core<T>& core(std::source_location where) const noexcept {
        if (detail::channel_core<T>* const core = static_cast<const Self&>(*this).shared()) [[likely]]
            return *core;
        detail::misuse(detail::nil_receive, where);
    }
    // A nil channel waits for the limit alone.
    detail::channel_core<T>& core_until(const until& limit, std::source_location where) const {
        if (!static_cast<const Self&>(*this) && limit.exists()) return detail::nobody_else_receives<T>();
        return core(where);
    }
};

// The end that only sends. Dropping the last one does not close the channel.
template <class T>
class sender : public detail::channel_handle<T>, public sending<T, sender<T>> {
public:
    using value_type = T;
    sender() noexcept = default;
    sender(const channel<T>& both) noexcept : detail::channel_handle<T>(both) {}
};

// The end that only receives.
template <class T>
class receiver : public detail::channel_handle<T>, public receiving<T, receiver<T>> {
public:
    using value_type = T;
    receiver() noexcept = default;
    receiver(const channel<T>& both) noexcept : detail::channel_handle<T>(both) {}
};

template <class T>
class channel : public detail::channel_handle<T>, public sending<T, channel<T>>, public receiving<T, channel<T>> {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "a channel carries values");
    static_assert(std::move_constructible<T>, "a channel's values must be movable");
    static_assert(std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>,
                  "a value whose move may throw must be assignable: a send that fails gives it back");
    static_assert(std::is_nothrow_destructible_v<T>, "a destructor that throws cannot be survived");

public:
    using value_type = T;

    channel() noexcept = default;  // nil

    // 0: rendezvous. Memory for `capacity` values is taken now; sending allocates nothing. At most 2^32 - 2.
    explicit channel(std::size_t capacity, std::source_location where = std::source_location::current())
        : channel(adopt{}, new detail::channel_core<T>(checked(capacity, where))) {}

    // Never full: a send never waits. It may throw std::bad_alloc, its argument intact.
    static channel unbounded() {
        return channel(adopt{}, new detail::channel_core<T>(detail::channel_base::unbounded));
    }

private:
    struct adopt {};
    channel(adopt, detail::channel_core<T>* core) noexcept : detail::channel_handle<T>(core) {}
    static std::uint32_t checked(std::size_t capacity, std::source_location where) {
        if (capacity >= detail::channel_base::unbounded)
            detail::misuse("a channel's capacity is at most 2^32 - 2; channel::unbounded() has none", where);
        return static_cast<std::uint32_t>(capacity);
    }
};

}  // namespace gm

#include <gristmill/detail/channel_blocking.hpp>
