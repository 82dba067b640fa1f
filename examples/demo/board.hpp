#pragma once
// What the crew is doing at this moment, as its observer hears of it. The pool's workers write, the one who draws takes copies.

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include <gristmill/pool.hpp>

namespace demo {

struct worker_lane {
    std::string job;  // empty: idle
    gm::time_point since{};
    int done = 0;
    std::vector<unsigned char> past;  // what it did at each frame: 0 nothing, else a number that changes with the job
};

struct picture {
    std::vector<worker_lane> crew;
    std::size_t finished = 0, failed = 0, queued = 0, room = 0, jobs = 0;
    gm::time_point start{}, now{};
    std::chrono::nanoseconds work{0};  // of all jobs together
    std::size_t over() const noexcept { return finished + failed; }
};

inline double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

// Thread safety: all members but the constructor.
class board : public gm::pool_observer {
public:
    // talk: say what happens as it happens, a line each.
    board(unsigned workers, std::size_t jobs, std::size_t room, bool talk);

    void started(const gm::job_event& job) noexcept override;
    void finished(const gm::job_event& job) noexcept override;
    void failed(const gm::job_event& job) noexcept override;

    // The picture of this moment, which becomes a part of the lanes.
    picture frame(std::size_t queued);

private:
    void over(const gm::job_event& job, const char* how) noexcept;
    void say(const gm::job_event& job, const char* what) const noexcept;

    mutable std::mutex guard_;  // protects what follows
    picture now_;
    const bool talk_;
};

}  // namespace demo
