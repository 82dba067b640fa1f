#pragma once
// std::atomic, except in the instrumented build of the tests, where each access is a place at which the
// deterministic scheduler may let another thread go first.

#include <atomic>

#include <gristmill/detail/engine.hpp>

namespace gm::detail {

#if defined(GRISTMILL_SCHEDULE_POINTS)

template <class T>
class atomic {
public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T value) noexcept : value_(value) {}
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    operator T() const noexcept { return load(); }
    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept {
        schedule_point();
        return value_.load(order);
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
        schedule_point();
        value_.store(value, order);
    }
    T exchange(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
        schedule_point();
        return value_.exchange(value, order);
    }
    bool compare_exchange_strong(T& expected, T value, std::memory_order success, std::memory_order failure) noexcept {
        schedule_point();
        return value_.compare_exchange_strong(expected, value, success, failure);
    }
    bool compare_exchange_weak(T& expected, T value, std::memory_order success, std::memory_order failure) noexcept {
        return compare_exchange_strong(expected, value, success, failure);
    }
    T fetch_add(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
        schedule_point();
        return value_.fetch_add(value, order);
    }
    T fetch_sub(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
        schedule_point();
        return value_.fetch_sub(value, order);
    }
    // The word the operating system sleeps on.
    const std::atomic<T>& raw() const noexcept { return value_; }

private:
    std::atomic<T> value_{};
};

#else

template <class T>
class atomic : public std::atomic<T> {
public:
    using std::atomic<T>::atomic;
    const std::atomic<T>& raw() const noexcept { return *this; }
};

#endif

}  // namespace gm::detail
