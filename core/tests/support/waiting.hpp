#pragma once
// Instead of sleeps: wait until a channel holds so many waiters, with its lock; until a condition holds.

#include <cstddef>
#include <thread>

#include <gristmill/channel.hpp>

namespace gm::test {

template <class F>
void wait_until(F condition) {
    while (!condition()) std::this_thread::yield();
}

inline std::size_t length(const detail::waiter_queue& queue) {
    std::size_t count = 0;
    for (auto* each = static_cast<const detail::wakeable*>(queue.front()); each; each = each->next) ++count;
    return count;
}

template <class T>
std::size_t waiting_receivers(const detail::channel_handle<T>& channel) {
    detail::channel_guard hold(channel.shared()->guard);
    return length(channel.shared()->receivers);
}
template <class T>
std::size_t waiting_senders(const detail::channel_handle<T>& channel) {
    detail::channel_guard hold(channel.shared()->guard);
    return length(channel.shared()->senders);
}

template <class T>
void until_receivers_wait(const detail::channel_handle<T>& channel, std::size_t count) {
    wait_until([&] { return waiting_receivers(channel) >= count; });
}
template <class T>
void until_senders_wait(const detail::channel_handle<T>& channel, std::size_t count) {
    wait_until([&] { return waiting_senders(channel) >= count; });
}

}  // namespace gm::test
