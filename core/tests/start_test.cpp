#include <gristmill/start.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/context.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

#include "support/counted.hpp"

using namespace std::chrono_literals;
using gm::channel_status;
using gm::test::census;
using gm::test::counted;

namespace {

// What a callback was told, and how often.
template <class T>
struct told {
    std::vector<T> values;
    std::vector<channel_status> errors;
    auto callback() {
        return [this](gm::result<T, channel_status> got) {
            if (got)
                values.push_back(*std::move(got));
            else
                errors.push_back(got.error());
        };
    }
};

}  // namespace

TEST(start_receive, value_that_is_there_is_told_at_once) {
    gm::channel<int> jobs(1);
    jobs.send(7);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, got.callback());
    EXPECT_EQ(got.values, std::vector{7});
    EXPECT_FALSE(pending.cancel());
}

TEST(start_receive, waits_for_a_value_and_is_told_once) {
    gm::channel<int> jobs(0);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, got.callback());
    EXPECT_TRUE(got.values.empty());
    jobs.send(7);
    EXPECT_EQ(jobs.try_send(8), channel_status::would_block);
    EXPECT_EQ(got.values, std::vector{7});
}

TEST(start_receive, close_is_told) {
    gm::channel<int> jobs(0);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, got.callback());
    EXPECT_TRUE(jobs.close());
    EXPECT_EQ(got.errors, std::vector{channel_status::closed});
}

TEST(start_receive, cancel_is_told_and_leaves_the_channel) {
    gm::channel<int> jobs(0);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, got.callback());
    EXPECT_TRUE(pending.cancel());
    EXPECT_FALSE(pending.cancel());
    EXPECT_EQ(got.errors, std::vector{channel_status::cancelled});
    EXPECT_EQ(jobs.try_send(1), channel_status::would_block);
}

TEST(start_receive, context_ends_it) {
    gm::context_source stop;
    gm::channel<int> jobs(0);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, stop, got.callback());
    stop.cancel();
    EXPECT_EQ(got.errors, std::vector{channel_status::cancelled});
    EXPECT_EQ(jobs.try_send(1), channel_status::would_block);
}

TEST(start_receive, context_that_is_done_already_takes_nothing) {
    gm::context_source stop;
    stop.cancel();
    gm::channel<int> jobs(1);
    jobs.send(1);
    told<int> got;
    const gm::started pending = gm::start_receive(jobs, stop, got.callback());
    EXPECT_EQ(got.errors, std::vector{channel_status::cancelled});
    EXPECT_EQ(jobs.size(), 1u);
}

