#pragma once
// wait_group: waits until a number of things are done. Threads that it starts itself are counted and joined; anything
// else is counted by hand. It can be used again once it came to zero.
//
//   gm::wait_group crew;
//   for (int id = 1; id <= 3; ++id)
//       crew.go([&] { for (int job : jobs) results.send(job * 2); });
//   crew.wait();

#include <cstddef>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/detail/joined_thread.hpp>
#include <gristmill/detail/misuse.hpp>
#include <gristmill/detail/wait_place.hpp>

namespace gm {

namespace detail {

class group_core;

// The count of a wait group, where one waits for zero.
struct count_place : wait_place {
    static constexpr const char* waits_as = "waits for a wait_group";
    bool attempt(std::size_t) const noexcept { return count == 0; }
    void queued() const noexcept {}
    void withdrawn(wake_list&) const noexcept {}
    void give_back(std::size_t) const noexcept {}

    std::ptrdiff_t count = 0;
};

}  // namespace detail

// Thread safety: any member, from any thread, but the destructor. Whoever waited may destroy the group at once, even
// while the last done() is still on its way out; of several who wait, the last that comes back.
class wait_group {
public:
    explicit wait_group(std::source_location where = std::source_location::current()) noexcept : where_(where) {}
    wait_group(const wait_group&) = delete;
    wait_group& operator=(const wait_group&) = delete;
    // Waits for the threads that go() started and joins them. What was added by hand is not waited for: whoever still
    // owes a done() must not outlive the group. On a thread of a scheduler with threads that run: misuse, since it would
    // have to block there; co_await async_wait() first.
    ~wait_group();

    // Announces n more, or takes n back if n is negative. A count below zero is misuse.
    void add(std::ptrdiff_t n = 1, std::source_location where = std::source_location::current()) noexcept;

    // One is done; the last one wakes all who wait.
    void done(std::source_location where = std::source_location::current()) noexcept { add(-1, where); }

    // Waits for zero, then joins the threads that are finished. A zero that was passed wakes those who waited then, even
    // if the count rises again before they look. (async_wait() joins nothing: the next go(), wait() or the destructor does.)
    void wait(std::source_location where = std::source_location::current()) noexcept;
    [[nodiscard]] channel_status wait(const until& limit,
                                      std::source_location where = std::source_location::current()) noexcept;

    auto async_wait(std::source_location where = std::source_location::current()) noexcept {
        return detail::place_wait<detail::count_place>(place_, 0, where);
    }
    auto async_wait(const detail::context_handle auto& ctx,
                    std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(place_, 0, detail::guarded_by(ctx), where);
    }
    auto async_wait(const until& limit, std::source_location where = std::source_location::current()) noexcept {
        return detail::limited_place_wait(place_, 0, detail::limits_guard(limit.limits()), where);
    }

    // Runs `work` on a new thread, counted as one. Its captures are gone before the count falls. An exception that leaves
    // it stops the program, as it would leave a std::thread (a task_group carries errors). Throws std::system_error, naming
    // the limits, when the system refuses a thread; then nothing was added. An empty std::function: misuse.
    template <std::invocable F>
    void go(F work, std::source_location where = std::source_location::current()) {
        if (detail::is_empty_function(work)) detail::misuse("a wait_group was given an empty function", where);
        struct body final : runnable {
            explicit body(F&& what) : run_me(std::move(what)) {}
            void run() override { static_cast<void>(std::invoke(run_me)); }
            F run_me;
        };
        start(std::make_unique<body>(std::move(work)));
    }

    std::ptrdiff_t count() const noexcept;  // at this moment

    detail::count_place& place() noexcept { return place_; }

private:
    friend class detail::group_core;  // joins its threads

    struct runnable {
        virtual ~runnable() = default;
        virtual void run() = 0;
    };
    struct crew_thread {
        detail::joined_thread thread;
        std::unique_ptr<runnable> work;
        crew_thread* next = nullptr;
        crew_thread* prev = nullptr;
        bool has_handle = false;  // a thread may be over before its maker has put the handle here
        bool over = false;
    };

    void start(std::unique_ptr<runnable> work);
    void run(crew_thread& self) noexcept;
    void retire(crew_thread& over) noexcept;
    void join_finished() noexcept;
    void join_all() noexcept;
    void count_by(std::ptrdiff_t n, crew_thread* finished, std::source_location where) noexcept;

    mutable detail::count_place place_;
    crew_thread* running_ = nullptr;   // these two, and the threads' flags: guarded by the place's lock
    crew_thread* finished_ = nullptr;  // to be joined, which takes no time
    std::source_location where_;
};

}  // namespace gm
