#include <gristmill/blocking.hpp>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>
#include <gristmill/scheduler.hpp>
#include <gristmill/semaphore.hpp>
#include <gristmill/task_group.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>
#include <gristmill/wait_group.hpp>
#include <live_value.hpp>
#include <short_of_threads.hpp>

namespace {

using namespace std::chrono_literals;
using gm_test::live_value;

class blocking : public gm_test::live_values {};
using blocking_death = blocking;

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST_F(blocking, values_references_and_exceptions_come_back) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        const std::thread::id here = std::this_thread::get_id();
        std::thread::id there;
        EXPECT_EQ(co_await gm::blocking([&] {
                      there = std::this_thread::get_id();
                      return 42;
                  }),
                  42);
        EXPECT_NE(there, here);
        EXPECT_EQ(std::this_thread::get_id(), here);  // its scheduler's only thread
        int place = 0;
        int& same = co_await gm::blocking([&]() -> int& { return place; });
        EXPECT_EQ(&same, &place);
        co_await gm::blocking([] {});
        auto moved = co_await gm::blocking([] { return std::make_unique<live_value>(7); });
        EXPECT_EQ(moved->number, 7);
        EXPECT_THROW(co_await gm::blocking([] { throw std::runtime_error("there"); }), std::runtime_error);
        EXPECT_THROW(co_await gm::blocking([]() -> int { throw 5; }), int);
    }());
}

TEST_F(blocking, calls_may_wait_for_each_other) {
    gm::scheduler cpu({.threads = 1});
    gm::wait_group over;
    std::latch together(8);
    over.add(8);
    for (int i = 0; i < 8; ++i)
        cpu.spawn([](std::latch& meet, gm::wait_group& tell) -> gm::task<> {
            co_await gm::blocking([&] { meet.arrive_and_wait(); });  // only if all eight run at once
            tell.done();
        }(together, over));
    over.wait();
}

TEST_F(blocking, blocking_waits_of_the_library_are_allowed_there) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([](gm::scheduler& on) -> gm::task<> {
        gm::channel<int> values(0);
        gm::wait_group over;
        over.add();
        on.spawn([](gm::channel<int> to, gm::wait_group& tell) -> gm::task<> {
            co_await to.async_send(3);
            tell.done();
        }(values, over));
        EXPECT_EQ(co_await gm::blocking([&] { return values.receive().value(); }), 3);
        co_await over.async_wait();
    }(cpu));
}

TEST_F(blocking, helpers_are_reused) {
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([]() -> gm::task<> {
        for (int i = 0; i < 200; ++i) co_await gm::blocking([] {});
    }());
    EXPECT_LE(gm::detail::helper_threads(), 12u);  // what the tests before left, and hardly one more
}

TEST_F(blocking, destroyed_coroutine_waits_for_its_call) {
    std::atomic<bool> ended{false};
    std::latch begun(1);
    gm::channel<int> gate(0);
    std::jthread opener;
    {
        gm::scheduler cpu({.threads = 1});
        cpu.spawn([](std::atomic<bool>& tell, std::latch& start, gm::channel<int> hold) -> gm::task<> {
            live_value mine(5);
            co_await gm::blocking([&] {
                start.count_down();
                static_cast<void>(hold.receive());
                EXPECT_EQ(mine.number, 5);
                tell = true;
            });
            static_cast<void>(co_await gm::channel<int>(0).async_receive());
        }(ended, begun, gate));
        begun.wait();
        opener = std::jthread([&] { gate.send(1); });
        EXPECT_EQ(cpu.shutdown(0ms).unfinished, 1u);
        EXPECT_TRUE(ended);
    }
}

TEST_F(blocking, call_that_gets_no_thread_throws_and_the_next_one_runs) {
    if (!gm_test::can_run_short_of_threads) GTEST_SKIP() << "cannot take the threads away from this build";
    gm::scheduler cpu({.threads = 1});
    cpu.block_on([](std::size_t idle) -> gm::task<> {
        gm::semaphore busy(1);
        busy.acquire();
        gm::task_group crew;  // whoever is idle from the tests before is given something to do
        for (std::size_t i = 0; i < idle; ++i)
            crew.go([&]() -> gm::task<> { co_await gm::blocking([&] { const gm::permit wait = busy.hold(); }); });
        co_await gm::yield();
        {
            const gm_test::no_threads here;
            bool ran = false;
            std::string why;
            try {
                co_await gm::blocking([&, kept = live_value(1)] { ran = true; });
            } catch (const std::system_error& refused) {
                why = refused.what();
            }
            EXPECT_NE(why.find("refused"), std::string::npos) << why;
            EXPECT_FALSE(ran);
            EXPECT_EQ(live_value::alive, 0);
        }
        EXPECT_EQ(co_await gm::blocking([] { return 3; }), 3);
        busy.release();
        co_await crew.async_wait();
    }(gm::detail::helper_threads()));
}

TEST_F(blocking_death, empty_function_stops_with_the_place) {
    EXPECT_DEATH(static_cast<void>(gm::blocking(std::function<void()>())), "empty function.*blocking_test.cpp");
}

TEST_F(blocking, in_virtual_time_runs_in_the_world) {
    gm::virtual_time world({.horizon = 1h});
    const auto report = world.run([]() -> gm::task<> {
        const gm::time_point start = gm::now();
        EXPECT_EQ(co_await gm::blocking([] {
                      gm::sleep(30min);
                      return 1;
                  }),
                  1);
        EXPECT_EQ(gm::now() - start, 30min);
    });
    EXPECT_TRUE(report) << report.text();
}

#endif

}  // namespace
