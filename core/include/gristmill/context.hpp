#pragma once
// context: a tree of cancellation. A context is a cheap handle that is waited with; a context_source makes one that
// can be cancelled, by hand, by a deadline, by its parent or by a std::stop_token. Done is done: it never reopens.

#include <chrono>
#include <exception>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include <gristmill/detail/context_core.hpp>

namespace gm {

template <class T>
class receiver;

// The usual causes. Any other exception can be one.
struct cancelled : std::runtime_error {
    explicit cancelled(const char* why = "cancelled") : std::runtime_error(why) {}
};
struct deadline_exceeded : std::runtime_error {
    deadline_exceeded() : std::runtime_error("deadline exceeded") {}
};

// The element of a channel that is only ever closed.
struct nothing {};

// Thread safety: any member, from any thread.
class context {
public:
    context() noexcept = default;  // never done
    context(const context& other) noexcept : core_(other.core_) {
        if (core_) core_->retain();
    }
    context(context&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    context& operator=(context other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~context() {
        if (core_) core_->release();
    }

    bool is_done() const noexcept { return core_ && core_->done(); }

    // Why it is done; null before that.
    std::exception_ptr cause() const noexcept { return core_ ? core_->cause() : nullptr; }

    // Throws the cause if it is done.
    void check() const {
        if (is_done()) std::rethrow_exception(cause());
    }

    time_point deadline() const noexcept { return core_ ? core_->deadline() : time_point::max(); }

    // A channel that is closed when the context is done: for a select. It carries no values.
    receiver<nothing> done() const;

    // Requested when the context is done.
    std::stop_token stop_token() const;

    detail::context_core* core() const noexcept { return core_; }

protected:
    explicit context(detail::context_core* adopted) noexcept : core_(adopted) {}
    detail::context_core* core_ = nullptr;
};

// Owns a context's end: the destructor cancels it, so that nothing waits with it after its scope.
class context_source {
public:
    explicit context_source(const context& parent = {});
    explicit context_source(const context_source& parent) : context_source(parent.get()) {}  // a child, not a copy
    // A deadline later than the parent's has no effect; one in the past: done at once.
    context_source(const context& parent, time_point deadline);
    context_source(const context& parent, std::chrono::nanoseconds timeout);
    // Done when the token is requested to stop.
    explicit context_source(std::stop_token token, const context& parent = {});
    context_source(context_source&&) noexcept = default;
    context_source& operator=(context_source&&) = delete;
    ~context_source();

    operator const context&() const noexcept { return context_; }
    const context& get() const noexcept { return context_; }

    // True: this call ended it. Wakes every waiter; linear in their number. Never fails: where there is no memory left for
    // a cause, the cause is std::bad_alloc.
    bool cancel() const noexcept;
    bool cancel(std::exception_ptr cause) const noexcept;

    bool is_done() const noexcept { return context_.is_done(); }

private:
    struct handle : context {
        handle() noexcept = default;
        explicit handle(const context& parent);
    };
    struct cancel_on_stop {
        detail::context_core* core;
        void operator()() const noexcept;
    };
    handle context_;
    std::unique_ptr<std::stop_callback<cancel_on_stop>> bridge_;
};

}  // namespace gm
