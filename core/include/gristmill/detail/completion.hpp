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
#include <utility>

#include <gristmill/detail/channel_core.hpp>
#include <gristmill/detail/context_core.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/timer.hpp>
#include <gristmill/detail/wait_guard.hpp>
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
    explicit completion(const limits& until) noexcept;
    virtual ~completion();
    friend std::default_delete<completion>;

    // Under the lock of what it waits for: its outcome is in node_ (false), or it waits (true).
    virtual bool begin(wake_list& wakes) = 0;
    virtual void leave() noexcept = 0;                         // the queue, if it is still in there
    virtual void tell(channel_status outcome) = 0;             // calls the callback
    virtual void forget(channel_status outcome) noexcept = 0;  // destroys it, and a value that came
    // The handle is gone before the callback was called, and the operation had ended. What it waited for may go after this.
    virtual void let_go() noexcept {}

    // What begin() looks at first: its outcome says so already.
    bool cancelled_before() const noexcept { return until_.context && until_.context->done(); }
    // requires: the lock. What begin() does last, when there is nothing for it yet.
    bool line_up(waiter_queue* queue) noexcept;
    // It has lined up, and what it waits for was there before. False: something else ended it meanwhile.
    bool serve_itself() noexcept { return link_.word.claim(served); }
    bool was_served() const noexcept { return link_.word.winner() == served; }

    waiter node_;

private:
    struct alarm : timer {
        wakeable node;
        completion* owner = nullptr;
    };
    static constexpr std::uint32_t served = 1, withdrawn = 2;
    enum class telling : std::uint8_t { due, begun, never };

    bool waits();  // false: over at once, outcome in node_
    void arrive() noexcept;
    void conclude() noexcept;
    void run() noexcept;
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    static void woken(wakeable& who) noexcept { static_cast<completion*>(who.target)->arrive(); }
    static void run_soon(completion& over) noexcept;

    const limits until_;
    context_link link_;
    alarm alarm_;
    bool alarm_set_ = false;
    std::atomic<bool> gate_{false};
    std::atomic<telling> telling_{telling::due};
    std::atomic<std::uint32_t> references_{2};
    completion* next_ = nullptr;  // in its thread's list of callbacks to run
};

// One that waits on a channel, which it keeps. Nil: nobody comes to it.
class channel_completion : public completion {
protected:
    channel_completion(channel_base* channel, const limits& until) noexcept : completion(until), channel_(channel) {}

    virtual waiter_queue& queue() noexcept = 0;
    virtual channel_status attempt(wake_list& wakes) = 0;  // under the channel's lock

private:
    bool begin(wake_list& wakes) final;
    void leave() noexcept final;

    channel_base* const channel_;
};

// One that waits at a place, which it does not keep: its owner may go when the callback was called or the handle is gone.
// So the handle's end takes the place away from whoever may still be on his way to it, and gives back what came unseen.
template <class Place>
class place_completion : public completion {
protected:
    place_completion(Place& place, std::size_t n, const limits& until) noexcept
        : completion(until), place_(&place), n_(n) {
        node_.slot = &n_;
    }

private:
    bool begin(wake_list&) final {
        lock_guard hold(place_->guard);
        if (cancelled_before()) return false;
        if (place_->attempt(n_)) {
            node_.outcome = channel_status::ok;
            return false;
        }
        const bool waits = line_up(&place_->waiting);
        if (node_.linked) place_->queued();
        return waits;
    }
    void leave() noexcept final {
        wake_list wakes;
        {
            lock_guard use(place_in_use_);
            if (place_) withdraw(*place_, wakes);
        }
        wakes.wake();
    }
    void let_go() noexcept final {
        Place* place;
        {
            lock_guard use(place_in_use_);
            place = std::exchange(place_, nullptr);
        }
        wake_list wakes;
        withdraw(*place, wakes);  // at least past its lock, which who has just served us may still hold
        wakes.wake();
        if (was_served()) place->give_back(n_);
    }
    void withdraw(Place& place, wake_list& wakes) noexcept {
        lock_guard hold(place.guard);
        if (!node_.linked) return;
        place.waiting.remove(node_);
        place.withdrawn(wakes);
    }

    lock place_in_use_;  // taken before the place's own
    Place* place_;
    std::size_t n_;
};

}  // namespace gm::detail
