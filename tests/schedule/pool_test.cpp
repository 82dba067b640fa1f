// Pools whose crews are strands of the world: submits against closes, stops, cancels, timeouts and resizes.

#include <array>
#include <utility>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>
#include <gristmill/scheduler.hpp>

#include "schedule/explore.hpp"

using namespace schedule;
using namespace std::chrono_literals;

namespace {

constexpr effort some{.schedules = 8000};

void work_a_little() { gm::detail::schedule_point(); }

void work_for(std::chrono::nanoseconds how_long) {
    gm::channel<int> never(0);
    static_cast<void>(never.receive(how_long));
}

}  // namespace

namespace {

template <std::size_t Queue>
void ask_twice(arena& here) {
    std::array<int, 4> runs{};
    gm::pool crew({.workers = 2, .queue = Queue});
    for (std::size_t sender = 0; sender != 2; ++sender)
        here.go("submitter", [&, sender] {
            for (std::size_t i = sender * 2; i != sender * 2 + 2; ++i) {
                auto answer = crew.submit([&, i] { return work_a_little(), ++runs[i], static_cast<int>(i); });
                here.check_equal(answer.get().value(), static_cast<int>(i), "an answer");
            }
        });
    here.join();
    for (const int times : runs) here.check_equal(times, 1, "a job ran");
}

}  // namespace

TEST(pool, every_job_runs_once_and_answers) { expect_sound(ask_twice<2>, some); }
TEST(pool, every_job_of_a_short_queue_runs_once) { expect_sound(ask_twice<1>, some); }
TEST(pool, every_job_handed_straight_to_a_worker_runs_once) { expect_sound(ask_twice<0>, some); }

TEST(pool, close_finishes_what_was_accepted) {
    expect_sound(
        [](arena& here) {
            int ran = 0, accepted = 0;
            gm::pool crew({.workers = 2, .queue = 1});
            for (int sender = 0; sender != 2; ++sender)
                here.go("submitter", [&] {
                    for (int i = 0; i != 2; ++i) accepted += crew.post([&] { work_a_little(), ++ran; }) ? 1 : 0;
                });
            here.go("closer", [&] { here.check(crew.close(), "close gave up"); });
            here.join();
            here.check_equal(ran, accepted, "ran and accepted differ");
        },
        some);
}

TEST(pool, stop_gives_back_what_did_not_run) {
    expect_sound(
        [](arena& here) {
            int ran = 0, accepted = 0;
            std::size_t back = 0;
            {
                gm::pool crew({.workers = 1, .queue = 2});
                here.go("submitter", [&] {
                    for (int i = 0; i != 3; ++i) accepted += crew.post([&] { work_a_little(), ++ran; }) ? 1 : 0;
                });
                here.go("stopper", [&] { back += crew.stop().size(); });
                here.join();
            }
            here.check_equal(ran + static_cast<int>(back), accepted, "ran or given back, and accepted, differ");
        },
        some);
}

TEST(pool, cancel_and_start_agree_who_won) {
    expect_sound(
        [](arena& here) {
            int runs = 0;
            gm::pool crew({.workers = 1, .queue = 2});
            auto answer = crew.submit([&] { ++runs; });
            gm::cancel_outcome outcome{};
            here.go("canceller", [&] { outcome = answer.cancel(); });
            here.join();
            const gm::job_status status = answer.get().status();
            here.check((outcome == gm::cancel_outcome::queued) == (status == gm::job_status::cancelled),
                       "the cancel and the result disagree");
            here.check_equal(runs, status == gm::job_status::ok ? 1 : 0, "runs");
        },
        some);
}

TEST(pool, timeout_is_the_result_or_the_value_is) {
    expect_sound(
        [](arena& here) {
            gm::pool crew({.workers = 1, .queue = 2, .timeout = 1s});
            auto slow = crew.submit([] { return work_for(1s), 1; });
            auto quick = crew.submit([] { return 2; });
            const auto first = slow.get();
            here.check(first.status() == gm::job_status::ok || first.status() == gm::job_status::timed_out, "neither");
            const auto second = quick.get();
            here.check(second.status() == gm::job_status::ok || second.status() == gm::job_status::timed_out,
                       "neither, then");
        },
        some);
}

TEST(pool, resize_loses_no_job) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 1, .queue = 4});
            here.go("submitter", [&] {
                for (int i = 0; i != 3; ++i) here.check(crew.post([&] { work_a_little(), ++ran; }), "refused");
            });
            here.go("resizer", [&] {
                crew.resize(3);
                crew.resize(1);
            });
            here.join();
            here.check(crew.close(), "close gave up");
            here.check_equal(ran, 3, "ran");
        },
        some);
}

TEST(pool, job_that_submits_to_its_own_full_queue_ends) {
    expect_sound(
        [](arena& here) {
            int ran = 0;
            gm::pool crew({.workers = 1, .queue = 1});
            for (int i = 0; i != 2; ++i)
                here.go("submitter", [&] {
                    auto outer = crew.submit([&] {
                        auto inner = crew.submit([&] { ++ran; });
                        static_cast<void>(inner.get());
                        ++ran;
                    });
                    static_cast<void>(outer.get());
                });
            here.join();
            here.check_equal(ran, 4, "ran");
        },
        some);
}

