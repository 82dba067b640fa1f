// wait_group, semaphore and task_group.

#if __has_include(<gristmill/wait_group.hpp>) && __has_include(<gristmill/semaphore.hpp>)

#include <gristmill/scheduler.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/wait_group.hpp>

#include "schedule/explore.hpp"

using namespace schedule;
using namespace std::chrono_literals;

TEST(wait_group, everyone_who_waits_is_woken_after_the_last_is_done) {
    expect_sound([](arena& here) {
        gm::wait_group group;
        int done = 0;
        group.add(3);
        for (int i = 0; i != 3; ++i)
            here.go("worker", [&] {
                ++done;
                group.done();
            });
        for (int i = 0; i != 2; ++i)
            here.go("waiter", [&] {
                group.wait();
                here.check_equal(done, 3, "woken too early: done");
            });
        here.join();
    });
}

TEST(wait_group, threads_that_it_starts_are_joined) {
    expect_sound([](arena& here) {
        int ran = 0;
        {
            gm::wait_group crew;
            for (int i = 0; i != 2; ++i)
                crew.go([&] {
                    gm::detail::schedule_point();
                    ++ran;
                });
            crew.wait();
            here.check_equal(ran, 2, "ran before wait() was over");
            crew.go([&] { ++ran; });
        }
        here.check_equal(ran, 3, "ran");
    });
}

TEST(wait_group, may_go_as_soon_as_its_waiter_was_woken) {
    expect_sound([](arena& here) {
        auto group = std::make_unique<gm::wait_group>();
        group->add(2);
        for (int i = 0; i != 2; ++i) here.go("worker", [&, own = group.get()] { own->done(); });
        here.go("owner", [&] {
            group->wait();
            group.reset();
        });
        here.join();
    });
}

TEST(semaphore, permits_are_never_more_than_there_are) {
    expect_sound([](arena& here) {
        gm::semaphore permits(2);
        int out = 0;
        for (const int weight : {1, 2, 1})
            here.go("user", [&, weight] {
                for (int i = 0; i != 2; ++i) {
                    permits.acquire(weight);
                    out += weight;
                    here.check(out <= 2, "more are out than there are");
                    gm::detail::schedule_point();
                    out -= weight;
                    permits.release(weight);
                }
            });
        here.join();
        here.check_equal(permits.available(), std::size_t{2}, "left over");
    });
}

TEST(semaphore, big_request_is_not_passed_by_small_ones_that_come_later) {
    expect_sound([](arena& here) {
        gm::semaphore permits(2);
        bool served = false;
        const std::size_t big = here.go("big", [&] {
            permits.acquire(2);
            served = true;
            permits.release(2);
        });
        for (int k = 0; k != 2; ++k)
            here.go("small", [&] {
                for (int i = 0; i != 2; ++i) {
                    const bool comes_later = !served && here.asleep(big);
                    permits.acquire(1);
                    here.check(!comes_later || served || !here.asleep(big), "it was passed");
                    permits.release(1);
                }
            });
        here.join();
    });
}

TEST(semaphore, request_that_times_out_leaves_no_trace) {
    expect_sound(
        [](arena& here) {
            gm::semaphore permits(2);
            for (const int weight : {2, 1, 2})
                here.go("user", [&, weight] {
                    if (permits.acquire(weight, 1s) != gm::channel_status::ok) return;
                    gm::detail::schedule_point();
                    permits.release(weight);
                });
            here.join();
            here.check_equal(permits.available(), std::size_t{2}, "left over");
        },
        {.hasty_clock = true});
}

TEST(semaphore, tasks_and_threads_share_it) {
    expect_sound([](arena& here) {
        gm::semaphore permits(1);
        gm::scheduler sched;
        int inside = 0;
        const auto user = [&]() -> gm::task<> {
            for (int i = 0; i != 2; ++i) {
                co_await permits.async_acquire();
                here.check_equal(++inside, 1, "inside");
                co_await gm::yield();
                --inside;
                permits.release();
            }
        };
        here.check(sched.spawn(user()) && sched.spawn(user()), "refused");
        here.go("thread", [&] {
            const gm::permit one = permits.hold();
            here.check_equal(++inside, 1, "inside");
            gm::detail::schedule_point();
            --inside;
        });
        here.join();
        here.check(static_cast<bool>(sched.shutdown(std::chrono::milliseconds::max())), "a task was left");
        here.check_equal(permits.available(), std::size_t{1}, "left over");
    });
}

#endif

#if __has_include(<gristmill/task_group.hpp>)

#include <gristmill/task_group.hpp>

TEST(task_group, first_error_cancels_and_is_rethrown_once_all_have_ended) {
    expect_sound(
        [](arena& here) {
            int ended = 0;
            bool thrown = false;
            gm::task_group group;
            for (int i = 0; i != 2; ++i)
                group.go([&, i] {
                    gm::detail::schedule_point();
                    ++ended;
                    if (i == 0) throw std::runtime_error("first");
                });
            try {
                group.wait();
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            here.check(thrown, "the error was lost");
            here.check(ended >= 1, "not even the one that failed ran");
        },
        {.schedules = 8000});
}

#endif
