#pragma once
// An operation that tells a callback. It lives on the heap with two references: its handle's, and its own until it is over.
//
// Three steps, each taken once. *Claimed*: the channel, the clock, a context, cancel() or the handle's end changes the
// word. *Concluded*: the claimer's wake and the end of start() meet at a gate; the second of the two takes the operation
// out of whatever else knows it. So nothing is taken apart while it is still being put together. *Told*: the callback runs.
//
// Not a coroutine of its own with resume_later(): its frame could not be destroyed between claim and wake, when the waker
// still holds a pointer into it. Here the references keep it.

#include <atomic>
#include <cstdint>
#include <memory>

#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/context_core.hpp>
#include <gristmill/detail/timer.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

class completion {
public:
    completion(const completion&) = delete;
    completion& operator=(const completion&) = delete;

    // Gives the handle's reference.
    static completion* start(std::unique_ptr<completion> operation);

    bool cancel() noexcept;
    void withdraw() noexcept;  // the handle's reference is given up, as in the next
    void drop_handle() noexcept { release(); }

protected:
    completion(channel_base* channel, const limits& until) noexcept;
    virtual ~completion();
    friend std::default_delete<completion>;

    virtual waiter_queue& queue() noexcept = 0;
    virtual channel_status attempt(wake_list& wakes) = 0;      // under the channel's lock
    virtual void tell(channel_status outcome) = 0;             // calls the callback
    virtual void forget(channel_status outcome) noexcept = 0;  // destroys it, and a value that came

    waiter node_;

private:
    struct alarm : timer {
        wakeable node;
        completion* owner = nullptr;
    };
    static constexpr std::uint32_t channel_won = 1, withdrawn = 2;
    enum class telling : std::uint8_t { due, begun, never };

    bool begin();  // false: over at once, outcome in node_
    void watch_limits() noexcept;
    void arrive() noexcept;
    void conclude() noexcept;
    void run() noexcept;
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    static void woken(wakeable& who) noexcept { static_cast<completion*>(who.target)->arrive(); }
    static void run_soon(completion& over) noexcept;

    channel_base* const channel_;
    const limits until_;
    context_link link_;
    alarm alarm_;
    bool alarm_set_ = false;
    std::atomic<bool> gate_{false};
    std::atomic<telling> telling_{telling::due};
    std::atomic<std::uint32_t> references_{2};
    completion* next_ = nullptr;  // in its thread's list of callbacks to run
};

}  // namespace gm::detail
