// moodycamel's blocking queue has no bound and no close: its own semaphore counts the free slots, and a closed channel
// passes one pill from receiver to receiver. It keeps order only within one producer.
#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <climits>

namespace bench {

class moodycamel_channel {
public:
    explicit moodycamel_channel(std::size_t capacity) : free_(static_cast<long>(capacity)), queue_(capacity) {}
    bool send(int v) {
        free_.wait();
        return queue_.enqueue(v);
    }
    bool receive(int& v) {
        queue_.wait_dequeue(v);
        // The pill may overtake the values of other producers: whoever meets it looks whether any are left.
        if (v == pill) {
            bool left = queue_.try_dequeue(v);
            queue_.enqueue(pill);
            if (!left) return false;
        }
        free_.signal();
        return true;
    }
    // requires: every send has returned.
    void close() { queue_.enqueue(pill); }

private:
    static constexpr int pill = INT_MIN;
    moodycamel::LightweightSemaphore free_;
    moodycamel::BlockingConcurrentQueue<int> queue_;
};

}  // namespace bench
