// A scheduler's own workers, each a strand: how they take work from the shared queue and from each other, spin, sleep, keep
// watch and are woken. A wake-up that is lost shows as a deadlock: everybody sleeps, and no timer is set.

#include <array>
#include <chrono>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/scheduler.hpp>

#include "schedule/accounting.hpp"
#include "schedule/countdown.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

constexpr effort some{.schedules = 20'000, .real_workers = true};

gm::task<> count(int& ran) {
    gm::detail::schedule_point();
    ++ran;
    co_return;
}

gm::task<> arrive(countdown& at) {
    at.arrive();
    co_return;
}

// Waits until all tasks are done. If one never is, that is a deadlock.
void drain(arena& here, gm::scheduler& sched) {
    here.check(static_cast<bool>(sched.shutdown(std::chrono::milliseconds::max())), "a task was left");
}

// How a worker's own work is queued: as tasks of their own, as forks, or as sleepers on a channel that it wakes.
enum class queued_as : std::uint8_t { tasks, forks, receivers };

gm::task<> long_job(arena& here, gm::scheduler& on, queued_as how, gm::channel<int> numbers,
                    std::chrono::microseconds before = 0us) {
    countdown others(2);
    if (before != 0us) stand_still(before);
    if (how == queued_as::tasks) {
        for (int i = 0; i != 2; ++i) here.check(on.spawn(arrive(others)), "refused");
        others.wait();
    } else if (how == queued_as::forks) {
        auto one = gm::fork(arrive(others));
        auto other = gm::fork(arrive(others));
        others.wait();
        co_await one;
        co_await other;
    } else {
        const auto receiver = [](gm::channel<int> from, countdown& at) -> gm::task<> {
            static_cast<void>(co_await from.async_receive());
            at.arrive();
        };
        for (int i = 0; i != 2; ++i) here.check(on.spawn(receiver(numbers, others)), "refused");
        for (int i = 0; i != 2; ++i) co_await gm::yield();  // they wait now, if nobody has taken them away
        for (int i = 0; i != 2; ++i) here.check(static_cast<bool>(co_await numbers.async_send(int{i})), "closed");
        others.wait();
    }
}

// Nobody but an idle worker can take what is queued behind the long job, which waits for it.
template <queued_as How>
void frozen_work_is_taken(arena& here) {
    gm::scheduler sched({.threads = 2 + static_cast<unsigned>(here.pick(2))});
    sched.block_on(long_job(here, sched, How, gm::channel<int>(2)));
}

}  // namespace

TEST(workers, tasks_spawned_from_outside_all_run) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::scheduler sched({.threads = 2 + static_cast<unsigned>(here.pick(2))});
            for (int who = 0; who != 2; ++who)
                here.go("spawner", [&] {
                    for (int i = 0; i != 2; ++i) here.check(sched.spawn(count(ran)), "refused");
                });
            here.join();
            drain(here, sched);
            here.check_equal(ran, 4, "ran");
        },
        some);
}

TEST(workers, tasks_behind_a_long_job_are_taken) { expect_sound(frozen_work_is_taken<queued_as::tasks>, some); }
TEST(workers, forks_behind_a_long_job_are_taken) { expect_sound(frozen_work_is_taken<queued_as::forks>, some); }
TEST(workers, receivers_behind_a_long_job_are_taken) { expect_sound(frozen_work_is_taken<queued_as::receivers>, some); }

// Whoever kept watch gives it up after eight looks at nothing, the last of them 5.5 ms after the first worker fell asleep:
// at that very moment work is queued.
TEST(workers, work_queued_as_the_watch_ends_is_taken) {
    expect_sound(
        [](arena& here) {
            gm::scheduler sched({.threads = 2});
            const queued_as how = here.pick(2) == 0 ? queued_as::tasks : queued_as::forks;
            sched.block_on(long_job(here, sched, how, {}, 5500us));
        },
        some);
}

// Two long jobs at once, and others that come and go: watchers give up their watch, and are called to it again.
TEST(workers, long_jobs_and_short_ones_share_the_crew) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::scheduler sched({.threads = 3});
            for (int who = 0; who != 2; ++who)
                here.go("spawner", [&, who] {
                    here.check(sched.spawn(count(ran)), "refused");
                    sched.block_on(long_job(here, sched, who == 0 ? queued_as::tasks : queued_as::forks, {}));
                });
            here.join();
            drain(here, sched);
            here.check_equal(ran, 2, "ran");
        },
        {.schedules = 20'000, .real_workers = true});
}

