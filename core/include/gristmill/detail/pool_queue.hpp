#pragma once
// The two queues of a pool. pool_queue is the crew's: eight rings, guarded by the pool's lock. local_queue is a worker's
// own: what it took ahead and what its jobs posted; thieves may enter.
//
// The bound on overtaking. Each job has a key, its time of entry − level × step, and the smallest key leaves first. A
// level is a ring in order of entry, so its head has its smallest key, and comparing eight heads finds the smallest of all.
// Let A enter at time a with level l, and B at b with level m > l. B leaves before A only if b − m·step < a − l·step, that is
// b < a + (m − l)·step: B came within (m − l) × step of A. Everybody who comes later stands behind A, so A waits for those
// who were there, for those who came within 7 × step at most, and for nobody else. Jobs of one level never overtake.

#include <algorithm>
#include <bit>
#include <cstdint>

#include <gristmill/detail/atomic.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/pool_entry.hpp>

namespace gm::detail {

class pool_queue {
public:
    static constexpr int levels = 8;

    explicit pool_queue(std::uint64_t step) noexcept : step_(step) {}

    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }  // without the lock: a hint
    // Only then do keys matter.
    bool several_levels() const noexcept { return (used_ & (used_ - 1)) != 0; }

    void push(int level, const pool_entry& entry) {
        rings_[level].push_back(entry);
        used_ |= 1u << level;
        set_size(size() + 1);
    }

    bool fits(int level) const noexcept { return rings_[level].fits(); }  // without an allocation
    pool_entry& add(int level) {
        pool_entry& added = rings_[level].add_back();
        used_ |= 1u << level;
        set_size(size() + 1);
        return added;
    }

    // An entry that keeps its time while it changes its level: in its place among the ring's.
    void insert(int level, const pool_entry& entry) {
        entry_ring& ring = rings_[level];
        std::size_t at = ring.size();
        while (at != 0 && ring[at - 1].stamp > entry.stamp) --at;
        ring.insert(at, entry);
        used_ |= 1u << level;
        set_size(size() + 1);
    }

    // requires: not empty, as the next three.
    pool_entry pop() noexcept { return pop_from(first_level()); }
    pool_entry& first() noexcept { return rings_[first_level()].front(); }
    pool_entry pop_oldest_of_lowest() noexcept { return pop_from(std::countr_zero(used_)); }

    // Takes out what `gone` says yes to; it is asked once for each entry.
    template <class Gone>
    void remove_if(Gone gone) noexcept {
        for (int level = 0; level != levels; ++level) {
            entry_ring& ring = rings_[level];
            const std::size_t before = ring.size();
            for (std::size_t i = 0; i != before; ++i) {
                const pool_entry entry = ring.front();
                ring.pop_front();
                if (gone(entry))
                    set_size(size() - 1);
                else
                    ring.push_back(entry);  // there is room: one has just left
            }
            if (ring.empty()) used_ &= ~(1u << level);
        }
    }

private:
    void set_size(std::size_t n) noexcept { size_.store(n, std::memory_order_relaxed); }

    int first_level() noexcept {
        if (!several_levels()) [[likely]]
            return std::countr_zero(used_);
        int best = -1;
        std::int64_t best_key = 0;
        for (std::uint32_t rest = used_; rest != 0; rest &= rest - 1) {
            const int level = std::countr_zero(rest);
            const std::int64_t key =
                static_cast<std::int64_t>(rings_[level].front().stamp) - static_cast<std::int64_t>(step_) * level;
            if (best < 0 || key <= best_key) best = level, best_key = key;
        }
        return best;
    }
    pool_entry pop_from(int level) noexcept {
        entry_ring& ring = rings_[level];
        const pool_entry entry = ring.front();
        ring.pop_front();
        if (ring.empty()) used_ &= ~(1u << level);
        set_size(size() - 1);
        return entry;
    }

    entry_ring rings_[levels];
    std::uint32_t used_ = 0;  // a bit for each level that has an entry
    atomic<std::size_t> size_{0};
    const std::uint64_t step_;
};

// The owner works at the back: what its jobs post, it runs last in first out, while the data is warm, but every sixteenth job is
// the oldest, so that none stays for ever. A batch from the crew's queue is laid in reversed, and so leaves in its order.
class local_queue {
public:
    static constexpr std::uint32_t room = 256;

    bool push(const pool_entry& entry) noexcept {
        guard_.owner_acquire();
        const bool fits = count_ != room;
        if (fits) {
            ring_[(head_ + count_) % room] = entry;
            set_count(count_ + 1);
        }
        guard_.owner_release();
        return fits;
    }

    bool pop(pool_entry& to) noexcept {
        if (size_.load(std::memory_order_relaxed) == 0) return false;
        guard_.owner_acquire();
        const bool some = count_ != 0;
        if (some) {
            if (--until_oldest_ == 0) [[unlikely]] {
                until_oldest_ = 16;
                to = ring_[head_];
                head_ = (head_ + 1) % room;
            } else {
                to = ring_[(head_ + count_ - 1) % room];
            }
            set_count(count_ - 1);
            pops_.store(pops_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        guard_.owner_release();
        return some;
    }

    // The same for a batch of n that `next` gives in its order: the first of them leaves first.
    template <class Next>
    void put_batch(std::uint32_t n, Next next) noexcept {
        guard_.owner_acquire();
        const std::uint32_t top = head_ + count_ + n;
        for (std::uint32_t i = 1; i <= n; ++i) ring_[(top - i) % room] = next();
        until_oldest_ = 16 + n;
        set_count(count_ + n);
        guard_.owner_release();
    }

    // The owner's, when it is empty: the last of them leaves last.
    void put_reversed(const pool_entry* entries, std::uint32_t n) noexcept {
        guard_.owner_acquire();
        for (std::uint32_t i = n; i-- != 0;) {
            ring_[(head_ + count_) % room] = entries[i];
            ++count_;
        }
        until_oldest_ = 16 + n;  // a batch leaves in its order
        set_count(count_);
        guard_.owner_release();
    }

    // A guest's: up to `most` of the oldest, half of what there is unless `all`.
    std::uint32_t steal(pool_entry* to, std::uint32_t most, bool all) noexcept {
        guard_.guest_acquire();
        const std::uint32_t n = std::min(most, all ? count_ : (count_ + 1) / 2);
        for (std::uint32_t i = 0; i != n; ++i) {
            to[i] = ring_[head_];
            head_ = (head_ + 1) % room;
        }
        set_count(count_ - n);
        guard_.guest_release();
        return n;
    }

    // Hints, for guests.
    std::uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
    std::uint32_t pops() const noexcept { return pops_.load(std::memory_order_relaxed); }

private:
    void set_count(std::uint32_t n) noexcept {
        count_ = n;
        size_.store(n, std::memory_order_relaxed);
    }

    biased_lock guard_;
    std::uint32_t head_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t until_oldest_ = 16;
    atomic<std::uint32_t> size_{0};
    atomic<std::uint32_t> pops_{0};
    pool_entry ring_[room];
};

}  // namespace gm::detail
