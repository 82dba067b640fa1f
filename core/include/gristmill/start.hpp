#pragma once
// The completion form: an operation is started, and a callback is told how it ended. For programs with an event loop of
// their own, which can neither block nor co_await: the callback posts into that loop.
//
//     gm::started pending = gm::start_receive(jobs, [&](auto job) { loop.post([job = std::move(job)]() mutable { … }); });
//
// The callback is called once, on the thread that completed the operation (whoever sent the value, closed the channel or
// cancelled; the clock), or inside of start_… if it ended before that returned. No lock of the library is held, and no other
// callback of that thread is on its stack: what a callback completes is told after it has returned. It should be short, must
// not block, and what it throws stops the program.
//
// For a context: start_receive(ctx.done(), …), which is told `closed`. For the first of several: start them all, and the
// callback of one cancels the others.
//
// A nil channel waits for its limit, for cancel() or for its withdrawal; it is no misuse here, where each has an end.
//
// `started` owns the operation. Destroying it withdraws: the callback is not called from then on, unless it has begun
// already, and a value that had arrived unseen is destroyed. A callback may destroy its own. Channels, contexts and jobs are
// kept by the operation; a wait_group, semaphore or rate_limit must live until the callback is called or `started` destroyed.

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/detail/completion.hpp>
#include <gristmill/rate_limit.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/wait_group.hpp>

namespace gm {

template <class T>
class future;  // future.hpp, for those who start_wait() on one
namespace detail {
template <class R>
class job_state;
}  // namespace detail

// Thread safety: like any value; cancel() and the destructor may race with the operation's end.
class [[nodiscard("dropping it withdraws the operation; detach() lets it go on")]] started {
public:
    started() noexcept = default;
    explicit started(detail::completion* adopted) noexcept : operation_(adopted) {}
    started(started&& other) noexcept : operation_(std::exchange(other.operation_, nullptr)) {}
    started& operator=(started&& other) noexcept {
        started(std::move(other)).swap(*this);
        return *this;
    }
    ~started() {
        if (operation_) operation_->withdraw();
    }
    void swap(started& other) noexcept { std::swap(operation_, other.operation_); }

    // Ends it now: the callback is told `cancelled`, on this thread. False: it had ended before.
    bool cancel() const noexcept { return operation_ && operation_->cancel(); }

    // Lets it go on without an owner.
    void detach() noexcept {
        if (operation_) std::exchange(operation_, nullptr)->drop_handle();
    }

private:
    detail::completion* operation_ = nullptr;
};

namespace detail {

template <class T, class F>
class started_receive final : public channel_completion {
public:
    started_receive(receiver<T> from, const until& limit, F done)
        : channel_completion(from.shared(), limit.limits()), from_(std::move(from)), done_(std::move(done)) {
        node_.slot = std::addressof(slot_.value);
    }

private:
    waiter_queue& queue() noexcept override { return from_.shared()->receivers; }
    channel_status attempt(wake_list& wakes) override {
        return from_.shared()->try_receive(std::addressof(slot_.value), wakes);
    }
    void tell(channel_status outcome) override {
        std::optional<F> done = std::exchange(done_, std::nullopt);  // it may destroy what it was told of
        std::invoke(*done, take_received<T>(outcome, slot_.value));
    }
    void forget(channel_status outcome) noexcept override {
        done_.reset();
        if (outcome == channel_status::ok) std::destroy_at(std::addressof(slot_.value));
    }

    receiver<T> from_;
    receive_slot<T> slot_;
    std::optional<F> done_;
};

template <class T, class F>
class started_send final : public channel_completion {
public:
    started_send(sender<T> to, T&& value, const until& limit, F done)
        : channel_completion(to.shared(), limit.limits()),
          to_(std::move(to)),
          value_(std::move(value)),
          out_(value_),
          done_(std::move(done)) {
        node_.slot = std::addressof(out_.value());
    }

private:
    waiter_queue& queue() noexcept override { return to_.shared()->senders; }
    channel_status attempt(wake_list& wakes) override { return to_.shared()->try_send(out_.value(), wakes); }
    void tell(channel_status outcome) override {
        std::optional<F> done = std::exchange(done_, std::nullopt);
        if constexpr (std::invocable<F&, channel_status, T>) {
            if (outcome != channel_status::ok) out_.give_back();
            std::invoke(*done, outcome, std::move(value_));
        } else {
            std::invoke(*done, outcome);
        }
    }
    void forget(channel_status) noexcept override { done_.reset(); }

    sender<T> to_;
    T value_;
    outgoing<T> out_;
    std::optional<F> done_;
};

template <class F>
class started_sleep final : public completion {
public:
    started_sleep(const until& limit, F done) : completion(limit.limits()), done_(std::move(done)) {}

private:
    bool begin(wake_list&) noexcept override { return line_up(nullptr); }
    void leave() noexcept override {}
    void tell(channel_status outcome) override {
        std::optional<F> done = std::exchange(done_, std::nullopt);
        std::invoke(*done, outcome == channel_status::timed_out ? channel_status::ok : outcome);
    }
    void forget(channel_status) noexcept override { done_.reset(); }

    std::optional<F> done_;
};

template <class Place, class F>
class started_at_place final : public place_completion<Place> {
public:
    started_at_place(Place& place, std::size_t n, const until& limit, F done)
        : place_completion<Place>(place, n, limit.limits()), done_(std::move(done)) {}

private:
    void tell(channel_status outcome) override {
        std::optional<F> done = std::exchange(done_, std::nullopt);
        std::invoke(*done, outcome);
    }
    void forget(channel_status) noexcept override { done_.reset(); }