// Workers fall asleep and are woken over and over: a value goes back and forth between a thread and a task.
TEST(workers, each_value_from_outside_wakes_one) {
    expect_sound(
        [](arena& here) {
            gm::scheduler sched({.threads = 2});
            gm::channel<int> there(0), back(0);
            const auto echo = [&]() -> gm::task<> {
                while (const auto value = co_await there.async_receive())
                    static_cast<void>(co_await back.async_send(*value + 1));
            };
            for (int i = 0; i != 2; ++i) here.check(sched.spawn(echo()), "refused");
            here.go("asker", [&] {
                for (int i = 0; i != 3; ++i) {
                    static_cast<void>(there.send(int{i}));
                    here.check_equal(*back.receive(), i + 1, "an answer");
                }
                there.close();
            });
            here.join();
            drain(here, sched);
        },
        some);
}

// The user's own code takes long enough that workers offer what they have, and spin for more.
TEST(workers, offered_work_is_taken_once) {
    expect_sound(
        [](arena& here) {
            ledger book;
            std::array<std::vector<int>, 2> got;
            gm::scheduler sched({.threads = 3});
            gm::channel<int> values(3);
            const auto sender = [&](int who) -> gm::task<> {
                for (int i = 0; i != 3; ++i) {
                    for (int turn = 0; turn != 20; ++turn) gm::detail::schedule_point();
                    book.sent(who * 100 + i);
                    here.check(static_cast<bool>(co_await values.async_send(who * 100 + i)), "a send failed");
                }
            };
            const auto receiver = [&](std::vector<int>& mine) -> gm::task<> {
                for (int i = 0; i != 3; ++i) {
                    book.received(*co_await values.async_receive(), mine);
                    for (int turn = 0; turn != 20; ++turn) gm::detail::schedule_point();
                }
            };
            for (int i = 0; i != 2; ++i) {
                here.check(sched.spawn(sender(i)), "refused");
                here.check(sched.spawn(receiver(got[static_cast<std::size_t>(i)])), "refused");
            }
            drain(here, sched);
            book.settle(here);
            for (const auto& mine : got) ledger::in_order(here, mine);
        },
        {.schedules = 10'000, .real_workers = true});
}

TEST(workers, shutdown_reaches_those_who_fall_asleep) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::scheduler sched({.threads = 3});
            here.go("spawner", [&] { static_cast<void>(sched.spawn(count(ran))); });
            static_cast<void>(sched.shutdown(0ms));
            here.join();
        },
        some);
}

// Threads that go on spawning, in vain, until the end is over: one of them was always about to be refused, and the end
// waited for it.
TEST(workers, end_comes_while_threads_go_on_spawning) {
    expect_sound(
        [](arena& here) {
            bool over = false;
            int ran = 0;
            gm::scheduler sched({.threads = 2});
            for (int who = 0; who != 20; ++who)
                here.go("spawner", [&] {
                    while (!over) {
                        static_cast<void>(sched.spawn(count(ran)));
                        gm::detail::current_engine->yield();
                    }
                });
            static_cast<void>(sched.shutdown(0ms));
            over = true;
            here.join();
        },
        {.schedules = 500, .real_workers = true});
}

// Each of two jobs is held up until a third has run; the first queued both others for its own worker. Whoever takes the second was
// the one who kept watch, and has to hand that on.
TEST(workers, job_behind_two_long_jobs_is_taken) {
    expect_sound(
        [](arena& here) {
            countdown for_first(1), for_second(1);
            gm::scheduler sched({.threads = 3});
            const auto second = [](countdown& at) -> gm::task<> {
                at.wait();
                co_return;
            };
            const auto third = [](countdown& one, countdown& other) -> gm::task<> {
                one.arrive();
                other.arrive();
                co_return;
            };
            const auto first = [&]() -> gm::task<> {
                const bool as_forks = here.pick(2) == 0;
                if (as_forks) {
                    auto other = gm::fork(second(for_second));
                    auto last = gm::fork(third(for_first, for_second));
                    for_first.wait();
                    co_await other;
                    co_await last;
                } else {
                    here.check(sched.spawn(second(for_second)), "refused");
                    here.check(sched.spawn(third(for_first, for_second)), "refused");
                    for_first.wait();
                }
            };
            sched.block_on(first());
            drain(here, sched);
        },
        some);
}
