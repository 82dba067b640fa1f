#pragma once
// job_stream: what pool::map returns. It pulls its input where its consumer asks for a result: an element becomes a job when
// there is a credit for it, and a result that was taken gives one back. So neither the input nor the results pile up, and a
// worker that finishes never waits for the consumer. As they finish, or (ordered) in the order of the elements: there a slow
// head holds back this stream's own intake, and nobody else's.
//
//     for (auto& done : crew.map(paths, resize)) …                              // a thread
//     auto stream = crew.map(paths, resize);                                    // a coroutine
//     while (auto done = co_await stream.async_next()) …
//
// A stream that is left early cancels what is queued, asks what runs to stop, and waits for it. A coroutine cannot wait in a
// destructor: unless it has taken every result, it says `co_await stream.async_stop()` first. Jobs that have not ended
// when the stream is destroyed on a scheduler's thread are misuse: they may use what the scope is about to destroy. A job
// that timed out counts as ended here as everywhere.
//
// A full queue holds the stream back: it waits for results of its own. Only if none is on its way does pool_options::full
// decide, as for a submit. async_next() then waits for room, whatever the policy (in a body of the same pool: as a submit
// from inside).

#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <utility>

#include <gristmill/detail/stream_core.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/task.hpp>

namespace gm {

// Thread safety: one thread at a time.
template <class View, class F, bool Ordered>
class [[nodiscard]] job_stream_of {
    using element = std::ranges::range_value_t<View>;

    // The function is shared with the jobs: one that timed out may run longer than the stream lives.
    struct body {
        std::shared_ptr<F> f;
        element value;
        decltype(auto) operator()(job& self) {
            if constexpr (std::invocable<F&, element&&, job&>)
                return std::invoke(*f, std::move(value), self);
            else
                return std::invoke(*f, std::move(value));
        }
    };

public:
    using value = detail::body_value<body>;
    using value_type = job_result<value>;

    job_stream_of(pool& crew, View elements, F f, const submit_options& options, std::size_t window,
                  std::source_location where)
        : crew_(&crew),
          elements_(std::move(elements)),
          f_(std::make_shared<F>(std::move(f))),
          jobs_(crew.core(), options, window, Ordered, where) {}
    job_stream_of(const job_stream_of&) = delete;
    job_stream_of& operator=(const job_stream_of&) = delete;

    // The next result; none: the input is exhausted and everything was delivered, or the stream was stopped. What the input
    // throws leaves here, as do std::bad_alloc and the std::system_error of a submit; nothing is lost by that, and the
    // stream may be asked again. On a scheduler's thread: misuse if it would have to wait.
    std::optional<value_type> next(std::source_location where = std::source_location::current()) {
        while (jobs_.has_credit() && hold_next() && jobs_.admit()) {
        }
        if (jobs_.empty()) return std::nullopt;
        return result_of(jobs_.wait(where));
    }

    // The same for a coroutine of gristmill's, which pulls the input on its scheduler's thread. The stream must outlive it.
    task<std::optional<value_type>> async_next() {
        while (true) {
            while (jobs_.has_credit() && hold_next() && jobs_.try_admit()) {
            }
            if (!jobs_.empty()) {
                co_await jobs_.next_delivery();
                co_return result_of(jobs_.take());
            }
            if (!jobs_.holds_one()) co_return std::nullopt;
            co_await crew_->room();
        }
    }

    // Takes in nothing more, cancels what is queued, asks what runs to stop and waits for it; results that were not taken
    // are dropped.
    void stop(std::source_location where = std::source_location::current()) noexcept { jobs_.stop(where); }
    task<> async_stop() {
        jobs_.cancel_all();
        while (!jobs_.empty()) {
            co_await jobs_.next_delivery();
            jobs_.take().release();
        }
    }

    class iterator {
    public:
        using value_type = job_result<value>;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;

        explicit iterator(job_stream_of& from) : from_(&from) { ++*this; }
        iterator(iterator&&) noexcept = default;
        iterator& operator=(iterator&&) noexcept = default;
        value_type& operator*() const noexcept { return *from_->current_; }
        iterator& operator++() {
            from_->current_.reset();
            if (auto following = from_->next()) from_->current_.emplace(std::move(*following));
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.ended(); }

    private:
        bool ended() const noexcept { return !from_->current_; }
        job_stream_of* from_;
    };
    // requires: called once.
    iterator begin() { return iterator(*this); }
    std::default_sentinel_t end() const noexcept { return {}; }

    // Elements that were taken in and whose results were not yet taken out; never more than the window.
    std::size_t in_flight() const noexcept { return jobs_.in_flight(); }

private:
    using state = detail::job_state<value>;

    // False: the input is exhausted. An element is pulled when the memory for its job is there, and the input moves on when
    // the next one is wanted: one that is read from a terminal is not read ahead.
    bool hold_next() {
        if (jobs_.holds_one()) return true;
        if (!at_) at_.emplace(std::ranges::begin(elements_));
        if (pulled_) {
            ++*at_;
            pulled_ = false;
        }
        if (*at_ == std::ranges::end(elements_)) return false;
        jobs_.hold(*new detail::typed_job<body, value>(body{f_, element(**at_)}));
        pulled_ = true;
        return true;
    }

    static std::optional<value_type> result_of(detail::pool_job& done) {
        const std::unique_ptr<state, detail::job_releaser> owned(static_cast<state*>(&done));
        return std::optional<value_type>(owned->take_result());
    }

    pool* crew_;
    View elements_;
    std::shared_ptr<F> f_;
    std::optional<std::ranges::iterator_t<View>> at_;
    bool pulled_ = false;  // what `at_` points at
    std::optional<value_type> current_;
    detail::stream_core jobs_;  // the last: what runs may use the elements
};

template <std::ranges::input_range Range, class F>
auto pool::map(Range&& elements, F f, const submit_options& options, std::size_t window, std::source_location where) {
    using view = std::views::all_t<Range>;
    return job_stream_of<view, F, false>(*this, std::views::all(std::forward<Range>(elements)), std::move(f), options,
                                         window, where);
}

template <std::ranges::input_range Range, class F>
auto pool::map_ordered(Range&& elements, F f, const submit_options& options, std::size_t window,
                       std::source_location where) {
    using view = std::views::all_t<Range>;
    return job_stream_of<view, F, true>(*this, std::views::all(std::forward<Range>(elements)), std::move(f), options,
                                        window, where);
}

}  // namespace gm
