// What tells whether something happened, or happens only when it is awaited, cannot be dropped unseen.
// misuse 1: ignoring return value
// misuse 2: ignoring return value
// misuse 3: ignoring return value
// misuse 4: ignoring (return value|temporary)
// misuse 5: ignoring (return value|temporary)
// misuse 6: ignoring return value
#include <gristmill/channel.hpp>
#include <gristmill/task.hpp>

gm::task<> sleeper();

gm::task<> right(gm::channel<int> channel) {
    if (channel.try_send(1) == gm::channel_status::ok) (void)channel.receive();
    (void)co_await channel.async_receive();
    co_await sleeper();
}

void wrong(const gm::channel<int>& channel) {
#if MISUSE == 1
    channel.try_send(1);
#elif MISUSE == 2
    channel.receive();
#elif MISUSE == 3
    sleeper();
#elif MISUSE == 4
    channel.async_receive();
#elif MISUSE == 5
    channel.async_send(1);
#elif MISUSE == 6
    channel.try_receive();
#else
    (void)channel;
#endif
}
