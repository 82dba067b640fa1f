#pragma once
// What waits in a pool's queues: 40 bytes that can be moved like bytes. A small closure that was posted lies in the entry
// itself: such a job touches no other memory. Everything else is a pool_job, by pointer.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace gm::detail {

class pool_job;

struct entry_ops {
    bool (*run)(void* room) noexcept;  // false: it threw. Null: the room holds a pool_job*
};

// Three words: `this` and two more. A whole cache line (six words) was tried and lost on a queue that is long: it is the
// memory that costs.
inline constexpr std::size_t entry_room = 24;

struct pool_entry {
    const entry_ops* ops = nullptr;
    std::uint64_t stamp = 0;
    alignas(8) unsigned char room[entry_room];

    bool is_job() const noexcept { return ops->run == nullptr; }
    pool_job*& job() noexcept { return *std::launder(reinterpret_cast<pool_job**>(room)); }
};

inline constexpr entry_ops job_entry_ops{nullptr};

inline pool_entry entry_of(pool_job* job) noexcept {
    pool_entry entry;
    entry.ops = &job_entry_ops;
    ::new (entry.room) pool_job*(job);
    return entry;
}

// Moved like bytes, and nothing to destroy: it can be given up by forgetting it.
template <class F>
concept small_closure = sizeof(F) <= entry_room && alignof(F) <= 8 && std::is_trivially_copyable_v<F> &&
                        std::is_trivially_destructible_v<F>;

template <small_closure F>
inline constexpr entry_ops closure_ops{[](void* room) noexcept {
    try {
        (*std::launder(static_cast<F*>(room)))();
        return true;
    } catch (...) {
        return false;
    }
}};

template <small_closure F>
pool_entry entry_of_closure(const F& f) noexcept {
    pool_entry entry;
    entry.ops = &closure_ops<F>;
    ::new (entry.room) F(f);
    return entry;
}

// A ring of entries that grows. Not locked.
class entry_ring {
public:
    bool empty() const noexcept { return count_ == 0; }
    std::size_t size() const noexcept { return count_; }
    pool_entry& front() noexcept { return ring_[head_]; }
    pool_entry& operator[](std::size_t i) noexcept { return ring_[(head_ + i) & (room_ - 1)]; }

    // May throw std::bad_alloc; then nothing changed.
    void push_back(const pool_entry& entry) {
        if (count_ == room_) [[unlikely]]
            grow();
        ring_[(head_ + count_++) & (room_ - 1)] = entry;
    }
    void pop_front() noexcept {
        head_ = (head_ + 1) & (room_ - 1);
        --count_;
    }
    void erase(std::size_t at) noexcept {
        for (std::size_t i = at; i + 1 < count_; ++i) (*this)[i] = (*this)[i + 1];
        --count_;
    }
    void insert(std::size_t at, const pool_entry& entry) {
        push_back(entry);
        for (std::size_t i = count_ - 1; i > at; --i) (*this)[i] = (*this)[i - 1];
        (*this)[at] = entry;
    }

private:
    void grow() {
        const std::size_t room = room_ == 0 ? 32 : room_ * 2;
        auto ring = std::make_unique_for_overwrite<pool_entry[]>(room);
        for (std::size_t i = 0; i != count_; ++i) ring[i] = (*this)[i];
        ring_ = std::move(ring);
        room_ = room;
        head_ = 0;
    }

    std::unique_ptr<pool_entry[]> ring_;
    std::size_t room_ = 0;  // a power of two
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

}  // namespace gm::detail
