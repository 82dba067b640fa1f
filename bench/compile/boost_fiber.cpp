// Boost.Fiber: fibers, a channel and a future.
#include <boost/fiber/all.hpp>

int main() {
    boost::fibers::buffered_channel<int> jobs(16);
    auto answer = boost::fibers::async([&] {
        int v = 0;
        jobs.pop(v);
        return v;
    });
    jobs.push(42);
    return answer.get() == 42 ? 0 : 1;
}
