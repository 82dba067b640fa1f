#pragma once
// The awaited operations on a channel. Each is one waiter and the place of its value; it is immovable from the moment
// it is made, since a channel may point at it. If its coroutine is destroyed while it waits, it withdraws.

#include <coroutine>
#include <source_location>
#include <utility>

#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/resume_target.hpp>
#include <gristmill/detail/wait_guard.hpp>
#include <gristmill/result.hpp>
#include <gristmill/send_result.hpp>

namespace gm::detail {

// What sending and receiving share: the steps of an awaited operation. `Operation` has attempt(wakes), queue() and
// channel(); attempt runs under the lock and answers would_block if it has to wait. `Guard` is what else may end the
// wait: nothing, a context, or a context and a deadline.
template <class Operation, class Guard>
class awaited_operation {
public:
    awaited_operation(const awaited_operation&) = delete;
    awaited_operation& operator=(const awaited_operation&) = delete;

    bool await_ready() {
        worker* const here = current_worker;
        if (here) here->operation_begins();
        if (guard_.already_done())
            waiter_.outcome = channel_status::cancelled;
        else if (!try_now())
            return false;
        return !here || here->operation_ends();
    }

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        aim(waiter_, self);
        if (waiter_.outcome != channel_status::would_block)  // done, but the coroutine has had its share
            return give_way(self);
        guard_.prepare(waiter_, self);
        if (current_engine) [[unlikely]]
            tell_engine(Operation::waits_as);
        if (!enqueue()) {
            if (current_engine) [[unlikely]]
                tell_engine(nullptr);
            return self;
        }
        return next_on_this_thread();
    }

protected:
    explicit awaited_operation(Guard guard) noexcept : guard_(guard) {}
    ~awaited_operation() = default;

    // Called by await_resume: the operation is over.
    channel_status finish() noexcept {
        if (waiter_.suspended) {
            waiter_.suspended = false;
            if (worker* const here = current_worker) here->operation_resumed();
            if constexpr (Guard::can_end_a_wait) {
                // The channel's lock first: whoever was fired by its guard may be here before enqueue() has let go.
                if (guard_.ended_the_wait(waiter_))
                    static_cast<void>(self().channel().withdraw(waiter_, self().queue()));
                static_cast<void>(guard_.disarm(waiter_));
            }
        }
        return std::exchange(waiter_.outcome, channel_status::would_block);
    }

    // Called by the destructor of an operation that may still wait. True: it came true and nobody has looked. All who
    // could fire it are shut out, under their locks, before settle() waits for those that did.
    bool abandon() noexcept {
        if (std::exchange(waiter_.suspended, false)) {
            static_cast<void>(self().channel().withdraw(waiter_, self().queue()));
            if constexpr (Guard::can_end_a_wait) guard_.leave(waiter_);
            settle(waiter_);
        }
        return waiter_.outcome == channel_status::ok;
    }

    waiter waiter_{{}, channel_status::would_block};

private:
    // Before it waits, that is while the coroutine is still ours.
    void tell_engine(const char* what) noexcept {
        if (!waiter_.wake)
            current_engine->waits(static_cast<task_header*>(waiter_.target), what, &self().channel(), {});
    }
    Operation& self() noexcept { return static_cast<Operation&>(*this); }

    bool try_now() {
        wake_list wakes;
        {
            channel_guard hold(self().channel().guard);
            waiter_.outcome = self().attempt(wakes);
        }
        wakes.wake();
        return waiter_.outcome != channel_status::would_block;
    }

    // False: the operation is over after all, and the coroutine goes on.
    bool enqueue() {
        wake_list wakes;
        channel_status status;
        {
            channel_guard hold(self().channel().guard);
            status = self().attempt(wakes);
            if (status == channel_status::would_block) {
                // Once it is armed, another thread may run the coroutine; it will want this lock before it goes far.
                waiter_.suspended = true;
                switch (guard_.arm(waiter_)) {
                    case armed::waiting: self().queue().push(waiter_); [[fallthrough]];
                    case armed::fired: return true;
                    case armed::over: status = waiter_.outcome;
                }
                waiter_.suspended = false;
            }
        }
        wakes.wake();
        waiter_.outcome = status;
        return false;
    }

protected:
    [[no_unique_address]] Guard guard_;
};

