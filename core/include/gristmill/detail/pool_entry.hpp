#pragma once
// What waits in a pool's queues: 40 bytes that can be moved like bytes. A small closure that was posted lies in the entry
// itself: such a job touches no other memory. A larger one lies in a block. Everything else is a pool_job, by pointer.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <gristmill/detail/block_cache.hpp>

namespace gm::detail {

class pool_job;

struct entry_ops {
    void (*run)(void* room);               // and its end; may throw. Null: the room holds a pool_job*
    void (*discard)(void* room) noexcept;  // of one that is not run. Null: it can be forgotten
};

// Three words: `this` and two more. A whole cache line (six words) was tried and lost on a queue that is long: it is the
// memory that costs.
inline constexpr std::size_t entry_room = 24;
inline constexpr std::size_t block_room = 64;

// Copied like bytes by whoever moves it on; run or discarded by exactly one.
struct pool_entry {
    const entry_ops* ops = nullptr;
    std::uint64_t stamp = 0;
    alignas(8) unsigned char room[entry_room];

    bool is_job() const noexcept { return ops->run == nullptr; }
    pool_job*& job() noexcept { return *std::launder(reinterpret_cast<pool_job**>(room)); }
    void discard() noexcept {
        if (ops->discard) ops->discard(room);
    }
};

void discard_job(void* room) noexcept;  // its future has been told already
inline constexpr entry_ops job_entry_ops{nullptr, discard_job};

inline pool_entry entry_of(pool_job* job) noexcept {
    pool_entry entry;
    entry.ops = &job_entry_ops;
    ::new (entry.room) pool_job*(job);
    return entry;
}

// Moved like bytes, and nothing to destroy: it lies in the entry itself.
template <class F>
concept small_closure = sizeof(F) <= entry_room && alignof(F) <= 8 && std::is_trivially_copyable_v<F> &&
                        std::is_trivially_destructible_v<F>;

// Lies in a block of its own, which comes from its thread's stock and goes to that of whoever runs it.
template <class F>
concept blocked_closure = !small_closure<F> && sizeof(F) <= block_room && alignof(F) <= alignof(std::max_align_t);

template <class F>
struct closure_in_entry {
    static F& at(void* room) noexcept { return *std::launder(static_cast<F*>(room)); }
    static void run(void* room) { static_cast<void>(at(room)()); }
    static constexpr entry_ops ops{run, nullptr};
};

template <class F>
struct closure_in_block {
    static F* at(void* room) noexcept { return *std::launder(static_cast<F**>(room)); }
    static void discard(void* room) noexcept {
        F* const closure = at(room);
        closure->~F();
        block_cache::give(closure, sizeof(F));
    }
    static void run(void* room) {
        struct ending {
            void* room;
            ~ending() { discard(room); }
        } at_the_end{room};
        static_cast<void>((*at(room))());
    }
    static constexpr entry_ops ops{run, discard};
};

// A closure on its way into an entry. Its words travel one by one, in registers: what is stored in pieces and loaded as a
// whole makes the CPU wait longer than the rest of a post takes.
struct packed_closure {
    const entry_ops* ops;
    std::uint64_t words[entry_room / 8] = {};
};
inline void lay(pool_entry& entry, const entry_ops* ops, std::uint64_t stamp, std::uint64_t a, std::uint64_t b,
                std::uint64_t c) noexcept {
    static_assert(entry_room == 24);
    entry.ops = ops;
    entry.stamp = stamp;
    std::memcpy(entry.room, &a, 8);
    std::memcpy(entry.room + 8, &b, 8);
    std::memcpy(entry.room + 16, &c, 8);
}

template <small_closure F, class G>
packed_closure pack_closure(G&& closure) noexcept {
    packed_closure packed{&closure_in_entry<F>::ops};
    if constexpr (!std::is_empty_v<F>) std::memcpy(packed.words, std::addressof(closure), sizeof(F));
    return packed;
}

template <blocked_closure F, class G>
packed_closure pack_closure(G&& closure) {
    void* const block = block_cache::take(sizeof(F));
    try {
        F* const made = ::new (block) F(std::forward<G>(closure));
        packed_closure packed{&closure_in_block<F>::ops};
        std::memcpy(packed.words, &made, sizeof(made));
        return packed;
    } catch (...) {
        block_cache::give(block, sizeof(F));
        throw;
    }
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
    bool fits() const noexcept { return count_ != room_; }
    // The same, to be written where it lies.
    pool_entry& add_back() {
        if (count_ == room_) [[unlikely]]
            grow();
        return ring_[(head_ + count_++) & (room_ - 1)];
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
