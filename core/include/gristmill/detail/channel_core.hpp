#pragma once
// The channel itself: one lock, a ring, two queues of waiters. Invariants, under the lock:
//   - receivers wait only while the ring is empty and no sender waits; senders wait only while the ring is full;
//   - closed: nobody waits; the ring is drained by later receives.
// A receiver that waits is handed the value directly: it never passes through the ring, so a rendezvous
// (capacity 0) is the same code with an empty ring.

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/detail/channel_lock.hpp>
#include <gristmill/detail/context_core.hpp>
#include <gristmill/detail/waiter.hpp>

namespace gm::detail {

class thread_wait;

// What moves under the lock must not throw: a T whose move can is boxed by its sender before.
template <class T>
using stored = std::conditional_t<std::is_nothrow_move_constructible_v<T>, T, std::unique_ptr<T>>;
template <class T>
inline constexpr bool is_boxed = !std::is_nothrow_move_constructible_v<T>;

// A counter that is changed under a lock and may be read without it, as a hint.
class published_count {
public:
    operator std::uint32_t() const noexcept { return value_.load(std::memory_order_relaxed); }
    void operator++() noexcept { value_.store(*this + 1, std::memory_order_relaxed); }
    void operator--() noexcept { value_.store(*this - 1, std::memory_order_relaxed); }

private:
    std::atomic<std::uint32_t> value_{0};
};

class channel_base {
public:
    static constexpr std::size_t unbounded = std::numeric_limits<std::uint32_t>::max();

    explicit channel_base(std::uint32_t capacity) noexcept : capacity_(capacity) {}
    channel_base(const channel_base&) = delete;
    channel_base& operator=(const channel_base&) = delete;

    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t size() noexcept {
        channel_guard hold(guard);
        return count_;
    }
    bool closed() noexcept {
        channel_guard hold(guard);
        return closed_;
    }
    bool close() noexcept;

    // The calling thread lines up in `queue`, with `slot`, and sleeps until it is fired or `until` ends the wait.
    // requires: the lock is held and nothing is ready; it is released. `until` has no context.
    channel_status wait_here(void* slot, waiter_queue& queue, const limits& until, std::source_location where,
                             channel_lock::entry held) noexcept;
    // The same for one that has entered its context, has its slot and is armed.
    channel_status wait_as(thread_wait& self, waiter_queue& queue, const limits& until, std::source_location where,
                           channel_lock::entry held) noexcept;

    // Whether a thread does well to linger before it lines up: not at a rendezvous, where it has to be in the queue to be
    // met, and only if the other thread can run meanwhile. Explored schedules linger always.
    bool worth_lingering() const noexcept {
#if defined(GRISTMILL_SCHEDULE_POINTS)
        return capacity_ != 0;
#else
        return capacity_ != 0 && several_cpus && !current_engine;
#endif
    }
    // Spins up to 2 us until an operation that waits in `queue` looks possible. It promises nothing: look again, under the
    // lock, and only then line up.
    void linger_for(const waiter_queue& queue) const noexcept;

    // Takes `who` out of `queue` if it is still there. True: it was, nobody had fired it.
    bool withdraw(waiter& who, waiter_queue& queue) noexcept {
        channel_guard hold(guard);
        if (who.linked) {
            queue.remove(who);
            return true;
        }
        return false;
    }

    channel_lock guard;  // protects everything but the reference count and the companion

    // What lives as long as the channel and goes with its last handle: the timer behind after() and tick().
    struct companion {
        virtual ~companion() = default;
    };
    std::unique_ptr<companion> attached;

protected:
    static const bool several_cpus;

    ~channel_base() = default;

    std::uint32_t head_ = 0;  // of the ring
    published_count count_;   // values in the ring
    std::uint32_t room_ = 0;  // slots in the ring
    const std::uint32_t capacity_;

public:
    waiter_queue receivers;
    waiter_queue senders;

protected:
    bool closed_ = false;
    atomic<std::uint32_t> references_{1};
};

template <class T>
class channel_core final : public channel_base {
public:
    using value = stored<T>;

    explicit channel_core(std::uint32_t capacity) : channel_base(capacity) {
        if (capacity != 0 && capacity != unbounded) {
            ring_ = std::allocator<value>().allocate(capacity);
            room_ = capacity;
        }
    }

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    // False: its last handle is gone already.
    bool try_retain() noexcept {
        std::uint32_t seen = references_.load(std::memory_order_relaxed);
        while (seen != 0)
            if (references_.compare_exchange_strong(seen, seen + 1, std::memory_order_acquire,
                                                    std::memory_order_relaxed))
                return true;
        return false;
    }
    void release() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    // The next two: requires the lock; would_block changes nothing. A push onto an unbounded channel may throw
    // std::bad_alloc, with `from` intact.
    channel_status try_send(value& from, wake_list& wakes) {
        if (closed_) [[unlikely]]
            return channel_status::closed;
        if (waiter* const receiver = receivers.pop_claimed()) {
            std::construct_at(static_cast<value*>(receiver->slot), std::move(from));
            receiver->outcome = channel_status::ok;
            wakes.commit(*receiver);
            return channel_status::ok;
        }
        if (count_ == room_) {
            if (capacity_ != unbounded) return channel_status::would_block;
            grow();
        }
        push(from);
        return channel_status::ok;
    }

    channel_status try_receive(value* to, wake_list& wakes) noexcept {
        if (count_ != 0) {
            value* const first = ring_ + head_;
            std::construct_at(to, std::move(*first));
            std::destroy_at(first);
            if (++head_ == room_) head_ = 0;
            --count_;
            if (waiter* const sender = senders.pop_claimed()) {
                push(*static_cast<value*>(sender->slot));
                sender->outcome = channel_status::ok;
                wakes.commit(*sender);
            }
            return channel_status::ok;
        }
        if (waiter* const sender = senders.pop_claimed()) {
            std::construct_at(to, std::move(*static_cast<value*>(sender->slot)));
            sender->outcome = channel_status::ok;
            wakes.commit(*sender);
            return channel_status::ok;
        }
        return closed_ ? channel_status::closed : channel_status::would_block;
    }

private:
    ~channel_core() {
        for (; count_ != 0; --count_) {
            std::destroy_at(ring_ + head_);
            if (++head_ == room_) head_ = 0;
        }
        if (ring_) std::allocator<value>().deallocate(ring_, room_);
    }

    void push(value& from) noexcept {
        std::size_t tail = std::size_t{head_} + count_;
        if (tail >= room_) tail -= room_;
        std::construct_at(ring_ + tail, std::move(from));
        ++count_;
    }

    void grow() {
        if (room_ > unbounded / 2) throw std::bad_alloc();
        const std::uint32_t room = room_ == 0 ? 16 : room_ * 2;
        value* const ring = std::allocator<value>().allocate(room);
        for (std::uint32_t i = 0; i != count_; ++i) {
            value* const from = ring_ + (std::size_t{head_} + i) % room_;
            std::construct_at(ring + i, std::move(*from));
            std::destroy_at(from);
        }
        if (ring_) std::allocator<value>().deallocate(ring_, room_);
        ring_ = ring;
        room_ = room;
        head_ = 0;
    }

    value* ring_ = nullptr;
};

}  // namespace gm::detail
