// oneTBB's bounded queue as a channel: it has no close, so a pill goes from receiver to receiver, and the bound is set
// aside for it.
#pragma once

#include <oneapi/tbb/concurrent_queue.h>

#include <climits>

namespace bench {

class tbb_channel {
public:
    explicit tbb_channel(std::size_t capacity) { queue_.set_capacity(static_cast<std::ptrdiff_t>(capacity)); }
    bool send(int v) {
        queue_.push(v);
        return true;
    }
    bool receive(int& v) {
        queue_.pop(v);
        if (v != pill) return true;
        queue_.push(pill);
        return false;
    }
    void close() { queue_.push(pill); }

private:
    static constexpr int pill = INT_MIN;
    tbb::concurrent_bounded_queue<int> queue_;
};

}  // namespace bench
