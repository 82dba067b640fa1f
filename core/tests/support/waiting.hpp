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

template <class T>
std::size_t waiting_receivers(const detail::channel_handle<T>& channel) {
    detail::channel_guard hold(channel.shared()->guard);
    return channel.shared()->receivers.length();
}
template <class T>
std::size_t waiting_senders(const detail::channel_handle<T>& channel) {
    detail::channel_guard hold(channel.shared()->guard);
    return channel.shared()->senders.length();
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