TEST(pool, dropped_jobs_and_those_that_ran_are_all) {
    expect_sound(
        [](arena& here) {
            int ran = 0, ok = 0, dropped = 0;
            gm::pool crew({.workers = 1, .queue = 1, .full = gm::when_full::drop_oldest});
            for (int k = 0; k != 2; ++k)
                here.go("submitter", [&] {
                    for (int i = 0; i != 2; ++i) {
                        const auto status = crew.submit([&] { work_a_little(), ++ran; }).get().status();
                        ++(status == gm::job_status::ok ? ok : dropped);
                    }
                });
            here.join();
            here.check_equal(ran, ok, "ran and ok differ");
            here.check_equal(ok + dropped, 4, "results");
        },
        some);
}

TEST(pool, map_yields_each_element_once) {
    expect_sound(
        [](arena& here) {
            int sum = 0;
            gm::pool crew({.workers = 2, .queue = 2});
            for (auto& done : crew.map(std::vector<int>{1, 2, 4}, [](int v) { return work_a_little(), v; }))
                sum += done.value();
            here.check_equal(sum, 7, "sum");
        },
        some);
}

namespace {

// The consumer is a coroutine; somebody else fills the queue, so that room is waited for as well.
template <bool Ordered>
void await_each(arena& here) {
    int sum = 0, last = 0;
    gm::pool crew({.workers = 2, .queue = 1});
    here.go("rival", [&] { static_cast<void>(crew.submit([] { work_a_little(); }).get()); });
    gm::scheduler home;
    home.block_on([](gm::pool& crew, arena& here, int& sum, int& last) -> gm::task<> {
        const auto take_all = [&](auto& stream) -> gm::task<> {
            while (auto done = co_await stream.async_next()) {
                sum += done->value();
                if (Ordered) here.check(std::exchange(last, done->value()) < done->value(), "out of order");
            }
        };
        const auto body = [](int v) { return work_a_little(), v; };
        if constexpr (Ordered) {
            auto stream = crew.map_ordered(std::vector<int>{1, 2, 4}, body, {}, 2);
            co_await take_all(stream);
        } else {
            auto stream = crew.map(std::vector<int>{1, 2, 4}, body, {}, 2);
            co_await take_all(stream);
        }
    }(crew, here, sum, last));
    here.join();
    here.check_equal(sum, 7, "sum");
}

}  // namespace

TEST(pool, awaited_map_yields_each_element_once) { expect_sound(await_each<false>, some); }
TEST(pool, awaited_ordered_map_yields_each_element_once) { expect_sound(await_each<true>, some); }

TEST(pool, awaited_map_that_is_stopped_leaves_nothing_running) {
    expect_sound(
        [](arena& here) {
            int running = 0;
            gm::pool crew({.workers = 2, .queue = 2});
            gm::scheduler home;
            home.block_on([](gm::pool& crew, arena& here, int& running) -> gm::task<> {
                auto stream = crew.map(std::vector<int>{1, 2, 4, 8}, [&](int v) {
                    ++running;
                    work_a_little();
                    --running;
                    return v;
                });
                here.check((co_await stream.async_next()).has_value(), "no result");
                co_await stream.async_stop();
                here.check_equal(running, 0, "running");
                here.check(!(co_await stream.async_next()), "a result after the stop");
            }(crew, here, running));
        },
        some);
}

// The scheduler ends while the coroutine waits for a result, or for room.
TEST(pool, awaited_map_whose_coroutine_is_destroyed_withdraws) {
    expect_sound(
        [](arena& here) {
            int running = 0, rivals = 0;
            gm::pool crew({.workers = 1, .queue = 1});
            here.go("rival", [&] {
                for (int i = 0; i != 2; ++i) crew.post([&] { work_a_little(), ++rivals; });
            });
            {
                gm::scheduler home;
                home.spawn([](gm::pool& crew, int& running) -> gm::task<> {
                    auto stream = crew.map(std::vector<int>{1, 2}, [&](int) {
                        ++running;
                        work_a_little();
                        --running;
                    });
                    while (co_await stream.async_next()) {
                    }
                }(crew, running));
                home.shutdown(0ms);
            }
            here.check_equal(running, 0, "running");
            here.join();
            here.check(crew.close(), "close gave up");
            here.check_equal(rivals, 2, "rivals");
        },
        some);
}

TEST(pool, coroutine_bodies_run_once_and_answer) {
    expect_sound(
        [](arena& here) {
            int sum = 0;
            gm::channel<int> hand(0);
            {
                gm::pool crew({.workers = 2, .queue = 2});
                auto one = crew.submit([&]() -> gm::task<int> { co_return *co_await hand.async_receive(); });
                auto other = crew.submit([&]() -> gm::task<int> {
                    static_cast<void>(co_await hand.async_send(3));
                    co_return 4;
                });
                sum = one.get().value() + other.get().value();
            }
            here.check_equal(sum, 7, "sum");
        },
        some);
}
