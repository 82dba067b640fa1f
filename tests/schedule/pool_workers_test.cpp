// A pool's workers: how they take what others have queued for themselves, sleep, keep watch and are woken. A wake-up that is
// lost shows as a deadlock.

#include <chrono>

#include <gristmill/pool.hpp>

#include "schedule/countdown.hpp"
#include "schedule/explore.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

constexpr effort some{.schedules = 10'000};

// Posts to its own worker's queue, and does not end before others have taken that.
void long_job(arena& here, gm::pool& crew, std::chrono::nanoseconds before) {
    if (before != 0ns) stand_still(before);
    countdown others(2);
    for (int i = 0; i != 2; ++i) here.check(crew.post([&] { others.arrive(); }), "refused");
    others.wait();
}

}  // namespace

TEST(pool_workers, jobs_behind_a_long_job_are_taken) {
    expect_sound(
        [](arena& here) {
            gm::pool crew({.workers = 2 + static_cast<unsigned>(here.pick(2)), .queue = 4});
            static_cast<void>(crew.submit([&] { long_job(here, crew, 0ns); }).get());
            here.check(crew.close(), "close gave up");
        },
        some);
}

// Whoever kept watch gives it up after eight looks at nothing: at that very moment jobs are queued, and from outside, too.
TEST(pool_workers, jobs_posted_as_the_watch_ends_are_taken) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 2 + static_cast<unsigned>(here.pick(2)), .queue = 4});
            auto over = crew.submit([&] { long_job(here, crew, 5500us); });
            here.go("submitter", [&] {
                stand_still(5500us);
                here.check(crew.post([&] { ++ran; }), "refused");
            });
            here.join();
            static_cast<void>(over.get());
            here.check(crew.close(), "close gave up");
            here.check_equal(ran, 1, "ran");
        },
        some);
}

TEST(pool_workers, two_long_jobs_share_the_crew_with_short_ones) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 3, .queue = 6});
            for (int who = 0; who != 2; ++who)
                here.go("submitter", [&] {
                    auto over = crew.submit([&] { long_job(here, crew, here.pick(2) * 5500us); });
                    here.check(crew.post([&] { ++ran; }), "refused");
                    static_cast<void>(over.get());
                });
            here.join();
            here.check(crew.close(), "close gave up");
            here.check_equal(ran, 2, "ran");
        },
        some);
}
