#pragma once
// One operation that waits: a node in a channel's queue. The same node serves a thread, a coroutine of ours, a
// foreign coroutine and a case of a select; they differ in how they are woken and in who may claim them.
//
// Claiming. A waiter without a claim word belongs to whoever unlinks it under the lock of the thing it waits on. One
// with a claim word can be fired by several parties (two channels of a select, a deadline, a context): the first to
// change the word from `waiting` wins, the others skip it.
//
// Waking has two steps, for the sake of destruction. commit() runs under the lock that protected the waiter: from
// then on the operation counts as done, and its coroutine is either queued already or its scheduler is pinned.
// wake() runs after the lock was released. A coroutine that is destroyed takes the lock, sees whether it was
// claimed, and waits until no pin is left.

#include <cstddef>
#include <cstdint>
#include <utility>

#include <gristmill/detail/atomic.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/worker.hpp>

namespace gm {

// How an operation on a channel ended.
enum class channel_status : std::uint8_t {
    ok,
    closed,       // and, for a receive, empty
    would_block,  // try_… only
    timed_out,
    cancelled,  // the context was done
};

const char* to_string(channel_status status) noexcept;

}  // namespace gm

namespace gm::detail {

// The word that decides who fires an operation with several possible endings.
class claim_word {
public:
    static constexpr std::uint32_t waiting = 0, idle = ~0u, cancelled = ~1u, timed_out = ~2u;

    // Called by the owner before the first waiter that carries this word is linked.
    void arm() noexcept { word_.store(waiting, std::memory_order_seq_cst); }
    bool claim(std::uint32_t winner) noexcept {
        std::uint32_t expected = waiting;
        // Even a failure is ordered: between arm() and the look at a context, either that look or this claim sees the other.
        return word_.compare_exchange_strong(expected, winner, std::memory_order_seq_cst, std::memory_order_seq_cst);
    }
    std::uint32_t winner() const noexcept { return word_.load(std::memory_order_acquire); }
    void disarm() noexcept { word_.store(idle, std::memory_order_relaxed); }

private:
    atomic<std::uint32_t> word_{idle};
};

// What a waiter writes that stands alone under its word: what it waits for has come.
inline constexpr std::uint32_t channel_won = 1;

// A select's word. A case whose handler wants a value retires when its channel is closed; the last to retire fires.
struct select_word : claim_word {
    atomic<std::uint32_t> live{0};  // cases that have not retired
};

// What can be woken: a thread, a task, somebody else's coroutine, a callback.
struct wakeable {
    wakeable* next = nullptr;  // in the queue it waits in; once it is claimed, in a wake_list
    wakeable* prev = nullptr;
    void (*wake)(wakeable&) noexcept = nullptr;  // null: target is a task of ours
    void* target = nullptr;
    bool linked = false;
};

struct waiter : wakeable {
    channel_status outcome = channel_status::ok;
    bool retires = false;         // claim is a select_word: a close takes this case out instead of firing it
    bool suspended = false;       // for the operation it belongs to: its coroutine has given control away
    std::uint32_t id = 0;         // what the claimer writes into the word
    void* slot = nullptr;         // a receiver's raw storage, or a sender's value to be moved from
    claim_word* claim = nullptr;  // null: unlinking is the claim
};

inline bool try_claim(waiter& who) noexcept { return !who.claim || who.claim->claim(who.id); }

// For a close: a case that retires is claimed only if it was the last one.
inline bool try_claim_by_close(waiter& who) noexcept {
    if (who.retires && static_cast<select_word*>(who.claim)->live.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return false;
    return try_claim(who);
}

// First in first out, with removal from the middle. Guarded by the lock of whatever it belongs to.
class wakeable_queue {
public:
    bool empty() const noexcept { return head_ == nullptr; }

    void push(wakeable& node) noexcept {
        node.next = nullptr;
        node.prev = tail_;
        node.linked = true;
        (tail_ ? tail_->next : head_) = &node;
        tail_ = &node;
    }

    void remove(wakeable& node) noexcept {
        (node.prev ? node.prev->next : head_) = node.next;
        (node.next ? node.next->prev : tail_) = node.prev;
        node.linked = false;
    }

    wakeable* pop() noexcept {
        wakeable* const first = head_;
        if (first) {
            remove(*first);
            if (head_) __builtin_prefetch(head_->next);  // thousands may wait, each in a cold frame of its own
        }
        return first;
    }

protected:
    wakeable* head_ = nullptr;
    wakeable* tail_ = nullptr;
};

// A channel's receivers, or its senders.
class waiter_queue : private wakeable_queue {
public:
    using wakeable_queue::empty;
    waiter* front() const noexcept { return static_cast<waiter*>(head_); }  // whether it can still be claimed or not
    void push(waiter& node) noexcept { wakeable_queue::push(node); }
    void remove(waiter& node) noexcept { wakeable_queue::remove(node); }

    // The first that can still be claimed, claimed and unlinked; those that somebody else fired are dropped.
    waiter* pop_claimed() noexcept {
        while (waiter* const first = front()) {
            remove(*first);
            if (try_claim(*first)) return first;
        }
        return nullptr;
    }

    // The next one that a close has to wake.
    waiter* pop_closed() noexcept {
        while (wakeable* const first = pop())
            if (try_claim_by_close(static_cast<waiter&>(*first))) return static_cast<waiter*>(first);
        return nullptr;
    }
};

// What was claimed under a lock and is woken after it.
class wake_list {
public:
    wake_list() noexcept = default;
    wake_list(const wake_list&) = delete;
    wake_list& operator=(const wake_list&) = delete;

    // Under the lock.
    void commit(wakeable& claimed) noexcept {
        if (!claimed.wake && commit_task(*static_cast<task_header*>(claimed.target))) return;
        claimed.next = nullptr;
        *end_ = &claimed;
        end_ = &claimed.next;
    }

    // After the lock. A waiter may be gone as soon as it was woken.
    void wake() noexcept {
        if (first_) wake_all(std::exchange(first_, nullptr));
    }

private:
    static void wake_all(wakeable* first) noexcept;

    wakeable* first_ = nullptr;
    wakeable** end_ = &first_;
};

inline void wake_thread(wakeable& who) noexcept { static_cast<parker*>(who.target)->unpark(); }

}  // namespace gm::detail
