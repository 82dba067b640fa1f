// The memory runs out at the first allocation of an operation, at the second, and so on until the operation succeeds. Each
// time it throws std::bad_alloc and has done nothing: nothing is lost, nothing leaks, the object serves as before.
#include <scarce_memory.hpp>

#if GRISTMILL_SCARCE_MEMORY

#include <atomic>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <utility>

#include <gtest/gtest.h>
#include <gristmill/gristmill.hpp>
#include <live_value.hpp>

namespace {

using namespace std::chrono_literals;
using gm::channel_status;
using gm_test::fuse;
using gm_test::live_value;
using gm_test::outstanding;
using gm_test::refused;
using gm_test::scarce_memory;

class out_of_memory : public gm_test::live_values {};

// The first timer of a process starts the clock's thread, without which nothing that waits would end: it must not fail.
// By something that is not over before it begins.
void start_the_clock() { static_cast<void>(gm::after(1h)); }

// How often it was refused. `operation` leaves nothing behind where it throws.
template <class F>
int until_it_succeeds(F operation) {
    for (int allocations = 0;; ++allocations) {
        const long before = outstanding;
        try {
            const scarce_memory scarce(allocations);
            operation();
            return allocations;
        } catch (const std::bad_alloc&) {
        }
        EXPECT_EQ(outstanding, before) << "leaked when refused after " << allocations;
    }
}

TEST_F(out_of_memory, task_group_go_on_a_thread_adds_nothing) {
    gm::task_group group;
    std::atomic<int> ran{0};
    const int refusals = until_it_succeeds([&] { group.go([&ran, kept = live_value(1)] { ran += kept.number; }); });
    EXPECT_GE(refusals, 3);
    EXPECT_FALSE(group.ctx().is_done());
    group.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(out_of_memory, task_group_go_behind_the_limit_adds_nothing) {
    gm::task_group group;
    group.limit(1);
    gm::channel<int> gate(0);
    std::atomic<int> ran{0};
    group.go([&] { EXPECT_TRUE(gate.receive()); });
    const int refusals = until_it_succeeds([&] { group.go([&ran, kept = live_value(1)] { ran += kept.number; }); });
    EXPECT_GE(refusals, 2);
    EXPECT_EQ(live_value::alive, 1);
    gate.send(1);
    group.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(out_of_memory, task_group_and_wait_group_are_made_or_not) {
    const gm::context_source parent;
    until_it_succeeds([&] { const gm::task_group group(parent); });
    std::atomic<int> ran{0};
    gm::wait_group crew;
    EXPECT_GE(until_it_succeeds([&] { crew.go([&ran, kept = live_value(1)] { ran += kept.number; }); }), 3);
    crew.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(out_of_memory, threads_wait_without_any) {
    gm::semaphore permits(1);
    gm::wait_group group;
    gm::rate_limit rate(1, 1us);
    const gm::context_source ctx;
    start_the_clock();
    permits.acquire();
    group.add();
    EXPECT_TRUE(rate.try_take());
    {
        const scarce_memory none(0);
        EXPECT_EQ(permits.acquire(1, gm::until(ctx, 1us)), channel_status::timed_out);
        EXPECT_EQ(group.wait(gm::until(ctx, 1us)), channel_status::timed_out);
        EXPECT_EQ(rate.wait(1, ctx), channel_status::ok);
    }
    EXPECT_EQ(refused, 0);
    group.done();
}

// What ends it must not fail; only its cause is then that there was no memory for one.
TEST_F(out_of_memory, context_is_cancelled_without_any) {
    for (int allocations = 0;; ++allocations) {
        const gm::context_source source;
        const gm::context_source child(source.get());
        const gm::receiver<gm::nothing> done = child.get().done();
        {
            const scarce_memory scarce(allocations);
            EXPECT_TRUE(source.cancel());
        }
        EXPECT_TRUE(child.is_done());
        EXPECT_EQ(done.receive().error(), channel_status::closed);
        if (refused == 0) {
            EXPECT_THROW(child.get().check(), gm::cancelled);
            break;
        }
        EXPECT_THROW(child.get().check(), std::bad_alloc);
    }
}

TEST_F(out_of_memory, context_is_made_or_not) {
    const gm::context_source parent;
    start_the_clock();
    until_it_succeeds([&] { const gm::context_source child(parent.get()); });
    EXPECT_GE(until_it_succeeds([&] { const gm::context_source child(parent.get(), 1h); }), 2);
    std::stop_source stop;
    EXPECT_GE(until_it_succeeds([&] { const gm::context_source child(stop.get_token(), parent.get()); }), 2);
    gm::receiver<gm::nothing> done;
    EXPECT_GE(until_it_succeeds([&] { done = parent.get().done(); }), 1);
    std::stop_token token;
    EXPECT_GE(until_it_succeeds([&] { token = parent.get().stop_token(); }), 1);
    parent.cancel();
    EXPECT_TRUE(done.closed());
    EXPECT_TRUE(token.stop_requested());
}

TEST_F(out_of_memory, after_and_tick_are_made_or_not) {
    start_the_clock();
    EXPECT_GE(until_it_succeeds([&] { static_cast<void>(gm::after(1h)); }), 2);
    EXPECT_GE(until_it_succeeds([&] { static_cast<void>(gm::after(-1h)); }), 1);
    EXPECT_GE(until_it_succeeds([&] { const gm::ticker every = gm::tick(1h); }), 2);
    gm::receiver<gm::time_point> soon;
    until_it_succeeds([&] { soon = gm::after(1us); });
    EXPECT_TRUE(soon.receive());
}

TEST_F(out_of_memory, select_takes_nothing_that_it_cannot_keep) {
    gm::channel<live_value> jobs(1);
    gm::channel<int> others(0);
    jobs.send(live_value(7));
    int got = 0;
    until_it_succeeds(
        [&] { gm::select(gm::on(others, [](int) {}), gm::on(jobs, [&](live_value job) { got = job.number; })); });
    EXPECT_EQ(got, 7);
    until_it_succeeds([&] {
        const gm::context_source ctx;
        gm::select(gm::on(others, [](int) {}), gm::on(ctx.get().done(), [](std::optional<gm::nothing>) {}),
                   gm::after(1us, [&] { ++got; }));
    });
    EXPECT_EQ(got, 8);
    jobs.send(live_value(1));
    EXPECT_EQ(jobs.receive().value().number, 1);
}

TEST_F(out_of_memory, completions_are_started_or_not) {
    gm::semaphore permits(1);
    gm::wait_group group;
    group.add();
    int told = 0;
    gm::started acquire, wait;
    EXPECT_GE(until_it_succeeds([&] { acquire = gm::start_acquire(permits, 1, [&](channel_status) { ++told; }); }), 1);
    EXPECT_EQ(told, 1);
    EXPECT_GE(until_it_succeeds([&] { wait = gm::start_wait(group, [&](channel_status) { ++told; }); }), 1);
    group.done();
    EXPECT_EQ(told, 2);
    permits.release();
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

// On a thread of a scheduler frames are kept for the next, so there is no balance to look at: the values are counted, and
// the sanitizer looks for the rest.
template <class F>
gm::task<int> refusals_of(F operation) {
    for (int allocations = 0;; ++allocations) {
        bool over = false;
        try {
            co_await operation([allocations] { fuse = allocations; },
                               [&] {
                                   fuse = -1;
                                   over = true;
                               });
        } catch (const std::bad_alloc&) {
            fuse = -1;
        }
        if (over) co_return allocations;
    }
}

// Its first wait with a context needs memory for its place in the context's list; what failed did not wait.
TEST_F(out_of_memory, coroutines_wait_or_do_not) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        const gm::context_source ctx;
        gm::semaphore permits(1);
        gm::wait_group group;
        gm::rate_limit rate(1, 1us);
        co_await gm::async_sleep(1us);
        permits.acquire();
        group.add();
        for (int which = 0; which < 4; ++which) {
            const int refusals = co_await refusals_of([&](auto scarce, auto enough) -> gm::task<> {
                gm::task_group helper;
                helper.go([&]() -> gm::task<> {
                    co_await gm::yield();
                    if (which < 2) permits.release();
                    if (which == 3) group.done();
                    co_return;
                });
                std::exception_ptr error;
                co_await gm::yield();  // the helper has its frames by now
                scarce();
                try {
                    if (which == 0) EXPECT_EQ(co_await permits.async_acquire(1, ctx), channel_status::ok);
                    if (which == 1) EXPECT_TRUE(co_await permits.async_hold(1, ctx));
                    if (which == 2) EXPECT_EQ(co_await rate.async_wait(1, ctx), channel_status::ok);
                    if (which == 3) EXPECT_EQ(co_await group.async_wait(ctx), channel_status::ok);
                    enough();
                } catch (...) {
                    fuse = -1;
                    error = std::current_exception();
                }
                co_await helper.async_wait();
                if (error && which < 2) permits.acquire();
                if (which == 3) group.add();
                if (error) std::rethrow_exception(error);
            });
            EXPECT_LE(refusals, 1);
            if (which == 1) permits.acquire();
        }
        EXPECT_EQ(permits.available(), 0u);
        group.done();
    }());
}

TEST_F(out_of_memory, task_group_go_of_a_task_adds_nothing) {
    gm::scheduler cpu({.threads = 1});
    gm::task_group group(cpu);
    std::atomic<int> ran{0};
    const int refusals = until_it_succeeds([&] {
        group.go([&ran, kept = live_value(1)]() -> gm::task<> {
            ran += kept.number;
            co_return;
        });
    });
    EXPECT_GE(refusals, 2);
    EXPECT_FALSE(group.ctx().is_done());
    group.wait();
    EXPECT_EQ(ran, 1);
}

TEST_F(out_of_memory, blocking_call_runs_or_throws) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        const bool first = gm::detail::helper_threads() == 0;
        int ran = 0;
        const int refusals = co_await refusals_of([&](auto scarce, auto enough) -> gm::task<> {
            live_value mine(2);
            scarce();
            const int got = co_await gm::blocking([&, kept = std::move(mine)] {
                ++ran;
                return kept.number;
            });
            enough();
            EXPECT_EQ(got, 2);
        });
        if (first) EXPECT_GE(refusals, 2);  // a helper and its thread
        EXPECT_EQ(ran, 1);
    }());
}

TEST_F(out_of_memory, awaited_select_takes_nothing_that_it_cannot_keep) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        gm::channel<live_value> jobs(0);
        gm::channel<int> others(0);
        gm::task_group helper;
        int got = 0;
        helper.go([&]() -> gm::task<> {
            co_await gm::yield();
            EXPECT_TRUE(co_await jobs.async_send(live_value(7)));
        });
        co_await gm::yield();  // the helper has its frames by now
        static_cast<void>(co_await refusals_of([&](auto scarce, auto enough) -> gm::task<> {
            scarce();
            co_await gm::async_select(gm::on(others, [](int) {}),
                                      gm::on(jobs, [&](live_value job) { got = job.number; }));
            enough();
        }));
        EXPECT_EQ(got, 7);
        co_await helper.async_wait();
    }());
}

#endif

}  // namespace

#endif
