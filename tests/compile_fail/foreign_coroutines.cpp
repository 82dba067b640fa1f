// A coroutine of somebody else's says where it goes on; one that says nothing would be resumed inside the sender.
// misuse 1: does not say where to resume
#include <gristmill/channel.hpp>

#include <coroutine>
#include <exception>

struct foreign {
    struct promise_type {
        foreign get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
#if MISUSE != 1
        void resume_later(std::coroutine_handle<>) noexcept {}
#endif
    };
};

foreign waits(gm::channel<int> channel) { (void)co_await channel.async_receive(); }
