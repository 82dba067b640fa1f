#pragma once
// virtual_time: a world in which one thing runs at a time, in an order drawn from a seed, and in which the clock jumps as
// soon as everyone is asleep. Eight hours take a millisecond, and the same seed takes the same course each time. For
// testing your own crews, and for dry runs.
//
//     gm::virtual_time day({.seed = 7, .horizon = 8h});
//     const gm::virtual_report report = day.run(office_hours(crew_of(3)));
//     if (!report) std::puts(report.text().c_str());
//
// What belongs to the world: whatever is made while it runs, by the root or by what the root starts. That is channels,
// contexts, schedulers, pools, timers, gm::now(). Coroutines run on the world's own carrier. A body that blocks has a thread
// of its own, which runs only while it holds the world's baton; our waits and sleeps pass it on. What blocks outside of
// our operations (a std::mutex, a socket, std::this_thread::sleep_for) is invisible: nothing else runs meanwhile, and no
// virtual time passes.
//
// A wake from outside (a thread that is not of the world sends to somebody inside who waits) is misuse: the program stops.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <gristmill/dry_run.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/task.hpp>

namespace gm {

struct virtual_time_options {
    std::uint64_t seed = 1;
    // The world ends here. Without a horizon a tick, say, hides every deadlock: there is always a next moment.
    std::chrono::nanoseconds horizon = std::chrono::nanoseconds::max();
    // It also ends after so many steps: a loop that never waits would otherwise run for ever. 0: no limit.
    std::uint64_t most_steps = 0;
};

enum class virtual_end : std::uint8_t {
    done,      // the root came to its end
    horizon,   // it did not before the horizon
    deadlock,  // everyone waits for someone else, and no timer is set
    steps,     // most_steps were taken
};

const char* to_string(virtual_end end) noexcept;

struct [[nodiscard]] virtual_report {
    virtual_end ended = virtual_end::done;
    std::uint64_t steps = 0;  // turns of the baton: equal for equal courses
    std::chrono::nanoseconds passed{0};
    struct waiting {
        std::string who;   // a thread's or task's name
        std::string what;  // what it waits for; objects are numbered as they appear
    };
    std::vector<waiting> waits;  // who waited when it ended
    std::size_t unfinished = 0;  // tasks destroyed before their end: those of run(task)'s own scheduler
    std::size_t abandoned = 0;   // threads that wait for ever: they and what lies on their stacks are never freed

    explicit operator bool() const noexcept { return ended == virtual_end::done; }
    std::string text() const;  // for people, a line for each who waits
};

// Thread safety: none. requires: run() is not called from inside of a virtual world.
class virtual_time {
public:
    // A negative horizon is misuse.
    explicit virtual_time(virtual_time_options options = {},
                          std::source_location where = std::source_location::current());
    virtual_time(const virtual_time&) = delete;
    virtual_time& operator=(const virtual_time&) = delete;
    ~virtual_time();

    // Runs `root` on a scheduler of the world. When it is done, or the world ends before that, the tasks that are left are
    // cancelled (their scheduler's root context), have the rest of that moment, and are destroyed. Its exception is rethrown.
    virtual_report run(task<> root);

    // Runs a body that may block, on a thread of the world. Its exception is rethrown. A callable that returns a task: the
    // task is made inside of the world and runs as above.
    template <std::invocable F>
    virtual_report run(F&& root) {
        if constexpr (std::same_as<std::invoke_result_t<F>, task<>>)
            return run_task([&]() -> task<> { return std::invoke(std::forward<F>(root)); });
        else
            return run_body([&] { static_cast<void>(std::invoke(std::forward<F>(root))); });
    }

    // What the world's bodies mark in it is the table of the last run.
    dry_run& table() noexcept { return table_; }

private:
    virtual_report run_task(const std::function<task<>()>& make);
    virtual_report run_body(const std::function<void()>& root);

    virtual_time_options options_;
    dry_run table_;
};

}  // namespace gm
