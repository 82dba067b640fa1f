// An awaitable is waited for where it was made: others hold its address while it waits.
// misuse 1: deleted
// misuse 2: deleted
#include <gristmill/channel.hpp>

#include <utility>

gm::task<> right(gm::channel<int> channel) {
    auto receiving = channel.async_receive();
    (void)co_await receiving;
}

#if MISUSE == 1
gm::task<> wrong(gm::channel<int> channel) {
    auto receiving = channel.async_receive();
    auto moved = std::move(receiving);
    (void)co_await moved;
}
#elif MISUSE == 2
gm::task<> wrong(gm::channel<int> channel) {
    auto sending = channel.async_send(1);
    auto copy = sending;
    (void)co_await copy;
}
#endif
