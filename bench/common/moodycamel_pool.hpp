// Threads that take std::functions from moodycamel's blocking queue; an empty one ends a thread.
#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <functional>
#include <thread>
#include <vector>

namespace bench {

class moodycamel_pool {
public:
    explicit moodycamel_pool(int threads) {
        for (int i = 0; i < threads; ++i)
            crew_.emplace_back([this] {
                std::function<void()> task;
                for (;;) {
                    queue_.wait_dequeue(task);
                    if (!task) return;
                    task();
                }
            });
    }
    ~moodycamel_pool() {
        for (std::size_t i = 0; i < crew_.size(); ++i) queue_.enqueue({});
        for (auto& worker : crew_) worker.join();
    }
    template <class F>
    void submit(F f) {
        queue_.enqueue(std::function<void()>(std::move(f)));
    }

private:
    moodycamel::BlockingConcurrentQueue<std::function<void()>> queue_;
    std::vector<std::thread> crew_;
};

}  // namespace bench