template <class T>
result<T, channel_status> take_received(channel_status status, stored<T>& slot) {
    if (status != channel_status::ok) return failure(status);
    struct destroy_slot {
        stored<T>& slot;
        ~destroy_slot() { std::destroy_at(std::addressof(slot)); }
    } after{slot};
    if constexpr (is_boxed<T>)
        return result<T, channel_status>(std::move(*slot));  // may throw: that value is destroyed, no other
    else
        return result<T, channel_status>(std::move(slot));
}

template <class T, class Guard>
class [[nodiscard("co_await it")]] receive_operation : public awaited_operation<receive_operation<T, Guard>, Guard> {
    using base = awaited_operation<receive_operation, Guard>;

public:
    explicit receive_operation(channel_core<T>& channel, Guard guard = {}) noexcept : base(guard), channel_(channel) {
        this->waiter_.slot = std::addressof(value_);
    }
    ~receive_operation() {
        if (this->abandon()) {
            std::destroy_at(std::addressof(value_));
            count_destroyed_value(this->waiter_);
        }
    }

    result<T, channel_status> await_resume() { return take_received<T>(this->finish(), value_); }

private:
    friend base;
    static constexpr const char* waits_as = "receives from a channel";
    channel_core<T>& channel() noexcept { return channel_; }
    waiter_queue& queue() noexcept { return channel_.receivers; }
    channel_status attempt(wake_list& wakes) noexcept { return channel_.try_receive(std::addressof(value_), wakes); }

    channel_core<T>& channel_;
    union {
        stored<T> value_;
    };
};

// A value on its way in: where the channel takes it from, and how it gets back if it was not taken.
template <class T>
class outgoing {
public:
    explicit outgoing(T& argument) noexcept
        requires(!is_boxed<T>)
        : value_(std::addressof(argument)) {}
    stored<T>& value() noexcept { return *value_; }
    void give_back() noexcept {}

private:
    stored<T>* value_;
};

template <class T>
    requires is_boxed<T>
class outgoing<T> {
public:
    explicit outgoing(T& argument) : argument_(argument), box_(std::make_unique<T>(std::move(argument))) {}
    stored<T>& value() noexcept { return box_; }
    void give_back() {
        if (box_) argument_ = std::move(*box_);
    }

private:
    T& argument_;
    std::unique_ptr<T> box_;
};

// What an operation throws (out of memory) leaves the argument intact too.
template <class T, class F>
decltype(auto) giving_back(outgoing<T>& out, F operation) {
    if constexpr (!is_boxed<T>) {
        return operation();
    } else {
        try {
            return operation();
        } catch (...) {
            out.give_back();
            throw;
        }
    }
}

template <class T, class Guard>
class [[nodiscard("co_await it")]] send_operation : public awaited_operation<send_operation<T, Guard>, Guard> {
    using base = awaited_operation<send_operation, Guard>;

public:
    send_operation(channel_core<T>& channel, T& value, Guard guard, std::source_location where)
        : base(guard), channel_(channel), value_(value), where_(where) {
        this->waiter_.slot = std::addressof(value_.value());
    }
    ~send_operation() { static_cast<void>(this->abandon()); }

    bool await_ready() {
        return giving_back(value_, [this] { return base::await_ready(); });
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) {
        return giving_back(value_, [this, self] { return base::await_suspend(self); });
    }
    send_result await_resume() {
        const channel_status status = this->finish();
        if (status != channel_status::ok) value_.give_back();
        return send_result(status, where_);
    }

private:
    friend base;
    static constexpr const char* waits_as = "sends to a channel";
    channel_core<T>& channel() noexcept { return channel_; }
    waiter_queue& queue() noexcept { return channel_.senders; }
    channel_status attempt(wake_list& wakes) { return channel_.try_send(value_.value(), wakes); }

    channel_core<T>& channel_;
    outgoing<T> value_;
    std::source_location where_;
};

// Of a const argument a copy is sent.
template <class T>
struct owned_copy {
    T copy;
};
template <class T, class Guard>
class [[nodiscard("co_await it")]] send_copy_operation : private owned_copy<T>, public send_operation<T, Guard> {
public:
    send_copy_operation(channel_core<T>& channel, const T& value, Guard guard, std::source_location where)
        : owned_copy<T>{value}, send_operation<T, Guard>(channel, this->copy, guard, where) {}
};

}  // namespace gm::detail
