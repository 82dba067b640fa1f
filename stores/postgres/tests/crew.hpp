#pragma once
// Workers that do nothing but claim and complete, whatever happens to the server meanwhile; what they saw; and work for them.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <gristmill/jobs/store.hpp>

namespace gm::test {

inline std::vector<jobs::new_job> some_jobs(std::size_t count) {
    return std::vector<jobs::new_job>(count, jobs::new_job{.kind = "kind"});
}

class crew {
public:
    crew(jobs::store& on, int threads, std::size_t batch = 20) {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back([this, &on, batch](const std::stop_token& stop) { work(on, batch, stop); });
    }
    // Ends after what it holds.
    void stop() { threads_.clear(); }

    std::size_t finished() {
        const std::lock_guard lock(mutex_);
        return finishes_.size();
    }
    // How many finishes were accepted of a job that had one already, and how many answers were neither yes nor no.
    std::size_t twice() {
        const std::lock_guard lock(mutex_);
        return twice_;
    }
    std::size_t errors() const noexcept { return errors_; }

private:
    void work(jobs::store& on, std::size_t batch, const std::stop_token& stop) {
        std::unique_ptr<jobs::source> source;
        while (!source) {
            auto made = on.subscribe({.lease = std::chrono::seconds(60)});
            if (made) source = *std::move(made);
            if (!made && stop.stop_requested()) return;
        }
        std::vector<jobs::settlement> ends;
        for (;;) {
            const bool last = stop.stop_requested();
            auto done = source->exchange(ends, {.idle = last ? 0 : batch});
            if (!done) {
                ++errors_;
                if (last && ends.empty()) return;
                std::this_thread::yield();
                continue;  // the same ends again
            }
            const std::lock_guard lock(mutex_);
            for (std::size_t i = 0; i < ends.size(); ++i)
                if (done->outcomes[i] != jobs::settled::yes || !finishes_.insert(ends[i].which.first).second) ++twice_;
            ends.clear();
            for (const jobs::delivery& job : done->jobs) ends.push_back({.which = job.which});
            if (last && ends.empty()) return;
        }
    }

    std::mutex mutex_;  // the two below
    std::set<std::int64_t> finishes_;
    std::size_t twice_ = 0;
    std::atomic<std::size_t> errors_ = 0;
    std::vector<std::jthread> threads_;
};

// Asks until it is so; false after a minute, which is no measure of speed.
template <class F>
bool eventually(F&& is_so) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
         std::chrono::steady_clock::now() < end; std::this_thread::sleep_for(std::chrono::milliseconds(5)))
        if (is_so()) return true;
    return false;
}

}  // namespace gm::test
