#pragma once
// select: waits for the first of several channel operations and runs the handler of the one that came true. The
// others are withdrawn completely: no value is lost or taken twice.
//
//   gm::select(gm::on(jobs, [](job j) { … }),
//              gm::on(results, gm::send(std::move(r)), [] { … }),
//              gm::on(ctx.done(), [] { … }),
//              gm::after(2s, [] { … }));
//
// `co_await gm::async_select(…)` is the same for coroutines. Among several that are ready, select takes a random one;
// `prefer` takes the first in order, and may so starve the later ones.
//
// A receive handler takes std::optional<T> (empty: the channel is closed), or T, or nothing (called for a value, which is
// dropped, and for a close). One that takes T retires when its channel is closed: the case is out, and when every case
// that could fire has retired, the select returns `closed`. A send handler takes a channel_status (ok or closed) or
// nothing; the latter retires when its channel is closed. A send's value is moved only if the case is chosen.
// Handlers run after the select is over, with no lock held; what they throw leaves the select.

#include <array>
#include <concepts>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/detail/select_core.hpp>

namespace gm {

namespace detail {

// A case keeps a channel that was given as a temporary, and only points at any other.
template <class T>
struct kept_handle {
    channel_handle<T> handle;
};
struct not_kept {};

template <class F, class T>
concept takes_optional = std::invocable<F&, std::optional<T>>;
template <class F, class T>
concept takes_value = std::invocable<F&, T>;
template <class F, class T>
concept receive_handler = takes_optional<F, T> || takes_value<F, T> || std::invocable<F&>;
template <class F>
concept takes_status = std::invocable<F&, channel_status>;
template <class F>
concept send_handler = takes_status<F> || std::invocable<F&>;

template <class T, class F, class Keep>
class receive_case : public select_case {
public:
    receive_case(channel_core<T>* from, Keep keep, F handler, std::source_location place)
        : keep_(std::move(keep)), handler_(std::move(handler)) {
        channel = from;
        where = place;
        node.slot = std::addressof(slot_.value);
        node.retires = !takes_optional<F, T> && takes_value<F, T>;
        attempt = [](select_case& self, wake_list& wakes) {
            receive_case& here = static_cast<receive_case&>(self);
            return static_cast<channel_core<T>*>(here.channel)->try_receive(std::addressof(here.slot_.value), wakes);
        };
    }

    void run(channel_status outcome) {
        result<T, channel_status> received = take_received<T>(outcome, slot_.value);
        if constexpr (takes_optional<F, T>)
            std::invoke(handler_, std::move(received).to_optional());
        else if constexpr (takes_value<F, T>)
            std::invoke(handler_, *std::move(received));
        else
            std::invoke(handler_);
    }
    void drop(channel_status outcome, const wakeable& self) noexcept {
        if (outcome != channel_status::ok) return;
        std::destroy_at(std::addressof(slot_.value));
        count_destroyed_value(self);
    }

private:
    receive_slot<T> slot_;
    [[no_unique_address]] Keep keep_;
    [[no_unique_address]] F handler_;
};

// What send() makes of an argument.
template <class T>
struct moved_argument {
    using value_type = T;
    T& value;
};
template <class T>
struct copied_argument {
    using value_type = T;
    T value;
};

template <class T, class F, class Argument, class Keep>
class send_case : public select_case {
public:
    send_case(channel_core<T>* to, Keep keep, Argument&& argument, F handler, std::source_location place)
        : argument_(std::forward<Argument>(argument)),
          out_(argument_.value),
          keep_(std::move(keep)),
          handler_(std::move(handler)) {
        channel = to;
        where = place;
        kind = case_kind::send;
        node.slot = std::addressof(out_.value());
        node.retires = !takes_status<F>;
        attempt = [](select_case& self, wake_list& wakes) {
            send_case& here = static_cast<send_case&>(self);
            return static_cast<channel_core<T>*>(here.channel)->try_send(here.out_.value(), wakes);
        };
    }
    ~send_case() {
        try {
            out_.give_back();
        } catch (...) {  // its move threw: that value is lost, and no other
        }
    }

