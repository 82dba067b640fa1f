#pragma once
// Memory for what one thread makes and another frees, as a pool's jobs are: an allocator pays some 200 ns when memory is freed
// on another core than it came from. A thread keeps what it frees in two stacks of 32 blocks for each size; full stacks and
// empty-handed threads meet at a depot, so its lock is taken once in 32 blocks.
//
// Bounded: a thread keeps 64 blocks of a size at most, the depot 64 stacks; what is beyond goes back to the allocator, and so
// does all that a thread keeps when it ends.

#include <cstddef>
#include <new>

#include <gristmill/detail/frame_cache.hpp>

namespace gm::detail {

// Explored schedules must not depend on what earlier ones left behind.
#if defined(GRISTMILL_SCHEDULE_POINTS)
inline constexpr bool keep_blocks = false;
#else
inline constexpr bool keep_blocks = GRISTMILL_KEEP_FRAMES;
#endif

class block_cache {
public:
    static constexpr std::size_t largest = 512;

    static void* take(std::size_t size) {
        if (size > largest || !keep_blocks) return ::operator new(size);
        stack& mine = here_[index(size)].open;
        if (mine.count == 0) [[unlikely]]
            return take_slowly(size);
        return mine.pop();
    }

    // requires: `size` is what was asked for.
    static void give(void* what, std::size_t size) noexcept {
        if (size > largest || !keep_blocks) return ::operator delete(what);
        stack& mine = here_[index(size)].open;
        if (mine.count == 0 || mine.count == of_a_stack) [[unlikely]]
            return give_slowly(static_cast<block*>(what), size);
        mine.push(static_cast<block*>(what));
    }

private:
    static constexpr std::size_t step = 64, of_a_stack = 32, stacks_kept = 64;
    static constexpr std::size_t index(std::size_t size) noexcept { return (size - 1) / step; }

    struct block {
        block* below;
        block* next_stack;  // of a stack's top, in the depot
    };
    struct stack {
        block* top = nullptr;
        std::size_t count = 0;
        void push(block* one) noexcept {
            one->below = top;
            top = one;
            ++count;
        }
        block* pop() noexcept {
            block* const one = top;
            top = one->below;
            --count;
            return one;
        }
    };
    struct two_stacks {
        stack open, full;  // `full` holds 32 or none
    };
    class depot;
    struct goes_with_the_thread;

    static bool may_keep() noexcept;
    static void* take_slowly(std::size_t size);
    static void give_slowly(block* what, std::size_t size) noexcept;

    static constinit thread_local two_stacks here_[largest / step];
};

}  // namespace gm::detail
