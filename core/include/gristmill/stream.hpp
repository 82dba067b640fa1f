#pragma once
// job_stream: what pool::map returns. It pulls its input on the thread that iterates: an element becomes a job when there is a
// credit for it, and a result that was taken gives one back. So neither the input nor the results pile up, and a worker
// that finishes never waits for the consumer. As they finish, or (ordered) in the order of the elements: there a slow head
// holds back this stream's own intake, and nobody else's.
//
// A stream that is left early cancels what is queued, asks what runs to stop, and waits for it.

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

#include <gristmill/pool.hpp>

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

    job_stream_of(pool& crew, View elements, F f, const submit_options& options, std::size_t window)
        : crew_(&crew),
          elements_(std::move(elements)),
          f_(std::make_shared<F>(std::move(f))),
          options_(options),
          window_(window != 0 ? window : std::max<std::size_t>(2 * std::size_t{crew.workers()}, 16)),
          sink_(Ordered ? nullptr : new detail::job_sink) {}
    job_stream_of(const job_stream_of&) = delete;
    job_stream_of& operator=(const job_stream_of&) = delete;
    ~job_stream_of() { abandon(); }

    // The next result; none: the input is exhausted and everything was delivered. An exception of the input leaves here, and the
    // stream may be asked again.
    std::optional<value_type> next() {
        fill();
        if (running_.empty()) return std::nullopt;
        state* const done = Ordered ? head() : any();
        drop(done);
        std::optional<value_type> result(done->take_result());
        done->release();
        return result;
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

    std::size_t in_flight() const noexcept { return running_.size(); }

private:
    using state = detail::job_state<value>;

    // Submits while there are credits and room. A full queue is waited for only when nothing of ours is on its way.
    void fill() {
        if (!at_) at_.emplace(std::ranges::begin(elements_));
        detail::pool_core& core = crew_->core();
        while (running_.size() < window_ && *at_ != std::ranges::end(elements_)) {
            if (!ready_) {
                auto made = std::make_unique<body>(f_, element(**at_));
                ready_ = new detail::typed_job<body, value>(std::move(*made));
                core.prepare(*ready_, options_, std::source_location::current());
                if constexpr (!Ordered) {
                    sink_->retain();
                    ready_->sink = sink_;
                }
            }
            running_.push_back(ready_);
            ready_->retain();
            if (running_.size() == 1) {
                core.submit(std::exchange(ready_, nullptr));
            } else if (core.try_submit(ready_)) {
                ready_ = nullptr;
            } else {
                ready_->release();
                running_.pop_back();
                return;
            }
            ++*at_;
        }
    }

    state* head() {
        static_cast<void>(running_.front()->wait({}, std::source_location::current()));
        return running_.front();
    }

    // One that was delivered. Inside of the pool, our own oldest job that is still queued runs here rather than that we wait.
    state* any() {
        while (true) {
            if (state* const done = take_delivered()) return done;
            bool helped = false;
            for (auto each = running_.begin(); each != running_.end() && !helped; ++each)
                helped = crew_->core().help(**each);
            if (!helped) wait_for_delivery();
        }
    }

    state* take_delivered() noexcept {
        detail::pool_job* done;
        {
            detail::lock_guard hold(sink_->guard);
            done = sink_->first;
            if (!done) return nullptr;
            sink_->first = done->next_delivered;
            if (!sink_->first) sink_->end = &sink_->first;
        }
        done->release();  // the sink's reference; ours is in running_
        return static_cast<state*>(done);
    }

    void wait_for_delivery() {
        if (detail::current_worker) detail::misuse("a stream is waited for on a scheduler's thread");
        detail::parker bed;
        detail::waiter self;
        self.wake = detail::wake_thread;
        self.target = &bed;
        {
            detail::lock_guard hold(sink_->guard);
            if (sink_->first) return;
            sink_->waiters.push(self);
        }
        bed.park();
    }

    void drop(state* done) noexcept { running_.erase(std::find(running_.begin(), running_.end(), done)); }

    void abandon() noexcept {
        if (ready_) ready_->release();
        // The last first: what runs is asked to stop when nothing is queued behind it that could start in its place.
        for (auto each = running_.rbegin(); each != running_.rend(); ++each)
            static_cast<void>(crew_->core().cancel(**each));
        for (state* const each : running_) {
            static_cast<void>(each->wait({}, std::source_location::current()));
            each->release();
        }
        if constexpr (!Ordered) {
            while (take_delivered_or_null()) {
            }
            sink_->release();
        }
    }
    bool take_delivered_or_null() noexcept {
        detail::lock_guard hold(sink_->guard);
        detail::pool_job* const done = sink_->first;
        if (!done) return false;
        sink_->first = done->next_delivered;
        if (!sink_->first) sink_->end = &sink_->first;
        done->release();
        return true;
    }

    pool* crew_;
    View elements_;
    std::shared_ptr<F> f_;
    submit_options options_;
    const std::size_t window_;
    detail::job_sink* sink_;
    std::optional<std::ranges::iterator_t<View>> at_;
    detail::typed_job<body, value>* ready_ = nullptr;  // made, and not yet admitted
    std::deque<state*> running_;                       // a reference each; in the order of the elements
    std::optional<value_type> current_;
};

template <std::ranges::input_range Range, class F>
auto pool::map(Range&& elements, F f, const submit_options& options, std::size_t window) {
    using view = std::views::all_t<Range>;
    return job_stream_of<view, F, false>(*this, std::views::all(std::forward<Range>(elements)), std::move(f), options,
                                         window);
}

template <std::ranges::input_range Range, class F>
auto pool::map_ordered(Range&& elements, F f, const submit_options& options, std::size_t window) {
    using view = std::views::all_t<Range>;
    return job_stream_of<view, F, true>(*this, std::views::all(std::forward<Range>(elements)), std::move(f), options,
                                        window);
}

}  // namespace gm
