// The runner on real threads: throughput under faults, kills, resizes and stops, all at once; idleness.
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include "faulty_store.hpp"
#include "support/seed.hpp"
#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::call;
using gm::test::fault;
using gm::test::faulty_store;
using gm::test::workshop;

TEST(runner_threads, every_job_runs_and_ends_once) {
    workshop shop({.workers = 4});
    constexpr int n = 20'000;
    std::vector<std::atomic<int>> ran(n);
    shop.kinds.add<int>("k", [&](int i) { ++ran[static_cast<std::size_t>(i)]; });
    shop.run();
    std::vector<std::vector<int>> parts(4);
    for (int i = 0; i != n; ++i) parts[static_cast<std::size_t>(i % 4)].push_back(i);
    gm::wait_group producers;
    for (const auto& part : parts)
        producers.go([&] {
            for (std::size_t i = 0; i < part.size(); i += 50)
                EXPECT_TRUE(
                    shop.client.insert_all("k", std::vector(part.begin() + static_cast<std::ptrdiff_t>(i),
                                                            part.begin() + static_cast<std::ptrdiff_t>(i + 50))));
        });
    producers.wait();
    const job_id last = shop.put("k", 0);
    shop.end_of(last);
    const filter completed{.states = {state::completed}};
    while (shop.store->ledger()->count(completed).value() != n + 1) std::this_thread::yield();
    const runner_report& report = shop.stop();
    EXPECT_TRUE(report);
    EXPECT_EQ(report.counts.completed, n + 1u);
    EXPECT_EQ(ran[0], 2);
    for (int i = 1; i != n; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], 1);
}

TEST(runner_threads, nothing_is_lost_or_ends_twice_whatever_fails) {
    const std::uint64_t seed = gm::test::seed();
    std::mutex dice_guard;
    gm::test::random_source dice(seed);
    const auto roll = [&](std::uint64_t n) {
        const std::lock_guard hold(dice_guard);
        return dice.below(n);
    };
    std::atomic<bool> calm = false;
    auto store = std::make_unique<faulty_store>(gm::stores::open_memory(), [&](call what) {
        if (calm || what == call::publish || roll(20) != 0) return fault::none;
        return roll(2) != 0 ? fault::before : fault::after;
    });
    faulty_store& books = *store;
    workshop shop({.workers = 3, .coroutines = 20, .lease = 300ms, .beat = 60ms, .grace = 50ms, .last_grace = 2s},
                  std::move(store));
    shop.kinds.add<int>("function",
                        [&](int i, attempt& self) {
                            if (i % 50 == 0) self.log("fifty");
                            if (i % 70 == 0) static_cast<void>(gm::sleep(20ms, self.context()));
                            self.context().check();
                            if (i % 90 == 0 && self.number() == 1) throw std::runtime_error("ninety");
                        },
                        {.timeout = 10s, .retry = {.first = 1ms}});
#ifndef GRISTMILL_NO_COROUTINE_TESTS
    shop.kinds.add<int>("coroutine", [&](int i, attempt& self) -> gm::task<> {
        static_cast<void>(co_await gm::async_sleep(std::chrono::milliseconds(i % 5), self.context()));
        self.context().check();
    });
    const char* const other = "coroutine";
#else
    const char* const other = "function";
#endif
    std::vector<job_id> ids;
    const auto end = std::chrono::steady_clock::now() + gm::test::stress_time();
    while (std::chrono::steady_clock::now() < end) {
        shop.run();
        for (int i = 0; i != 400; ++i) ids.push_back(shop.put(i % 3 == 0 ? other : "function", i));
        shop.runner->resize(1 + static_cast<unsigned>(roll(6)));
        static_cast<void>(shop.runner->snapshot());
        static_cast<void>(shop.client.cancel(ids[roll(ids.size())]));
        if (roll(3) == 0) books.kill_workers();
        if (roll(2) == 0) shop.runner->hurry();
        EXPECT_EQ(shop.stop().unfinished, 0u);
    }
    calm = true;
    shop.run();
    for (const job_id id : ids) EXPECT_TRUE(is_over(shop.end_of(id).state));
    EXPECT_TRUE(shop.stop());
    for (const auto& [id, book] : books.books()) {
        EXPECT_LE(book.ends, 1) << id.number;
        EXPECT_FALSE(book.started_after_end) << id.number;
    }
}

}  // namespace
