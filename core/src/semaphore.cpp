#include <gristmill/semaphore.hpp>

#include <gristmill/detail/misuse.hpp>

namespace gm {

namespace detail {

// requires: the lock is held. In order: the first that does not fit holds up those behind it.
void permit_place::grant(wake_list& wakes) noexcept {
    while (waiter* const first = waiting.front()) {
        const std::size_t n = *static_cast<const std::size_t*>(first->slot);
        if (n > free) return;
        waiting.remove(*first);
        if (!try_claim(*first)) continue;  // its limit came first
        free -= n;
        first->outcome = channel_status::ok;
        wakes.commit(*first);
    }
}

void permit_place::give_back(std::size_t n) noexcept {
    wake_list wakes;
    {
        lock_guard hold(guard);
        free += n;
        grant(wakes);
    }
    wakes.wake();
}

std::size_t permit_place::checked(std::ptrdiff_t n, std::source_location where) const noexcept {
    if (n < 0) misuse("a semaphore was asked for a negative number of permits", where);
    if (static_cast<std::size_t>(n) > total)
        misuse("a semaphore was asked for more permits than it has: it would wait for ever", where);
    return static_cast<std::size_t>(n);
}

}  // namespace detail

void permit::release() noexcept {
    if (detail::permit_place* const from = std::exchange(from_, nullptr)) from->give_back(std::exchange(n_, 0));
}

semaphore::semaphore(std::ptrdiff_t total, std::source_location where) noexcept {
    if (total <= 0) detail::misuse("a semaphore needs at least one permit", where);
    place_.free = place_.total = static_cast<std::size_t>(total);
}

void semaphore::release(std::ptrdiff_t n, std::source_location where) noexcept {
    const std::size_t amount = checked(n, where);
    detail::wake_list wakes;
    {
        detail::lock_guard hold(place_.guard);
        if (amount > place_.total - place_.free)
            detail::misuse("more permits were released than a semaphore had given", where);
        place_.free += amount;
        place_.grant(wakes);
    }
    wakes.wake();
}

std::size_t semaphore::available() const noexcept {
    detail::lock_guard hold(place_.guard);
    return place_.free;
}

}  // namespace gm