TEST(start_receive, deadline_ends_it) {
    gm::virtual_time day;
    told<int> got;
    const auto report = day.run([&] {
        gm::channel<int> jobs(0), never(0);
        const gm::started pending = gm::start_receive(jobs, 5s, got.callback());
        static_cast<void>(never.receive(4s));
        EXPECT_TRUE(got.errors.empty());
        static_cast<void>(never.receive(2s));
        EXPECT_EQ(got.errors, std::vector{channel_status::timed_out});
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(start_receive, nil_channel_waits_for_its_limit_alone) {
    gm::context_source stop;
    told<int> got;
    const gm::started pending = gm::start_receive(gm::channel<int>(), stop, got.callback());
    EXPECT_TRUE(got.errors.empty());
    stop.cancel();
    EXPECT_EQ(got.errors, std::vector{channel_status::cancelled});
}

TEST(start_receive, dropping_the_handle_withdraws) {
    gm::channel<int> jobs(0);
    told<int> got;
    gm::started pending = gm::start_receive(jobs, got.callback());
    pending = {};
    EXPECT_EQ(jobs.try_send(1), channel_status::would_block);
    EXPECT_TRUE(got.values.empty() && got.errors.empty());
}

TEST(start_receive, detached_operation_goes_on) {
    gm::channel<int> jobs(0);
    told<int> got;
    gm::start_receive(jobs, got.callback()).detach();
    jobs.send(3);
    EXPECT_EQ(got.values, std::vector{3});
}

TEST(start_receive, callback_may_destroy_its_own_handle) {
    gm::channel<int> jobs(0);
    std::optional<gm::started> pending;
    int seen = 0;
    pending = gm::start_receive(jobs, [&](gm::result<int, channel_status> got) {
        seen = *got;
        pending.reset();
    });
    jobs.send(3);
    EXPECT_EQ(seen, 3);
}

TEST(start_receive, callback_that_starts_the_next_one_grows_no_stack) {
    constexpr int many = 300'000;
    gm::channel<int> jobs(many);
    for (int i = 0; i != many; ++i) jobs.send(i);
    static_cast<void>(jobs.close());
    struct drain {
        gm::channel<int> from;
        std::int64_t sum = 0;
        bool closed = false;
        void next() {
            gm::start_receive(from, [this](gm::result<int, channel_status> got) {
                if (!got) return void(closed = true);
                sum += *got;
                next();
            }).detach();
        }
    } all{jobs};
    all.next();
    EXPECT_TRUE(all.closed);
    EXPECT_EQ(all.sum, std::int64_t{many} * (many - 1) / 2);
}

TEST(start_receive, callback_of_one_close_may_withdraw_the_next_in_line) {
    gm::channel<int> jobs(0);
    told<int> got;
    gm::started second;
    const gm::started first = gm::start_receive(jobs, [&](gm::result<int, channel_status>) { second = {}; });
    second = gm::start_receive(jobs, got.callback());
    EXPECT_TRUE(jobs.close());
    EXPECT_TRUE(got.errors.empty());
}

TEST(start_receive, value_that_arrived_unseen_is_destroyed_with_the_handle) {
    const census balance;
    gm::channel<counted> jobs(0);
    gm::started second;
    // The first callback sends to the second operation, whose callback waits its turn, and withdraws it.
    const gm::started first = gm::start_receive(jobs, [&](gm::result<counted, channel_status>) {
        jobs.send(counted());
        second = {};
    });
    second = gm::start_receive(jobs, [](gm::result<counted, channel_status>) { ADD_FAILURE() << "withdrawn"; });
    jobs.send(counted());
}

TEST(start_send, full_channel_holds_it_until_there_is_room) {
    gm::channel<std::string> jobs(1);
    jobs.send("first");
    std::vector<channel_status> ends;
    const gm::started pending = gm::start_send(jobs, "second", [&](channel_status end) { ends.push_back(end); });
    EXPECT_TRUE(ends.empty());
    EXPECT_EQ(jobs.receive().value(), "first");
    EXPECT_EQ(ends, std::vector{channel_status::ok});
    EXPECT_EQ(jobs.receive().value(), "second");
}

TEST(start_send, value_that_was_not_sent_comes_back) {
    gm::channel<std::unique_ptr<int>> jobs(0);
    std::unique_ptr<int> back;
    const gm::started pending = gm::start_send(
        jobs, std::make_unique<int>(5), [&](channel_status, std::unique_ptr<int> value) { back = std::move(value); });
    EXPECT_TRUE(jobs.close());
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, 5);
}

TEST(start_sleep, ends_when_its_time_has_come_or_its_context) {
    gm::virtual_time day;
    std::vector<channel_status> ends;
    const auto report = day.run([&] {
        const auto note = [&](channel_status end) { ends.push_back(end); };
        const gm::context_source stop;
        const gm::started brief = gm::start_sleep(1s, note);
        const gm::started longer = gm::start_sleep(gm::until(stop, 1h), note);
        gm::channel<int> never(0);
        static_cast<void>(never.receive(2s));
        EXPECT_EQ(ends, std::vector{channel_status::ok});
        stop.cancel();
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(ends, (std::vector{channel_status::ok, channel_status::cancelled}));
}

TEST(start_receive, done_context_is_told_as_closed) {
    const gm::context_source stop;
    told<gm::nothing> got;
    const gm::started pending = gm::start_receive(stop.get().done(), got.callback());
    EXPECT_TRUE(got.errors.empty());
    stop.cancel();
    EXPECT_EQ(got.errors, std::vector{channel_status::closed});
}

// Everyone who may end an operation does so at once. Each is told exactly once, or was withdrawn, and no value is lost.
TEST(start_receive, racing_ends_tell_once_and_lose_nothing) {
    constexpr int rounds = 2000;
    int sent = 0;
    struct counts {
        std::atomic<int> received{0}, ended{0};
    };
    const auto all = std::make_shared<counts>();
    for (int round = 0; round != rounds; ++round) {
        gm::channel<int> jobs(0);
        const gm::context_source stop;
        // Kept by the callback, too: one that the clock has begun goes on after the end of `pending`.
        const auto told_times = std::make_shared<std::atomic<int>>(0);
        gm::started pending =
            gm::start_receive(jobs, gm::until(stop, 50us), [all, told_times](gm::result<int, channel_status> got) {
                ++(got ? all->received : all->ended);
                ++*told_times;
            });
        std::atomic<int> ready{0};
        const auto together = [&ready] {
            for (++ready; ready.load() != 2;) std::this_thread::yield();
        };
        std::jthread other([&] {
            together();
            round % 2 ? void(stop.cancel()) : void(pending.cancel());
        });
        together();
        const bool took = jobs.try_send(round) == channel_status::ok;
        sent += took;
        other.join();
        pending = {};
        if (took) {
            EXPECT_EQ(*told_times, 1);
        }
        EXPECT_LE(*told_times, 1);
    }
    EXPECT_EQ(all->received, sent);
    EXPECT_LE(sent + all->ended, rounds);
}
