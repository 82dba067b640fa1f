// How a scheduler ends: it refuses, lets its tasks finish, stops its workers, and destroys what is left.
#include <algorithm>
#include <thread>

#include <gristmill/detail/scheduler_core.hpp>
#include <gristmill/scheduler.hpp>

namespace gm::detail {

void scheduler_core::wait_for_pins() const noexcept {
    for (int turn = 0; pins_.load(std::memory_order_acquire) != 0; ++turn) {
        if (current_engine)
            current_engine->yield();
        else if (turn < 100)
            os::relax();
        else
            std::this_thread::yield();  // whoever pinned was preempted between two steps of a wake-up
    }
}

shutdown_report scheduler_core::shutdown(std::chrono::milliseconds grace, std::source_location where) {
    shutdown_report report;
    if (current_worker && &current_worker->home == this)
        misuse("a scheduler shut down from one of its own threads", where);
    parker bed;
    if (!accepting_.exchange(false, std::memory_order_seq_cst)) return report;
    for (shard& each : shards_) lock_guard hold(each.guard);  // a spawn that saw us open is in its list now
    drainer_.store(&bed, std::memory_order_seq_cst);
    root_context_->cancel();
    const time_point start = now();
    const bool for_ever = grace > std::chrono::duration_cast<std::chrono::milliseconds>(time_point::max() - start);
    const time_point deadline = for_ever ? time_point::max() : start + std::max(grace, std::chrono::milliseconds(0));
    while (live() != 0 && bed.park_until(deadline)) {
    }
    drainer_.store(nullptr, std::memory_order_release);
    stop_workers();
    destroy_what_is_left(report);
    wait_for_pins();  // who woke a task that has ended since may still be on the way out of here
    report.values_destroyed = values_destroyed_.load(std::memory_order_relaxed);
    return report;
}

void scheduler_core::stop_workers() noexcept {
    if (engine_) {
        stopping_.store(true, std::memory_order_relaxed);
        engine_->stop(*this);
        stopped_.store(true, std::memory_order_release);
        return;
    }
    {
        lock_guard hold(shared_guard_);
        stopping_.store(true, std::memory_order_relaxed);
    }
    while (true) {
        worker* sleeper;
        {
            lock_guard hold(shared_guard_);
            sleeper = pop_sleeper();
        }
        if (!sleeper) break;
        sleeper->bed_.unpark();
    }
    threads_.clear();
    stopped_.store(true, std::memory_order_release);
}

void scheduler_core::destroy_what_is_left(shutdown_report& report) {
    for (shard& each : shards_) {
        while (true) {
            task_promise_base* root;
            {
                lock_guard hold(each.guard);
                root = each.first;
                if (!root) break;
                each.first = root->root.next;
                if (each.first) each.first->root.prev = nullptr;
            }
            ++report.unfinished;
            if (const char* const name = name_of_root(*root); name && report.names.size() < 100)
                report.names.emplace_back(name);
            wait_for_pins();
            root->handle().destroy();
            live_.fetch_sub(1, std::memory_order_relaxed);
        }
    }
}

}  // namespace gm::detail
