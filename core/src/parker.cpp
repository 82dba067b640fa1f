#include <gristmill/detail/parker.hpp>

namespace gm::detail {

constinit thread_local engine* current_engine = nullptr;

// In a virtual world one thread runs at a time: the word needs no protection, only the engine's attention.
bool parker::park_virtually(const time_point* deadline) noexcept {
    bool in_time = true;
    schedule_point();
    while (state_.load(std::memory_order_relaxed) != notified && in_time) {
        state_.store(asleep, std::memory_order_relaxed);
        in_time = engine_->park(*this, deadline);
    }
    in_time = state_.load(std::memory_order_relaxed) == notified;
    state_.store(awake, std::memory_order_relaxed);
    return in_time;
}

void parker::unpark_virtually() noexcept {
    schedule_point();
    const bool sleeps = state_.exchange(notified, std::memory_order_relaxed) == asleep;
    if (sleeps || current_engine != engine_) engine_->unpark(*this);  // which does not stand a call from outside
}

}  // namespace gm::detail
