// A pool's workers: how they take what others have queued for themselves, sleep, keep watch and are woken. A wake-up that is
// lost shows as a deadlock.

#include <chrono>

#include <gristmill/pool.hpp>

#include "schedule/countdown.hpp"
#include "schedule/explore.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

constexpr effort enough{.schedules = 10'000};

// Posts to its own worker's queue, and does not end before others have taken that.
void long_job(arena& here, gm::pool& crew, std::chrono::nanoseconds before) {
    if (before != 0ns) stand_still(before);
    countdown others(2);
    for (int i = 0; i != 2; ++i) here.check(crew.post([&] { others.arrive(); }), "refused");
    others.wait();
}

}  // namespace

// One that looks for work is as good as one that sleeps.
TEST(pool_workers, no_thread_is_started_for_a_job_that_one_is_free_for) {
    expect_sound(
        [](arena& here) {
            gm::pool crew({.workers = 3});
            for (int i = 0; i != 3; ++i) {
                crew.submit([] {}).get().value();
                stand_still(here.pick(2) * 1us);
            }
            here.check_equal(crew.snapshot().threads, 1u, "threads");
        },
        enough);
}

TEST(pool_workers, jobs_behind_a_long_job_are_taken) {
    expect_sound(
        [](arena& here) {
            gm::pool crew({.workers = 2 + static_cast<unsigned>(here.pick(2)),
                           .queue = here.pick(2) ? std::size_t{4} : std::size_t{2048}});
            static_cast<void>(crew.submit([&] { long_job(here, crew, 0ns); }).get());
            here.check(crew.close(), "close gave up");
        },
        enough);
}

// Whoever kept watch gives it up after eight looks at nothing: at that very moment jobs are queued, and from outside, too.
TEST(pool_workers, jobs_posted_as_the_watch_ends_are_taken) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 2 + static_cast<unsigned>(here.pick(2)),
                           .queue = here.pick(2) ? std::size_t{4} : std::size_t{2048}});
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
        enough);
}

TEST(pool_workers, two_long_jobs_share_the_crew_with_short_ones) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 3, .queue = 2048});
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
        enough);
}

// Each of two jobs is held up until a third has run; the first queued both others for its own worker. Whoever takes the second was
// the one who kept watch, and has to hand that on. The crew comes into being meanwhile.
TEST(pool_workers, job_behind_two_long_jobs_is_taken) {
    expect_sound(
        [](arena& here) {
            countdown for_first(1), for_second(1);
            gm::pool crew({.workers = 3, .queue = 2048});
            auto third = [&] {
                for_first.arrive();
                for_second.arrive();
            };
            auto first = crew.submit([&] {
                here.check(crew.post([&] { for_second.wait(); }), "refused");
                here.check(crew.post(third), "refused");
                for_first.wait();
            });
            static_cast<void>(first.get());
            here.check(crew.close(), "close gave up");
        },
        enough);
}

// The crew is made larger behind a long job that has queued something for its worker.
TEST(pool_workers, resize_sees_what_waits_behind_a_long_job) {
    expect_sound(
        [](arena& here) {
            gm::pool crew({.workers = 1, .queue = 2048});
            countdown last(1), queued(1);
            auto first = crew.submit([&] {
                here.check(crew.post([&] { last.arrive(); }), "refused");
                queued.arrive();
                last.wait();
            });
            queued.wait();
            here.check(crew.resize(2), "closed");
            static_cast<void>(first.get());
            here.check(crew.close(), "close gave up");
        },
        enough);
}
