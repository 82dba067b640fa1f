// The pool people write by hand: threads, one mutex, one condition variable, a deque of std::function.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace bench {

class mutex_pool {
public:
    explicit mutex_pool(int threads) {
        for (int i = 0; i < threads; ++i) crew_.emplace_back([this] { work(); });
    }
    ~mutex_pool() {
        {
            std::lock_guard lock(mutex_);
            stop_ = true;
        }
        ready_.notify_all();
        for (auto& worker : crew_) worker.join();
    }
    template <class F>
    void submit(F f) {
        {
            std::lock_guard lock(mutex_);
            tasks_.emplace_back(std::move(f));
        }
        ready_.notify_one();
    }

private:
    void work() {
        for (;;) {
            std::function<void()> task;
            {
                std::unique_lock lock(mutex_);
                ready_.wait(lock, [&] { return stop_ || !tasks_.empty(); });
                if (tasks_.empty()) return;
                task = std::move(tasks_.front());
                tasks_.pop_front();
            }
            task();
        }
    }

    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<std::function<void()>> tasks_;
    bool stop_ = false;
    std::vector<std::thread> crew_;
};

}  // namespace bench
