// The parts that others stand on: the locks, the parker, a worker's queue. One strand runs at a time here, so what is
// explored is every order of the steps, but not what a processor's store buffers add: fence_model_test.cpp does that.

#include <array>
#include <vector>

#include <gristmill/detail/channel_lock.hpp>
#include <gristmill/detail/lock.hpp>
#include <gristmill/detail/parker.hpp>
#include <gristmill/detail/waiter.hpp>
#include <gristmill/detail/worker.hpp>
#include <gristmill/scheduler.hpp>

#include "schedule/explore.hpp"

using namespace schedule;

namespace {

// A place where one may be at a time.
struct room {
    int inside = 0;
    int visits = 0;
    bool crowded = false;
    void visit() {
        crowded |= ++inside != 1;
        gm::detail::schedule_point();
        ++visits;
        gm::detail::schedule_point();
        --inside;
    }
};

}  // namespace

TEST(lock, one_at_a_time_and_every_sleeper_is_woken) {
    expect_sound([](arena& here) {
        gm::detail::lock guard;
        room shared;
        for (int i = 0; i != 3; ++i)
            here.go("visitor", [&] {
                for (int k = 0; k != 2; ++k) {
                    gm::detail::lock_guard hold(guard);
                    shared.visit();
                }
            });
        here.join();
        here.check(!shared.crowded, "two held the lock");
        here.check_equal(shared.visits, 6, "visits");
    });
}

TEST(biased_lock, owner_and_guests_exclude_each_other) {
    expect_sound([](arena& here) {
        gm::detail::biased_lock guard;
        room shared;
        here.go("owner", [&] {
            for (int k = 0; k != 3; ++k) {
                guard.owner_acquire();
                shared.visit();
                guard.owner_release();
            }
        });
        for (int i = 0; i != 2; ++i)
            here.go("guest", [&] {
                guard.guest_acquire();
                shared.visit();
                guard.guest_release();
            });
        here.join();
        here.check(!shared.crowded, "two held the lock");
        here.check_equal(shared.visits, 5, "visits");
    });
}

TEST(channel_lock, biased_owners_and_strangers_exclude_each_other) {
    expect_sound([](arena& here) {
        gm::scheduler sched;
        gm::detail::channel_lock guard;
        room shared;
        std::array<std::unique_ptr<gm::detail::worker>, 2> workers;
        for (auto& each : workers) each = std::make_unique<gm::detail::worker>(sched.core());
        for (auto& each : workers)
            here.go("worker", [&] {
                for (int k = 0; k != 5; ++k) {
                    gm::detail::channel_guard hold(guard, each.get());
                    shared.visit();
                }
            });
        here.go("stranger", [&] {
            for (int k = 0; k != 2; ++k) {
                gm::detail::channel_guard hold(guard, nullptr);
                shared.visit();
            }
        });
        here.join();
        here.check(!shared.crowded, "two held the lock");
        here.check_equal(shared.visits, 12, "visits");
    });
}

TEST(parker, no_unpark_is_lost) {
    expect_sound([](arena& here) {
        gm::detail::parker bed;
        int naps = 0;
        gm::detail::atomic<int> asked{0};
        here.go("sleeper", [&] {
            while (naps != 2) {
                bed.park();
                naps += asked.exchange(0);
            }
        });
        for (int i = 0; i != 2; ++i)
            here.go("waker", [&] {
                asked.fetch_add(1);
                bed.unpark();
            });
        here.join();
    });
}

TEST(claim_word, one_of_many_claims_wins) {
    expect_sound([](arena& here) {
        gm::detail::claim_word word;
        word.arm();
        std::uint32_t won = 0, winner = 0;
        for (std::uint32_t id = 1; id != 5; ++id)
            here.go("claimer", [&, id] {
                if (word.claim(id)) ++won, winner = id;
            });
        here.join();
        here.check_equal(won, 1u, "claims that won");
        here.check_equal(winner, word.winner(), "the winner");
    });
}

TEST(run_queue, every_task_leaves_exactly_once) {
    expect_sound([](arena& here) {
        gm::detail::run_queue queue;
        std::array<gm::detail::task_header, 8> tasks;
        std::array<int, 8> left{};
        const auto take = [&](gm::detail::task_header* task) { ++left[static_cast<std::size_t>(task - tasks.data())]; };
        here.go("owner", [&] {
            for (std::size_t i = 0; i != 4; ++i) queue.push(tasks[i]);
            queue.push_child(tasks[4], 1);
            if (auto* const task = queue.pop()) take(task);
            queue.push_child(tasks[5], 1);
            queue.push_child(tasks[6], 1);
            if (queue.take_back(tasks[6], 1)) ++left[6];
            queue.push(tasks[7]);
            if (queue.take_back(tasks[5], 1)) ++left[5];
            while (auto* const task = queue.pop()) take(task);
        });
        for (int i = 0; i != 2; ++i)
            here.go("thief", [&] {
                for (int k = 0; k != 2; ++k)
                    for (auto* task = queue.steal(); task;) {
                        auto* const following = task->next;
                        take(task);
                        task = following;
                    }
            });
        here.join();
        while (auto* const task = queue.pop()) take(task);
        for (const int times : left) here.check_equal(times, 1, "a task left the queue other than once");
    });
}
