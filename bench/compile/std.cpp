// The floor: what the same program by hand includes from the standard library.
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

int main() {
    std::mutex mutex;
    std::condition_variable ready;
    std::deque<std::function<void()>> queue;
    std::promise<int> promise;
    std::future<int> answer = promise.get_future();
    std::jthread worker([&] {
        std::unique_lock lock(mutex);
        ready.wait(lock, [&] { return !queue.empty(); });
        queue.front()();
    });
    {
        std::lock_guard lock(mutex);
        queue.emplace_back([&] { promise.set_value(42); });
    }
    ready.notify_one();
    return answer.get() == 42 ? 0 : 1;
}
