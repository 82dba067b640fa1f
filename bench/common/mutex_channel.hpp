// What people write by hand: a mutex, condition variables and a deque. Capacity 0 is a rendezvous: the sender leaves
// when its value has been taken. With a stop token each wait also ends when it is stopped.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>

namespace bench {

template <class Condition = std::condition_variable>
class basic_mutex_channel {
public:
    explicit basic_mutex_channel(std::size_t capacity, std::stop_token stop = {})
        : capacity_(capacity), stop_(std::move(stop)) {}

    bool send(int v) {
        std::unique_lock lock(mutex_);
        std::size_t room = capacity_ == 0 ? 1 : capacity_;
        if (!wait(not_full_, lock, [&] { return values_.size() < room || closed_; }) || closed_) return false;
        values_.push_back(v);
        std::uint64_t mine = ++sent_;
        if (capacity_ != 0) lock.unlock();
        not_empty_.notify_one();
        return capacity_ != 0 || wait(taken_, lock, [&] { return received_ >= mine; });
    }

    bool receive(int& v) {
        std::unique_lock lock(mutex_);
        if (!wait(not_empty_, lock, [&] { return !values_.empty() || closed_; }) || values_.empty()) return false;
        v = values_.front();
        values_.pop_front();
        ++received_;
        lock.unlock();
        if (capacity_ == 0) taken_.notify_all();
        not_full_.notify_one();
        return true;
    }

    void close() {
        {
            std::lock_guard lock(mutex_);
            closed_ = true;
        }
        not_empty_.notify_all();
        not_full_.notify_all();
    }

private:
    template <class Ready>
    bool wait(Condition& condition, std::unique_lock<std::mutex>& lock, Ready ready) {
        if constexpr (std::is_same_v<Condition, std::condition_variable_any>) {
            return condition.wait(lock, stop_, ready);
        } else {
            condition.wait(lock, ready);
            return true;
        }
    }

    std::mutex mutex_;
    Condition not_empty_, not_full_, taken_;
    std::deque<int> values_;
    std::size_t capacity_;
    std::uint64_t sent_ = 0, received_ = 0;
    bool closed_ = false;
    std::stop_token stop_;
};

using mutex_channel = basic_mutex_channel<>;

}  // namespace bench
