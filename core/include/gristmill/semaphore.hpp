#pragma once
// semaphore: a number of permits. Weighted: a request takes any number of them at once. Fair: requests are served in
// their order; a big one at the head is not overtaken by small ones behind it.
//
//   gm::semaphore connections(10);
//   if (gm::permit one = connections.hold()) …       // given back at the end of the scope
//   co_await connections.async_acquire(3);           // by hand: release(3)

#include <cstddef>
#include <source_location>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/detail/wait_place.hpp>

namespace gm {

namespace detail {

struct permit_place : wait_place {
    static constexpr const char* waits_as = "waits for a semaphore";
    bool attempt(std::size_t n) noexcept {
        if (n == 0) return true;
        if (n > free || !waiting.empty()) return false;
        free -= n;
        return true;
    }
    void queued() const noexcept {}
    void withdrawn(wake_list& wakes) noexcept { grant(wakes); }  // a smaller one may have stood behind it
    void give_back(std::size_t n) noexcept;
    void grant(wake_list& wakes) noexcept;
    std::size_t checked(std::ptrdiff_t n, std::source_location where) const noexcept;

    std::size_t free = 0;
    std::size_t total = 0;
};

}  // namespace detail

class semaphore;
namespace detail {
template <class Guard>
class hold_operation;
}  // namespace detail

// Permits that are held, given back by the destructor. Empty: none were had.
class [[nodiscard]] permit {
public:
    permit() noexcept = default;
    permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)), n_(std::exchange(other.n_, 0)) {}
    permit& operator=(permit&& other) noexcept {
        permit old(std::move(*this));
        from_ = std::exchange(other.from_, nullptr);
        n_ = std::exchange(other.n_, 0);
        return *this;
    }
    ~permit() { release(); }

    explicit operator bool() const noexcept { return from_ != nullptr; }
    std::size_t count() const noexcept { return n_; }

    // Gives them back now.
    void release() noexcept;
    // Keeps them taken: whoever calls this owes the semaphore a release(count()).
    void detach() noexcept { from_ = nullptr; }

private:
    friend class semaphore;
    template <class Guard>
    friend class detail::hold_operation;
    permit(detail::permit_place& from, std::size_t n) noexcept : from_(&from), n_(n) {}

    detail::permit_place* from_ = nullptr;
    std::size_t n_ = 0;
};

namespace detail {

template <class Guard>
class [[nodiscard("co_await it")]] hold_operation : public place_operation<permit_place, Guard> {
public:
    hold_operation(permit_place& place, std::size_t n, const Guard& guard, std::source_location where) noexcept
        : place_operation<permit_place, Guard>(place, n, guard, where) {}
    permit await_resume() noexcept {
        if (this->finish() != channel_status::ok) return permit();
        return permit(this->place(), this->amount());
    }
};

}  // namespace detail

// Thread safety: any member, from any thread, but the destructor. requires: when it is destroyed nobody waits.
// A request for more than the total (it would wait for ever) or for a negative number is misuse; one for 0 succeeds.
class semaphore {
public:
    // 0 or fewer permits: misuse.
    explicit semaphore(std::ptrdiff_t total, std::source_location where = std::source_location::current()) noexcept;
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    void acquire(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        static_cast<void>(detail::wait_at(place_, checked(n, where), {}, where));
    }
    [[nodiscard]] channel_status acquire(std::ptrdiff_t n, const until& limit,
                                         std::source_location where = std::source_location::current()) noexcept {
        return detail::wait_at(place_, checked(n, where), limit.limits(), where);
    }
    // False: not enough are free, or others wait for some already.
    [[nodiscard]] bool try_acquire(std::ptrdiff_t n = 1,
                                   std::source_location where = std::source_location::current()) noexcept {
        return detail::try_at(place_, checked(n, where));
    }
    auto async_acquire(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        return detail::place_wait<detail::permit_place>(place_, checked(n, where), where);
    }
    auto async_acquire(std::ptrdiff_t n, const detail::context_handle auto& ctx,
                       std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(place_, checked(n, where), detail::guarded_by(ctx), where);
    }
    auto async_acquire(std::ptrdiff_t n, const until& limit,
                       std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(place_, checked(n, where), detail::limits_guard(limit.limits()), where);
    }

    // More than were acquired: misuse. Whoever is given a permit may destroy the semaphore at once.
    void release(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept;

    // The same with a permit that gives back what it holds; an empty one where the limit came first.
    permit hold(std::ptrdiff_t n = 1, const until& limit = {},
                std::source_location where = std::source_location::current()) noexcept {
        const std::size_t amount = checked(n, where);
        if (detail::wait_at(place_, amount, limit.limits(), where) != channel_status::ok) return permit();
        return permit(place_, amount);
    }
    permit try_hold(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        const std::size_t amount = checked(n, where);
        return detail::try_at(place_, amount) ? permit(place_, amount) : permit();
    }
    auto async_hold(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept {
        return detail::hold_operation<detail::no_guard>(place_, checked(n, where), {}, where);
    }
    auto async_hold(std::ptrdiff_t n, const detail::context_handle auto& ctx,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::hold_operation<detail::context_guard>(place_, checked(n, where), detail::guarded_by(ctx), where);
    }
    auto async_hold(std::ptrdiff_t n, const until& limit,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::hold_operation<detail::limits_guard>(place_, checked(n, where),
                                                            detail::limits_guard(limit.limits()), where);
    }

    std::size_t total() const noexcept { return place_.total; }
    std::size_t available() const noexcept;  // at this moment

    detail::permit_place& place() noexcept { return place_; }

private:
    std::size_t checked(std::ptrdiff_t n, std::source_location where) const noexcept {
        return place_.checked(n, where);
    }

    mutable detail::permit_place place_;
};

}  // namespace gm
