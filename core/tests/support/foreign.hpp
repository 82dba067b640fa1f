#pragma once
// Somebody else's coroutine type, with an executor of its own: what gristmill asks of it is the one member resume_later().

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace gm::test {

// One queue, served by whoever calls run().
class foreign_executor {
public:
    void post(std::coroutine_handle<> handle) noexcept {
        const std::lock_guard hold(guard_);
        queue_.push_back(handle);
        changed_.notify_one();
    }
    // Runs what is posted until `fibers` coroutines are done.
    void run(int fibers) {
        served_by_ = std::this_thread::get_id();
        while (done_ < fibers) {
            std::unique_lock hold(guard_);
            changed_.wait(hold, [&] { return !queue_.empty(); });
            const std::coroutine_handle<> next = queue_.front();
            queue_.pop_front();
            hold.unlock();
            next.resume();
        }
    }
    bool here() const noexcept { return served_by_ == std::this_thread::get_id(); }

private:
    friend class fiber;
    std::mutex guard_;
    std::condition_variable changed_;
    std::deque<std::coroutine_handle<>> queue_;
    std::thread::id served_by_ = std::this_thread::get_id();
    int done_ = 0;
};

class fiber {
public:
    struct promise_type {
        template <class... Rest>
        explicit promise_type(foreign_executor& home, Rest&&...) noexcept : executor(&home) {}
        fiber get_return_object() noexcept { return fiber(); }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() noexcept {
            ++executor->done_;
            return {};
        }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
        void resume_later(std::coroutine_handle<> handle) noexcept { executor->post(handle); }

        foreign_executor* executor;
    };
};

}  // namespace gm::test
