#pragma once
// The seam under virtual time. A thread that runs in a virtual world has current_engine set; whatever in the
// library parks, reads the clock, starts a thread or makes a coroutine ready asks it first. In the real world it is
// null, and the test for that is all that virtual time costs.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>

namespace gm {
using clock = std::chrono::steady_clock;  // the type; read it with gm::now(), which knows virtual time
using time_point = clock::time_point;
}  // namespace gm

namespace gm::detail {

class parker;
class scheduler_core;
class timer;
struct task_header;

// One virtual world. Exactly one of its threads runs at a time (it holds the baton), so none of this is locked
// against the others; calls from a thread outside of the world are misuse and stop the program.
class engine {
public:
    virtual time_point now() noexcept = 0;

    // The calling thread gives the baton away until unpark(), or until `deadline` (null: none); false: it came first.
    virtual bool park(parker& self, const time_point* deadline) noexcept = 0;
    virtual void unpark(parker& sleeper) noexcept = 0;

    // Whether it is the engine that runs ready coroutines. If not, a scheduler of this world has workers of its own, each a
    // thread of the world: ready() and stop() are not called then.
    virtual bool runs_coroutines() const noexcept = 0;

    // In place of the counter in os.hpp, for whoever measures how long something takes.
    virtual std::uint64_t ticks() noexcept = 0;

    // A coroutine of a scheduler in this world may run.
    virtual void ready(task_header& task) noexcept = 0;

    // Before a scheduler's tasks are destroyed: none of them runs any more, and none is ready.
    virtual void stop(scheduler_core& home) noexcept = 0;

    // For the report of a deadlock: `task` (null: the calling thread) is about to wait; with no `what`, it need not after all.
    virtual void waits(task_header* task, const char* what, const void* on, std::source_location where) noexcept = 0;

    virtual void add_timer(timer& entry, time_point due) noexcept = 0;
    virtual void remove_timer(timer& entry) noexcept = 0;

    // A thread of this world; it waits for the baton before its first step. The handle joins on destruction,
    // passing the baton on while it waits.
    struct thread_handle {
        virtual ~thread_handle() = default;
    };
    virtual std::unique_ptr<thread_handle> start_thread(std::string name, std::function<void()> body) = 0;

    // What a select among several ready cases draws from: a world replays exactly, its dice included.
    virtual std::uint64_t random() noexcept {
        dice_ ^= dice_ << 13;
        dice_ ^= dice_ >> 7;
        return dice_ ^= dice_ << 17;
    }

    // A place where another thread could have come first: the engine may pass the baton on.
    virtual void point() noexcept = 0;

    // A turn of a loop that waits for another thread: the others go first.
    virtual void yield() noexcept = 0;

    // A lock's sleepers, as in os.hpp.
    virtual void wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected) noexcept = 0;
    virtual void wake_one(const std::atomic<std::uint32_t>& word) noexcept = 0;

protected:
    ~engine() = default;
    std::uint64_t dice_ = 0x9e3779b97f4a7c15;  // never 0
};

extern constinit thread_local engine* current_engine;

inline void schedule_point() noexcept {
#if defined(GRISTMILL_SCHEDULE_POINTS)
    if (current_engine) current_engine->point();
#endif
}

}  // namespace gm::detail

namespace gm {
inline time_point now() noexcept { return detail::current_engine ? detail::current_engine->now() : clock::now(); }
}  // namespace gm
