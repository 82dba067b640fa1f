// What the places where one waits (wait_group, semaphore, rate_limit, task_group) have in common.
#include <gristmill/detail/wait_place.hpp>

#include <chrono>

#include <gtest/gtest.h>
#include <gristmill/rate_limit.hpp>
#include <gristmill/scheduler.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/task_group.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>

namespace {

#ifndef GRISTMILL_NO_COROUTINE_TESTS

using namespace std::chrono_literals;
using gm::channel_status;

constexpr int waits = 1000;

// `co_await own_link()`: the entry of this task in a context's list, null before its first wait with one.
struct own_link {
    bool await_ready() const noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> self) noexcept {
        link = self.promise().link;
        return false;
    }
    gm::detail::context_link* await_resume() const noexcept { return link; }
    gm::detail::context_link* link = nullptr;
};

// Waits again and again with `ctx`. Whoever registers with a context goes to the end of its list. So if somebody else
// has come behind this task, and is behind it still after a thousand waits, it has registered once.
template <class F>
gm::task<> wait_often(gm::context ctx, F wait) {
    EXPECT_EQ(co_await wait(ctx), channel_status::ok);
    const gm::detail::context_link* const mine = co_await own_link();
    EXPECT_TRUE(mine);
    if (!mine) co_return;
    EXPECT_EQ(mine->core, ctx.core());
    EXPECT_TRUE(mine->node.linked);

    gm::channel<int> never(0);
    gm::forked marker = gm::fork([](gm::channel<int> from, gm::context with) -> gm::task<> {
        EXPECT_EQ((co_await from.async_receive(with)).error(), channel_status::closed);
    }(never, ctx));
    co_await gm::async_sleep(1s);  // on virtual time: until everybody else waits
    const gm::detail::wakeable* const behind = mine->node.next;
    EXPECT_TRUE(behind);

    for (int i = 1; i < waits; ++i) EXPECT_EQ(co_await wait(ctx), channel_status::ok);
    EXPECT_EQ(co_await own_link(), mine);
    EXPECT_TRUE(mine->node.linked);
    EXPECT_EQ(mine->node.next, behind);
    static_cast<void>(never.close());
    co_await std::move(marker);
}

gm::task<> after_a_moment(auto what) {
    co_await gm::async_sleep(1ms);
    what();
}

TEST(wait_place, task_that_waits_often_at_a_semaphore_registers_once) {
    gm::virtual_time world({.horizon = 10h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::context_source ctx;
        gm::semaphore permits(1);
        permits.acquire();
        gm::task_group helpers;
        co_await wait_often(ctx, [&](const gm::context& with) {
            helpers.go(after_a_moment([&] { permits.release(); }));
            return permits.async_acquire(1, with);
        });
        co_await helpers.async_wait();
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(wait_place, task_that_waits_often_for_a_wait_group_registers_once) {
    gm::virtual_time world({.horizon = 10h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::context_source ctx;
        gm::wait_group group;
        gm::task_group helpers;
        co_await wait_often(ctx, [&](const gm::context& with) {
            group.add();
            helpers.go(after_a_moment([&] { group.done(); }));
            return group.async_wait(with);
        });
        co_await helpers.async_wait();
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(wait_place, task_that_waits_often_for_a_task_group_registers_once) {
    gm::virtual_time world({.horizon = 10h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::context_source ctx;
        gm::task_group group;
        co_await wait_often(ctx, [&](const gm::context& with) {
            group.go(after_a_moment([] {}));
            return group.async_wait(with);
        });
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(wait_place, task_that_waits_often_for_a_rate_limit_registers_once) {
    gm::virtual_time world({.horizon = 10h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::context_source ctx;
        gm::rate_limit rate(1, 1ms);
        EXPECT_TRUE(rate.try_take());
        co_await wait_often(ctx, [&](const gm::context& with) { return rate.async_wait(1, with); });
    });
    EXPECT_TRUE(report) << report.text();
}

// The standing entry must serve: each wait is ended by its context, none by the one before.
TEST(wait_place, context_ends_whatever_its_task_waits_for) {
    gm::scheduler cpu({.threads = 2});
    for (int round = 0; round < 200; ++round) {
        const gm::context_source ctx;
        gm::semaphore permits(1);
        permits.acquire();
        gm::wait_group group, waiting;
        group.add();
        waiting.add(4);
        gm::task_group crew(cpu);
        for (int who = 0; who < 4; ++who)
            crew.go([&, who]() -> gm::task<> {
                for (int i = 0; i < 10; ++i) EXPECT_EQ(co_await permits.async_acquire(0, ctx), channel_status::ok);
                waiting.done();
                if (who % 2 == 0) {
                    EXPECT_EQ(co_await group.async_wait(ctx), channel_status::cancelled);
                    EXPECT_EQ(co_await permits.async_acquire(1, ctx), channel_status::cancelled);
                } else {
                    EXPECT_FALSE(co_await permits.async_hold(1, ctx));
                    EXPECT_EQ(co_await group.async_wait(ctx), channel_status::cancelled);
                }
            });
        waiting.wait();
        ctx.cancel();
        crew.wait();
        group.done();
        permits.release();
        EXPECT_EQ(permits.available(), 1u);
    }
}

#endif

}  // namespace