    void run(channel_status outcome) {
        if constexpr (takes_status<F>)
            std::invoke(handler_, outcome);
        else
            std::invoke(handler_);
    }
    void drop(channel_status, const wakeable&) noexcept {}

private:
    Argument argument_;
    outgoing<T> out_;
    [[no_unique_address]] Keep keep_;
    [[no_unique_address]] F handler_;
};

template <class F, class Case>
class plain_case : public Case {
public:
    plain_case(case_kind what, F handler, std::source_location place) : handler_(std::move(handler)) {
        this->kind = what;
        this->where = place;
    }
    void run(channel_status) { std::invoke(handler_); }
    void drop(channel_status, const wakeable&) noexcept {}

private:
    [[no_unique_address]] F handler_;
};

template <class F>
struct timed_case : plain_case<F, deadline_case> {
    timed_case(time_point when, F handler, std::source_location place)
        : plain_case<F, deadline_case>(case_kind::deadline, std::move(handler), place) {
        this->deadline = when;
    }
};

}  // namespace detail

// ---- the cases ----

template <class T, detail::receive_handler<T> F>
auto on(const receiver<T>& from, F handler, std::source_location where = std::source_location::current()) {
    return detail::receive_case<T, F, detail::not_kept>(from.shared(), {}, std::move(handler), where);
}
template <class T, detail::receive_handler<T> F>
auto on(const channel<T>& from, F handler, std::source_location where = std::source_location::current()) {
    return detail::receive_case<T, F, detail::not_kept>(from.shared(), {}, std::move(handler), where);
}
template <class T, detail::receive_handler<T> F>
auto on(receiver<T>&& from, F handler, std::source_location where = std::source_location::current()) {
    detail::channel_core<T>* const core = from.shared();
    return detail::receive_case<T, F, detail::kept_handle<T>>(core, {std::move(from)}, std::move(handler), where);
}

// The value of a send case. An rvalue is referred to until the select is over, and moved from only if it is chosen; an
// lvalue is copied.
template <class T>
    requires(!std::is_lvalue_reference_v<T>)
detail::moved_argument<T> send(T&& value) noexcept {
    return {value};
}
template <class T>
detail::copied_argument<T> send(const T& value) {
    return {value};
}

template <class T, class Argument, detail::send_handler F>
    requires std::same_as<typename Argument::value_type, T>
auto on(const sender<T>& to, Argument argument, F handler,
        std::source_location where = std::source_location::current()) {
    return detail::send_case<T, F, Argument, detail::not_kept>(to.shared(), {}, std::move(argument), std::move(handler),
                                                               where);
}
template <class T, class Argument, detail::send_handler F>
    requires std::same_as<typename Argument::value_type, T>
auto on(const channel<T>& to, Argument argument, F handler,
        std::source_location where = std::source_location::current()) {
    return detail::send_case<T, F, Argument, detail::not_kept>(to.shared(), {}, std::move(argument), std::move(handler),
                                                               where);
}

// A case that fires when nothing else has by then. Of several the earliest counts.
template <std::invocable F>
auto at(time_point deadline, F handler, std::source_location where = std::source_location::current()) {
    return detail::timed_case<F>(deadline, std::move(handler), where);
}
template <class Rep, class Period, std::invocable F>
auto after(std::chrono::duration<Rep, Period> timeout, F handler,
           std::source_location where = std::source_location::current()) {
    return detail::timed_case<F>(until(timeout).limits().deadline, std::move(handler), where);
}

// A case that fires at once if no other can: the select does not wait.
template <std::invocable F>
auto otherwise(F handler, std::source_location where = std::source_location::current()) {
    return detail::plain_case<F, detail::select_case>(detail::case_kind::otherwise, std::move(handler), where);
}

namespace detail {

template <class... Cases>
class select_base {
    static_assert(sizeof...(Cases) > 0 && sizeof...(Cases) <= 64, "a select has 1 to 64 cases");
    static_assert((std::derived_from<Cases, select_case> && ...),
                  "the cases of a select are on(), after(), otherwise()");

protected:
    select_base(bool in_order, Cases&... cases) noexcept
        : cases_{&cases...}, core_(std::span<select_case* const>(cases_), in_order) {}