    std::optional<F> done_;
};

template <class T, class F>
class started_job final : public completion {
public:
    started_job(future<T> job, const until& limit, F done)
        : completion(limit.limits()), job_(job.release()), done_(std::move(done)) {}
    ~started_job() override {
        if (job_) job_->release();
    }

private:
    bool begin(wake_list&) noexcept override {
        node_.outcome = channel_status::ok;
        return line_up(nullptr) && (job_->enqueue_waiter(node_) || !serve_itself());
    }
    void leave() noexcept override { static_cast<void>(job_->withdraw_waiter(node_)); }
    void tell(channel_status) override {
        std::optional<F> done = std::exchange(done_, std::nullopt);
        std::invoke(*done, future<T>(std::exchange(job_, nullptr)));
    }
    void forget(channel_status) noexcept override { done_.reset(); }

    job_state<T>* job_;  // owned
    std::optional<F> done_;
};

}  // namespace detail

// done(result<T, channel_status>): as receive() returns it.
template <class T, std::invocable<result<T, channel_status>> F>
started start_receive(receiver<T> from, const until& limit, F done) {
    return started(detail::completion::start(
        std::make_unique<detail::started_receive<T, F>>(std::move(from), limit, std::move(done))));
}
template <class T, std::invocable<result<T, channel_status>> F>
started start_receive(receiver<T> from, F done) {
    return start_receive(std::move(from), until(), std::move(done));
}
template <class T, class... Rest>
started start_receive(const channel<T>& from, Rest&&... rest) {
    return start_receive(receiver<T>(from), std::forward<Rest>(rest)...);
}

// done(channel_status), or done(channel_status, T value): a value that was not sent comes back.
template <class T, class F>
    requires std::invocable<F&, channel_status> || std::invocable<F&, channel_status, T>
started start_send(sender<T> to, std::type_identity_t<T> value, const until& limit, F done) {
    return started(detail::completion::start(
        std::make_unique<detail::started_send<T, F>>(std::move(to), std::move(value), limit, std::move(done))));
}
template <class T, class F>
    requires std::invocable<F&, channel_status> || std::invocable<F&, channel_status, T>
started start_send(sender<T> to, std::type_identity_t<T> value, F done) {
    return start_send(std::move(to), std::move(value), until(), std::move(done));
}
template <class T, class... Rest>
started start_send(const channel<T>& to, std::type_identity_t<T> value, Rest&&... rest) {
    return start_send(sender<T>(to), std::move(value), std::forward<Rest>(rest)...);
}

// done(channel_status), as sleep() returns it. ok: slept through; cancelled: the context was done first, or cancel().
template <std::invocable<channel_status> F>
started start_sleep(const until& limit, F done) {
    return started(detail::completion::start(std::make_unique<detail::started_sleep<F>>(limit, std::move(done))));
}

// done(channel_status), as wait() returns it. Threads that the group started are joined later, by its wait() or destructor.
template <std::invocable<channel_status> F>
started start_wait(wait_group& group, const until& limit, F done) {
    return started(detail::completion::start(
        std::make_unique<detail::started_at_place<detail::count_place, F>>(group.place(), 0, limit, std::move(done))));
}
template <std::invocable<channel_status> F>
started start_wait(wait_group& group, F done) {
    return start_wait(group, until(), std::move(done));
}

// done(channel_status), as acquire() returns it: ok, and `n` permits are to be released. If the callback is not called
// they have been given back.
template <std::invocable<channel_status> F>
started start_acquire(semaphore& from, std::ptrdiff_t n, const until& limit, F done,
                      std::source_location where = std::source_location::current()) {
    return started(detail::completion::start(std::make_unique<detail::started_at_place<detail::permit_place, F>>(
        from.place(), from.place().checked(n, where), limit, std::move(done))));
}
template <std::invocable<channel_status> F>
started start_acquire(semaphore& from, std::ptrdiff_t n, F done,
                      std::source_location where = std::source_location::current()) {
    return start_acquire(from, n, until(), std::move(done), where);
}

// done(channel_status), as rate_limit::wait() returns it. Tokens that were taken are spent, told or not.
template <std::invocable<channel_status> F>
started start_take(rate_limit& from, std::int64_t n, const until& limit, F done,
                   std::source_location where = std::source_location::current()) {
    return started(detail::completion::start(std::make_unique<detail::started_at_place<detail::token_place, F>>(
        from.place(), from.checked(n, where), limit, std::move(done))));
}
template <std::invocable<channel_status> F>
started start_take(rate_limit& from, std::int64_t n, F done,
                   std::source_location where = std::source_location::current()) {
    return start_take(from, n, until(), std::move(done), where);
}

// done(future<T>): the job's future, given back. It is ready(), so that get() does not wait, unless the limit or cancel()
// came first. The job itself knows nothing of either. A future without a job is misuse.
template <class T, std::invocable<future<T>> F>
started start_wait(future<T> job, const until& limit, F done,
                   std::source_location where = std::source_location::current()) {
    static_cast<void>(job.ready(where));
    return started(
        detail::completion::start(std::make_unique<detail::started_job<T, F>>(std::move(job), limit, std::move(done))));
}
template <class T, std::invocable<future<T>> F>
started start_wait(future<T> job, F done, std::source_location where = std::source_location::current()) {
    return start_wait(std::move(job), until(), std::move(done), where);
}

}  // namespace gm
