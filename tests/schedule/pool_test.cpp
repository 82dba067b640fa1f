// Pools whose crews are strands of the world: submits against closes, stops, cancels, timeouts and resizes.

#include <array>
#include <vector>

#include <gristmill/channel.hpp>
#include <gristmill/pool.hpp>

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