    select_result run_chosen() {
        const select_result result = core_.result();
        if (result) run_at(result.index, std::index_sequence_for<Cases...>());
        return result;
    }

    template <std::size_t... I>
    void run_at(std::size_t chosen, std::index_sequence<I...>) {
        static_cast<void>(
            ((chosen == I ? (static_cast<Cases&>(*cases_[I]).run(core_.outcome()), true) : false) || ...));
    }
    template <std::size_t... I>
    void drop_at(std::size_t chosen, channel_status outcome, std::index_sequence<I...>) noexcept {
        static_cast<void>(
            ((chosen == I ? (static_cast<Cases&>(*cases_[I]).drop(outcome, core_.self()), true) : false) || ...));
    }

    std::array<select_case*, sizeof...(Cases)> cases_;
    select_core core_;
};

template <class... Cases>
struct blocking_select : private select_base<Cases...> {
    explicit blocking_select(bool in_order, Cases&... cases) noexcept : select_base<Cases...>(in_order, cases...) {}
    select_result run() {
        if (!this->core_.poll()) this->core_.wait_here();
        return this->run_chosen();
    }
};

// The cases are temporaries of the co_await's own expression.
template <class... Cases>
class [[nodiscard("co_await it")]] select_operation : private select_base<Cases...> {
public:
    explicit select_operation(bool in_order, Cases&... cases) noexcept : select_base<Cases...>(in_order, cases...) {}
    select_operation(const select_operation&) = delete;
    select_operation& operator=(const select_operation&) = delete;
    ~select_operation() {
        constexpr std::index_sequence_for<Cases...> all{};
        if (const int fired = this->core_.abandon(); fired >= 0)
            this->drop_at(static_cast<std::size_t>(fired), this->cases_[static_cast<std::size_t>(fired)]->node.outcome,
                          all);
        else if (over_ && this->core_.result())  // it gave way, and its coroutine never came to look
            this->drop_at(this->core_.result().index, this->core_.outcome(), all);
    }

    bool await_ready() {
        worker* const here = current_worker;
        if (here) here->operation_begins();
        over_ = this->core_.poll();
        return over_ && (!here || here->operation_ends());
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) {
        static_assert(resumable_promise<P>, GRISTMILL_NEEDS_RESUME_TARGET);
        aim(this->core_.self(), self);
        if (over_) return give_way(self);
        return this->core_.suspend() ? next_on_this_thread() : self;
    }
    select_result await_resume() {
        over_ = false;
        if (this->core_.suspended()) {
            if (worker* const here = current_worker) here->operation_resumed();
            this->core_.resumed();
        }
        return this->run_chosen();
    }

private:
    bool over_ = false;  // before it had to wait, and not looked at yet
};

}  // namespace detail

// Waits for the first case, a random one of those that are ready. Blocks: not on a scheduler's thread.
template <class... Cases>
select_result select(Cases&&... cases) {
    return detail::blocking_select<std::remove_reference_t<Cases>...>(false, cases...).run();
}
template <class... Cases>
auto async_select(Cases&&... cases) noexcept {
    return detail::select_operation<std::remove_reference_t<Cases>...>(false, cases...);
}

// The same, looking at the cases in their order. May starve the later ones.
template <class... Cases>
select_result prefer(Cases&&... cases) {
    return detail::blocking_select<std::remove_reference_t<Cases>...>(true, cases...).run();
}
template <class... Cases>
auto async_prefer(Cases&&... cases) noexcept {
    return detail::select_operation<std::remove_reference_t<Cases>...>(true, cases...);
}

}  // namespace gm
