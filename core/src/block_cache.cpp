#include <gristmill/detail/block_cache.hpp>

#include <utility>

#include <gristmill/detail/lock.hpp>

namespace gm::detail {

constinit thread_local block_cache::two_stacks block_cache::here_[largest / step] = {};

namespace {
constinit thread_local bool thread_ends = false;
}

// Full stacks of one size. Never destroyed: threads may end while statics are.
class block_cache::depot {
public:
    static depot& of(std::size_t size) noexcept {
        alignas(depot) static unsigned char room[largest / step][sizeof(depot)];
        static const bool made = [] {
            for (auto& each : room) ::new (each) depot;
            return true;
        }();
        static_cast<void>(made);
        return *std::launder(reinterpret_cast<depot*>(room[index(size)]));
    }

    // False: there are enough.
    bool put(block* top) noexcept {
        lock_guard hold(guard_);
        if (kept_ == stacks_kept) return false;
        top->next_stack = first_;
        first_ = top;
        ++kept_;
        return true;
    }

    block* get() noexcept {
        lock_guard hold(guard_);
        block* const top = first_;
        if (!top) return nullptr;
        first_ = top->next_stack;
        --kept_;
        return top;
    }

private:
    lock guard_;
    block* first_ = nullptr;
    std::size_t kept_ = 0;
};

struct block_cache::goes_with_the_thread {
    goes_with_the_thread() noexcept = default;
    goes_with_the_thread(const goes_with_the_thread&) = delete;
    goes_with_the_thread& operator=(const goes_with_the_thread&) = delete;
    ~goes_with_the_thread() {
        thread_ends = true;  // what is freed from here on, by other destructors, is not kept
        for (two_stacks& each : here_)
            for (stack* const which : {&each.open, &each.full})
                while (which->count != 0) ::operator delete(which->pop());
    }
};

// False: this thread is about to be gone, and keeps nothing any more.
bool block_cache::may_keep() noexcept {
    static thread_local goes_with_the_thread keeper;  // made by the first who asks
    return !thread_ends;
}

void* block_cache::take_slowly(std::size_t size) {
    two_stacks& mine = here_[index(size)];
    if (mine.full.count != 0) {
        std::swap(mine.open, mine.full);
        return mine.open.pop();
    }
    if (may_keep())
        if (block* const top = depot::of(size).get()) {
            mine.open = {top, of_a_stack};
            return mine.open.pop();
        }
    return ::operator new((index(size) + 1) * step);
}

void block_cache::give_slowly(block* what, std::size_t size) noexcept {
    if (!may_keep()) return ::operator delete(what);
    two_stacks& mine = here_[index(size)];
    if (mine.open.count == of_a_stack) {
        if (mine.full.count != 0 && !depot::of(size).put(mine.full.top))
            while (mine.full.count != 0) ::operator delete(mine.full.pop());
        mine.full = std::exchange(mine.open, {});
    }
    mine.open.push(what);
}

}  // namespace gm::detail
