#pragma once
// A stream without its types: which of its jobs are on their way, and how the next result is waited for, by a thread or by a
// coroutine. The jobs of an unordered stream deliver themselves into its sink; an ordered one waits for its oldest.

#include <cstddef>
#include <deque>
#include <memory>
#include <source_location>

#include <gristmill/detail/plain_wait.hpp>
#include <gristmill/detail/pool_core.hpp>
#include <gristmill/detail/pool_job.hpp>

namespace gm::detail {

// Thread safety: one thread at a time.
class stream_core {
public:
    // window 0: max(2 × workers, 16).
    stream_core(pool_core& crew, const submit_options& options, std::size_t window, bool ordered,
                std::source_location where);
    stream_core(const stream_core&) = delete;
    stream_core& operator=(const stream_core&) = delete;
    ~stream_core() { stop(where_); }

    bool has_credit() const noexcept { return !stopped_ && running_.size() < window_; }
    bool empty() const noexcept { return running_.empty(); }
    std::size_t in_flight() const noexcept { return running_.size(); }

    // One job at a time is held until the pool takes it.
    bool holds_one() const noexcept { return held_ != nullptr; }
    void hold(pool_job& made) noexcept;  // takes over the reference

    // Gives what is held to the pool. False: the queue is full, and something of ours is on its way or, for try_admit, the
    // caller has to wait for room. Throws what a submit throws; then the job is still held.
    bool admit() { return hand_over(true); }
    bool try_admit();

    // The next result, and the reference to it. requires: not empty(), and for take() one that was delivered.
    pool_job& wait(std::source_location where);
    pool_job& take() noexcept;

    struct delivery {
        static constexpr const char* waits_as = "waits for a stream's next result";
        stream_core& of;
        bool over() const noexcept { return of.delivered(); }
        bool enqueue(waiter& consumer) const noexcept { return of.enqueue(consumer); }
        bool withdraw(waiter& consumer) const noexcept { return of.withdraw(consumer); }
        const void* object() const noexcept { return &of; }
    };
    plain_wait<delivery> next_delivery() noexcept;

    // Takes in nothing more, cancels what is queued and asks what runs to stop. stop() also waits until all of it was delivered,
    // not only done: a job that is delivered later would keep the sink, and the sink it. On a scheduler's thread, jobs
    // that have not ended are misuse.
    void cancel_all() noexcept;
    void stop(std::source_location where) noexcept;

private:
    struct sink_releaser {
        void operator()(job_sink* sink) const noexcept { sink->release(); }
    };

    bool ordered() const noexcept { return !sink_; }
    bool hand_over(bool may_wait);
    bool at_home() const noexcept;
    bool delivered() noexcept;
    bool enqueue(waiter& consumer) noexcept;
    bool withdraw(waiter& consumer) noexcept;
    pool_job* pop_delivered() noexcept;
    void wait_for_delivery();
    bool help_one() noexcept;
    void lend_slot() noexcept;

    pool_core& core_;
    const submit_options options_;
    const std::source_location where_;
    const std::size_t window_;
    const std::unique_ptr<job_sink, sink_releaser> sink_;  // null: ordered
    pool_job* held_ = nullptr;
    std::deque<pool_job*> running_;  // a reference each; in the order of the elements
    std::uint64_t made_ = 0;
    bool stopped_ = false;
};

}  // namespace gm::detail
