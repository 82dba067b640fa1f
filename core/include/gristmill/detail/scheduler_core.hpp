#pragma once
// The cold half of the scheduler: the workers' threads, how they share work, look for it and sleep. worker.hpp has
// the hot half.
//
// Where ready work goes. A coroutine that is made ready on a worker stays there (its data is in that cache, and a
// hand-off across CPUs costs more than a trivial job). Three things move it elsewhere:
// - offers: each worker measures, one operation in a few, how long the user's own code runs between operations. While
//   that is more than a hand-off costs, a worker puts ready work into the shared queue whenever a peer is idle.
//   Time inside our operations does not count: contention must not look like work.
// - watching: while a worker runs with something in its queue, one idle peer looks at it every 100 µs (slowing
//   down to 1 ms) and takes half of what has been there since its last look. So nothing freezes behind a long job.
// - injection: what is made ready by other threads goes to the shared queue and wakes an idle worker.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gristmill/detail/engine.hpp>
#include <gristmill/detail/joined_thread.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/task_promise.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm {
struct scheduler_options;
struct shutdown_report;
class context_source;
}  // namespace gm

namespace gm::detail {

class scheduler_core {
public:
    scheduler_core(const scheduler_options& options, std::source_location where);
    ~scheduler_core();

    bool spawn(task_promise<void>& root, const char* name) noexcept;
    void retire(task_promise_base& root) noexcept;
    shutdown_report shutdown(std::chrono::milliseconds grace, std::source_location where);

    // Ready work from a thread that is not one of ours.
    void inject(task_header& task) noexcept;
    void inject_all(task_header& first, task_header& last, std::uint32_t count) noexcept;  // chained by next

    // Between pin() and unpin() no task of this scheduler is destroyed. Whoever pins unpins after a few steps of ours: no
    // user code runs between the two, and nothing waits there for anything but a lock. Once the workers have stopped, each
    // coroutine that waits is made ready once more at most: so the wait for the pins comes to an end, whoever goes on with
    // sending and spawning.
    void pin() noexcept { pins_.fetch_add(1, std::memory_order_acquire); }
    void unpin(std::uint32_t count = 1) noexcept { pins_.fetch_sub(count, std::memory_order_release); }
    void wait_for_pins() const noexcept;

    void count_destroyed_value() noexcept { values_destroyed_.fetch_add(1, std::memory_order_relaxed); }

    // Its threads run nothing any more.
    bool stopped() const noexcept { return stopped_.load(std::memory_order_acquire); }

    unsigned threads() const noexcept { return static_cast<unsigned>(workers_.size()); }
    std::size_t live() const noexcept { return live_.load(std::memory_order_acquire); }
    const context_source& root_context() const noexcept { return *root_context_; }

private:
    friend class worker;

    struct shard {
        lock guard;
        task_promise_base* first = nullptr;
    };
    static constexpr std::size_t shards = 8;

    // Explored worlds alone leave a scheduler its own workers: nobody else pays for the question.
    static std::uint64_t ticks() noexcept {
#if defined(GRISTMILL_SCHEDULE_POINTS)
        if (current_engine) return current_engine->ticks();
#endif
        return os::ticks();
    }
    void run(worker& me) noexcept;
    task_header* find(worker& me) noexcept;
    task_header* take_shared(worker& me) noexcept;
    task_header* keep(worker& me, task_header* chain) noexcept;
    task_header* spin(worker& me) noexcept;
    task_header* look(worker& me, bool greedy) noexcept;
    task_header* sleep(worker& me) noexcept;
    bool wake_up(worker& me) noexcept;
    worker* pop_sleeper() noexcept;
    void note_idle() noexcept;
    void end_watch() noexcept;
    void end_watch_locked() noexcept;
    void hand_watch_on() noexcept;
    bool anything_queued() const noexcept;
    void put_shared(task_header* first, task_header* last, std::uint32_t count) noexcept;
    void offer(worker& me) noexcept;
    void request_watch() noexcept;
    void stop_workers() noexcept;
    void destroy_what_is_left(shutdown_report& report);

    engine* const engine_;  // that runs our coroutines; null: our own workers do
    std::vector<std::unique_ptr<worker>> workers_;
    std::uint64_t worth_sharing_ = 0;  // ticks
    std::uint64_t spin_ticks_ = 0;

    alignas(64) lock shared_guard_;  // protects what follows; the atomics are read without it, as hints
    task_header* shared_first_ = nullptr;
    task_header* shared_last_ = nullptr;
    worker* sleeping_ = nullptr;  // a stack of parked workers
    std::uint32_t sleepers_ = 0;
    std::uint32_t spinners_ = 0;
    bool watching_ = false;  // one of the sleepers wakes up now and then to look at the others
    atomic<bool> stopping_{false};
    atomic<bool> stopped_{false};
    atomic<std::uint32_t> shared_count_{0};
    atomic<std::uint32_t> idle_{0};  // sleepers and spinners

    // False while workers sleep and none of them watches: whoever queues work then has to wake one.
    alignas(64) atomic<bool> watched_{true};

    alignas(64) atomic<std::uint64_t> pins_{0};
    atomic<std::size_t> live_{0};
    atomic<bool> accepting_{true};
    std::atomic<std::size_t> values_destroyed_{0};
    atomic<parker*> drainer_{nullptr};
    std::atomic<std::uint32_t> next_shard_{0};
    shard shards_[shards];
    std::unique_ptr<context_source> root_context_;
    std::vector<joined_thread> threads_;  // last: joined before anything they use goes
};

// Puts a running coroutine at the end of its thread's queue.
void requeue(task_header& task) noexcept;

}  // namespace gm::detail
