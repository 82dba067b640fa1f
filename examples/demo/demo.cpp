// The demo: a crew of three resizes a folder of images (simulated: each takes as long as it has pixels), with a line for each
// worker that shows what it does and for how long. Then the seed's dry run, on virtual time, and what the crew was worth.
// Ctrl-C ends it as it should: what runs is finished, what waits is given back.

#include <chrono>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/context.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

#include "../support/five_jobs.hpp"
#include "board.hpp"
#include "screen.hpp"

using namespace std::chrono_literals;

namespace {

struct image {
    std::string name;
    std::chrono::milliseconds effort;  // 0: not an image
};

std::vector<image> folder() {
    static constexpr const char* places[] = {"lake", "harbour", "mill", "market", "forest", "bridge"};
    std::vector<image> all;
    for (int n = 0; n != 36; ++n) {
        const int pixels = (n * 7 + n / 5 * 3) % 11;  // some order that looks like none
        all.push_back({std::string(places[n % 6]) + "-" + std::to_string(n + 1) + ".jpg", 120ms + pixels * 40ms});
    }
    all[10] = {"notes.txt", 0ms};
    all[23] = {"thumbs.db", 0ms};
    return all;
}

void resize(const image& each) {
    gm::sleep(each.effort.count() == 0 ? 40ms : each.effort);
    if (each.effort.count() == 0) throw std::runtime_error("not an image");
}

// SIGINT and SIGTERM cancel a context. Made before any other thread, so that nobody else is interrupted.
class interrupts {
public:
    interrupts() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
        listener_ = std::jthread([this] {
            int which = 0;
            sigwait(&signals_, &which);
            came_.cancel();
        });
    }
    ~interrupts() { pthread_kill(listener_.native_handle(), SIGTERM); }

    const gm::context& came() const noexcept { return came_; }

private:
    sigset_t signals_;
    gm::context_source came_;
    std::jthread listener_;
};

// The crew at work; how the board looked at the end, and how many jobs were given back.
std::pair<demo::picture, std::size_t> work(const std::vector<image>& images, const gm::context& interrupted) {
    constexpr unsigned workers = 3;
    constexpr std::size_t room = 8;
    const bool draws = demo::screen::can_draw(workers);
    demo::board board(workers, images.size(), room, !draws);
    gm::pool crew({.workers = workers, .queue = room, .observer = &board});

    gm::channel<gm::nothing> over(0);
    gm::wait_group artist;
    if (draws)
        artist.go([&] {
            demo::screen screen;
            do screen.draw(board.frame(crew.snapshot().queued));
            while (over.receive(50ms).error() == gm::channel_status::timed_out);
            screen.draw(board.frame(0));
        });

    for (const image& each : images) {  // a full queue holds us here until a worker is free
        if (interrupted.is_done()) break;
        crew.post([&each] { resize(each); }, {.name = each.name.c_str()});
    }
    std::size_t left = 0;
    if (!crew.close(interrupted)) left = crew.stop(gm::until()).size();
    over.close();
    artist.wait();
    return {board.frame(0), left};
}

void report(const demo::picture& at, std::size_t left) {
    const double took = std::chrono::duration<double>(at.now - at.start).count();
    const double alone = std::chrono::duration<double>(at.work).count();
    std::printf("\n%zu images resized, %zu files refused, in %.1f s.\nOne worker alone: %.1f s.\n", at.finished,
                at.failed, took, alone);
    if (at.over() != at.jobs) std::printf("Interrupted: %zu waiting jobs were given back, none was lost.\n", left);
}

void dry_run() {
    const gm::time_point begin = gm::now();
    gm::virtual_time day({.seed = 3});
    const gm::virtual_report course = run_five_jobs(day);
    const double took = std::chrono::duration<double, std::milli>(gm::now() - begin).count();
    std::printf("\nThe dry run: five jobs, a second each, on virtual time.\nIt took %.1f ms.\n\n%s", took,
                day.table().text().c_str());
    if (!course) std::puts(course.text().c_str());
}

}  // namespace

int main() {
    interrupts signals;
    const std::vector<image> images = folder();
    std::printf("gristmill: three workers, %zu images, a queue of eight\n", images.size());
    const auto [end, left] = work(images, signals.came());
    report(end, left);
    if (signals.came().is_done()) return 130;
    dry_run();
}
