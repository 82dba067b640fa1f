#include "board.hpp"

#include <cstdio>

namespace demo {

namespace {}  // namespace

board::board(unsigned workers, std::size_t jobs, std::size_t room, bool talk) : talk_(talk) {
    now_.crew.resize(workers);
    now_.jobs = jobs;
    now_.room = room;
    now_.start = gm::now();
}

void board::started(const gm::job_event& job) noexcept {
    const std::lock_guard hold(guard_);
    worker_lane& lane = now_.crew[static_cast<std::size_t>(job.worker)];
    lane.job = job.name;
    lane.since = gm::now();
    say(job, "starts");
}

void board::finished(const gm::job_event& job) noexcept { over(job, "has finished"); }
void board::failed(const gm::job_event& job) noexcept { over(job, "could not do"); }

void board::over(const gm::job_event& job, const char* how) noexcept {
    const std::lock_guard hold(guard_);
    worker_lane& lane = now_.crew[static_cast<std::size_t>(job.worker)];
    lane.job.clear();
    ++lane.done;
    ++(job.status == gm::job_status::ok ? now_.finished : now_.failed);
    now_.work += job.ran;
    say(job, how);
}

void board::say(const gm::job_event& job, const char* what) const noexcept {
    if (talk_)
        std::printf("%5.2f s  worker %d %s %s\n", seconds(gm::now() - now_.start), job.worker + 1, what, job.name);
}

picture board::frame(std::size_t queued) {
    const std::lock_guard hold(guard_);
    for (worker_lane& lane : now_.crew) {
        const auto number = static_cast<unsigned char>(1 + lane.done % 250);
        lane.past.push_back(lane.job.empty() ? 0 : number);
    }
    now_.queued = queued;
    now_.now = gm::now();
    return now_;
}

}  // namespace demo
