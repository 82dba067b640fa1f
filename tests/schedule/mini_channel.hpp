#pragma once
// A small unbounded channel of the library's own parts, for the checkers to fail on: each mutation plants one bug of the kind
// that they are there for. Without one it is sound.

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>

#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/parker.hpp>

namespace schedule {

enum class plant { nothing, lost_wakeup, duplicate, lost_value, starved_waiter };

template <plant Bug>
class mini_channel {
public:
    bool send(int value) {
        waiter* receiver = nullptr;
        {
            gm::detail::lock_guard hold(guard_);
            if (waiters_.empty()) {
                values_.push_back(value);
                return true;
            }
            if constexpr (Bug == plant::starved_waiter) {
                receiver = waiters_.back();  // the latest is served first
                waiters_.pop_back();
            } else {
                receiver = waiters_.front();
                waiters_.pop_front();
            }
            receiver->value = value;
            receiver->served = true;
        }
        receiver->bed.unpark();
        return true;
    }

    std::optional<int> receive(std::optional<std::chrono::nanoseconds> timeout = {}) {
        waiter me;
        if constexpr (Bug == plant::lost_wakeup || Bug == plant::duplicate)
            if (const auto value = look()) return value;
        {
            gm::detail::lock_guard hold(guard_);
            if (Bug != plant::lost_wakeup && !values_.empty()) return take();
            waiters_.push_back(&me);  // planted: what was sent since we looked lies there, and nobody will wake us
        }
        if (!timeout) {
            me.bed.park();
            return me.value;
        }
        if (me.bed.park_until(gm::now() + *timeout)) return me.value;
        {
            gm::detail::lock_guard hold(guard_);
            std::erase(waiters_, &me);
            if (Bug == plant::lost_value || !me.served) return {};  // planted: it may have been handed a value
        }
        me.bed.park();
        return me.value;
    }

private:
    struct waiter {
        gm::detail::parker bed;
        int value = 0;
        bool served = false;
    };

    std::optional<int> look() {
        std::optional<int> seen;
        {
            gm::detail::lock_guard hold(guard_);
            if (values_.empty()) return {};
            if constexpr (Bug != plant::duplicate) return take();
            seen = values_.front();
        }
        gm::detail::lock_guard hold(guard_);  // planted: another may have seen the same one
        if (!values_.empty() && values_.front() == *seen) values_.pop_front();
        return seen;
    }

    std::optional<int> take() {
        const int value = values_.front();
        values_.pop_front();
        return value;
    }

    gm::detail::lock guard_;
    std::deque<int> values_;
    std::deque<waiter*> waiters_;
};

}  // namespace schedule
