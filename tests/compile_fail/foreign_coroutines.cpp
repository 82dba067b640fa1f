// A coroutine of somebody else's says where it goes on; one that says nothing would be resumed inside the sender.
// misuse 1: does not say where to resume
// misuse 2: does not say where to resume
// misuse 3: does not say where to resume
#include <gristmill/channel.hpp>
#include <gristmill/select.hpp>

#include <coroutine>
#include <exception>

struct foreign {
    struct promise_type {
        foreign get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
#if MISUSE == 0
        void resume_later(std::coroutine_handle<>) noexcept {}
#elif MISUSE == 3
        void resume_later(std::coroutine_handle<>) {}  // may throw: then a wake-up could be lost
#endif
    };
};

#if MISUSE == 2
foreign selects(gm::channel<int> channel) {
    (void)co_await gm::async_select(gm::on(channel, [](int) {}));
}
#else
foreign waits(gm::channel<int> channel) { (void)co_await channel.async_receive(); }
#endif
