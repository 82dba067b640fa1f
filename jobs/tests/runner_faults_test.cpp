// A store that is away, that hangs, that loses its answers; workers that are killed. Nothing is lost, nothing ends twice.
#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>

#include "faulty_store.hpp"
#include "support/seed.hpp"
#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::call;
using gm::test::fault;
using gm::test::faulty_store;
using gm::test::on_virtual_time;
using gm::test::workshop;

std::unique_ptr<faulty_store> faulty(faulty_store::decide how = {}) {
    return std::make_unique<faulty_store>(gm::stores::open_memory(), std::move(how));
}

struct trouble_counter : runner_observer {
    std::atomic<int> times{0}, over{0}, lost_claims{0}, hung{0};
    std::atomic<unsigned> longest{0};
    void trouble(const trouble_event& e) noexcept override {
        ++(e.error ? times : over);
        longest = std::max(longest.load(), e.times);
    }
    void lost(const attempt_event&) noexcept override { ++lost_claims; }
    void wedged(std::chrono::nanoseconds) noexcept override { ++hung; }
};

// Away for ten minutes while a job ends: what it brought is kept and told again, with pauses, until the store has it. Beats are
// lost, too, but nobody else is there to take the claim.
TEST(runner_faults, end_of_a_job_is_kept_while_the_store_is_away) {
    on_virtual_time([] {
        bool away = false;
        trouble_counter watch;
        auto store = faulty([&](call) { return away ? fault::before : fault::none; });
        faulty_store& books = *store;
        workshop shop({.observer = &watch}, std::move(store));
        shop.kinds.add("k", [](const body&) { return gm::sleep(10s), 7; });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        away = true;
        gm::sleep(10min);
        EXPECT_EQ(shop.look(id).state, state::running);
        EXPECT_EQ(shop.runner->snapshot().unsettled, 1u);
        EXPECT_TRUE(shop.runner->snapshot().store_away);
        EXPECT_EQ(shop.runner->snapshot().trouble, "the store is away");
        const int times = watch.times;
        EXPECT_GT(times, 100);  // every five seconds at least, of two threads …
        EXPECT_LT(times, 800);  // … and no more often than that
        away = false;
        gm::sleep(7s);
        EXPECT_EQ(result_of<int>(shop.look(id)).value(), 7);
        EXPECT_FALSE(shop.runner->snapshot().store_away);
        EXPECT_GT(watch.over, 0);
        EXPECT_EQ(books.books()[id].ends, 1);
        EXPECT_EQ(books.books()[id].deliveries, 1);
    });
}

TEST(runner_faults, end_whose_answer_was_lost_is_told_again_and_counts_once) {
    on_virtual_time([] {
        int exchanges = 0;
        auto store = faulty(
            [&](call what) { return what == call::exchange && ++exchanges % 2 == 0 ? fault::after : fault::none; });
        faulty_store& books = *store;
        workshop shop({}, std::move(store));
        int ran = 0;
        shop.kinds.add("k", [&](const body&) { ++ran; });
        shop.run();
        for (int i = 0; i != 20; ++i) EXPECT_EQ(shop.end_of(shop.put("k")).attempts, 1);
        gm::sleep(1min);
        const runner_report& report = shop.stop();
        EXPECT_EQ(report.counts.completed, 20u);
        EXPECT_EQ(report.counts.lost, 0u);
        EXPECT_EQ(ran, 20);
        for (const auto& [id, book] : books.books()) EXPECT_EQ(book.ends, 1);
    });
}

TEST(runner_faults, subscribe_is_tried_until_the_store_is_there) {
    on_virtual_time([] {
        int tries = 0;
        workshop shop({}, faulty([&](call what) {
                          return what == call::subscribe && ++tries < 10 ? fault::before : fault::none;
                      }));
        shop.kinds.add("k", [](const body&) {});
        shop.run();
        EXPECT_EQ(shop.end_of(shop.put("k")).state, state::completed);
        EXPECT_EQ(tries, 10);
    });
}

// The store is opened with narrower limits than the runner knows of: one end that it will not take must not hold up the others.
TEST(runner_faults, end_that_the_store_refuses_is_a_dead_job_and_the_others_go_on) {
    on_virtual_time([] {
        workshop shop({.workers = 3}, gm::stores::open_memory({.limits = {.result = 100}}));
        shop.kinds.add<int>("k", [](int n) { return std::string(static_cast<std::size_t>(n), 'x'); });
        std::vector<job_id> ids;
        for (const int size : {1, 1000, 2, 2000, 3}) ids.push_back(shop.put("k", size));
        shop.run();
        for (const job_id id : ids) {
            const record end = shop.end_of(id);
            EXPECT_EQ(end.state, id == ids[1] || id == ids[3] ? state::dead : state::completed);
        }
        EXPECT_TRUE(shop.stop());
    });
}

TEST(runner_faults, stop_does_not_wait_for_a_store_that_stays_away) {
    on_virtual_time([] {
        bool away = false;
        workshop shop({}, faulty([&](call) { return away ? fault::before : fault::none; }));
        shop.kinds.add("k", [](const body&) { gm::sleep(1s); });
        shop.run();
        shop.put("k");
        gm::sleep(500ms);
        away = true;
        gm::sleep(1s);
        const gm::time_point asked = gm::now();
        const runner_report& report = shop.stop();
        EXPECT_FALSE(report);
        EXPECT_EQ(report.unsettled, 1u);
        EXPECT_EQ(report.error->what, "the store is away");
        EXPECT_LE(gm::now() - asked, 31s);
    });
}

// A worker whose beats do not arrive loses its claims; another one runs its job, and the first hears of it.
TEST(runner_faults, lost_claim_stops_its_handler_and_what_it_brings_is_dropped) {
    on_virtual_time([] {
        trouble_counter watch;
        auto store = faulty();
        faulty_store& faults = *store;
        workshop shop({.name = "first", .observer = &watch}, std::move(store));
        int starts = 0;
        bool told = false;
        shop.kinds.add("k", [&](const body&, attempt& self) {
            if (++starts == 2) return 2;
            static_cast<void>(gm::sleep(24h, self.context()));
            told = self.stop_reason() == stop_reason::lease_lost;
            EXPECT_THROW(self.context().check(), lease_lost);
            EXPECT_THROW(self.step("s", [] {}), lease_lost);
            return 1;
        });
        faults.mute("first");
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        runner second(*shop.store, shop.kinds, {.workers = 1, .name = "second"});
        gm::context_source quit;
        gm::wait_group other;
        other.go([&] { EXPECT_TRUE(second.run(quit)); });
        const record end = shop.end_of(id);
        EXPECT_EQ(result_of<int>(end).value(), 2);
        EXPECT_EQ(end.crashes, 1);
        EXPECT_FALSE(told);
        faults.mute("first", false);
        gm::sleep(6s);
        EXPECT_TRUE(told);
        EXPECT_EQ(watch.lost_claims, 1);
        EXPECT_EQ(shop.stop().counts.lost, 1u);
        EXPECT_EQ(faults.books()[id].ends, 1);
        quit.cancel();
        other.wait();
    });
}

// Found by the storm: a process that was frozen for longer than its lease started, when it went on, what it had at hand; others
// had finished that meanwhile.
TEST(runner_faults, job_at_hand_does_not_start_when_the_lease_has_run_out) {
    on_virtual_time([] {
        bool hang = false;
        auto store = faulty([&](call what) {
            if (what == call::exchange && std::exchange(hang, false)) gm::sleep(60s);
            return fault::none;
        });
        workshop shop({.workers = 1, .name = "first", .lease = 3s, .wedged = 1s}, std::move(store));
        std::vector<std::string> starts;
        shop.kinds.add("quick", [](const body&) { gm::sleep(1ms); });
        shop.kinds.add("long", [&](const body&, attempt& self) {
            if (self.crashes() != 0) return;
            hang = true;
            static_cast<void>(shop.put("quick"));  // so that the next exchange comes before what is at hand goes back
            gm::sleep(30s);
        });
        shop.kinds.add("at hand", [&](const body&, attempt& self) {
            starts.push_back(self.crashes() == 0 ? "with the first" : "with the second");
        });
        for (int i = 0; i != 200; ++i) shop.put("quick");
        shop.put("long");
        const job_id id = shop.put("at hand");
        shop.run();
        gm::sleep(10s);
        runner second(*shop.store, shop.kinds, {.workers = 1, .name = "second", .lease = 3s});
        gm::context_source quit;
        gm::wait_group other;
        other.go([&] { EXPECT_TRUE(second.run(quit)); });
        EXPECT_EQ(shop.end_of(id).worker, "second");
        gm::sleep(2min);
        EXPECT_EQ(starts, std::vector<std::string>{"with the second"});
        EXPECT_EQ(shop.look(id).epoch, 2);
        shop.stop();
        quit.cancel();
        other.wait();
    });
}

TEST(runner_faults, exchange_that_hangs_stops_the_beats_so_that_others_may_have_the_jobs) {
    on_virtual_time([] {
        trouble_counter watch;
        gm::time_point last_beat{};
        bool hang = false;
        auto store = faulty([&](call what) {
            if (what == call::exchange && std::exchange(hang, false)) gm::sleep(10min);
            if (what == call::beat) last_beat = gm::now();
            return fault::none;
        });
        workshop shop({.observer = &watch}, std::move(store));
        shop.kinds.add("k", [](const body&) {});
        shop.run();
        gm::sleep(1s);
        hang = true;
        const gm::time_point start = gm::now();
        const job_id id = shop.put("k");
        gm::sleep(5min);
        EXPECT_GE(last_beat - start, 20s);
        EXPECT_LE(last_beat - start, 35s);
        EXPECT_EQ(watch.hung, 1);
        EXPECT_EQ(shop.end_of(id).state, state::completed);
        gm::sleep(10s);
        EXPECT_GE(last_beat - start, 10min);
    });
}

TEST(runner_faults, long_job_on_every_worker_does_not_stop_the_beats) {
    on_virtual_time([] {
        workshop shop({.workers = 1});
        shop.kinds.add("k", [](const body&) { gm::sleep(1h); });
        shop.run();
        const job_id id = shop.put("k"), next = shop.put("k");
        gm::sleep(59min);
        EXPECT_TRUE(shop.store->ledger()->workers().value().at(0).alive);
        EXPECT_EQ(shop.end_of(id).crashes, 0);
        const gm::time_point began = gm::now();
        shop.end_of(next);
        EXPECT_LE(gm::now() - began, 1h + 2s);  // it began as soon as the first was over
    });
}

// ---- suspects ----

// Twelve jobs are in hand when their worker dies. Each of them is claimed alone from then on, and ordinary ones that come
// meanwhile have their turns.
TEST(runner_suspects, are_claimed_alone_and_neither_they_nor_others_starve) {
    on_virtual_time([] {
        auto store = faulty();
        faulty_store& books = *store;
        workshop shop({.workers = 4}, std::move(store));
        std::set<job_id> running;
        int together = 0, quick = 0;
        bool first = true;
        shop.kinds.add("k", [&](const body&, attempt& self) {
            running.insert(self.id());
            if (first) gm::sleep(1s);
            if (self.crashes() > 0) {
                together += running.size() > 1;
                gm::sleep(100ms);
                together += running.size() > 1;
            }
            running.erase(self.id());
        });
        shop.kinds.add("quick", [&](const body&, attempt& self) {
            running.insert(self.id());
            gm::sleep(10ms);
            running.erase(self.id());
            ++quick;
        });
        shop.run();
        std::vector<job_id> ids;
        for (int i = 0; i != 4; ++i) ids.push_back(shop.put("k"));
        gm::sleep(500ms);
        books.kill_workers();
        first = false;
        gm::sleep(1s);
        shop.runner->hurry();
        EXPECT_EQ(shop.stop().unsettled, 4u);
        shop.run();
        gm::sleep(14s);  // the lease of the dead one runs out
        for (int i = 0; i != 200; ++i) shop.put("quick");
        for (const job_id id : ids) {
            const record end = shop.end_of(id);
            EXPECT_EQ(end.state, state::completed);
            EXPECT_EQ(end.crashes, 1);
        }
        EXPECT_EQ(together, 0);
        for (int i = 0; i != 400; ++i) gm::sleep(25ms);
        EXPECT_EQ(quick, 200);
    });
}

TEST(runner_suspects, long_jobs_do_not_keep_them_waiting_for_ever) {
    on_virtual_time([] {
        auto store = faulty();
        faulty_store& books = *store;
        workshop shop({.workers = 3}, std::move(store));
        shop.kinds.add("suspect", [](const body&) { gm::sleep(1s); });
        shop.kinds.add<int>("long", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.run();
        const job_id suspect = shop.put("suspect");
        gm::sleep(500ms);
        books.kill_workers();
        shop.runner->hurry();
        static_cast<void>(shop.stop());
        for (int i = 0; i != 100; ++i) shop.put("long", 40 + i % 7);  // more than there is time for
        shop.run();
        const gm::time_point start = gm::now();
        EXPECT_EQ(shop.end_of(suspect).crashes, 1);
        EXPECT_LE(gm::now() - start, 4min);
        shop.options.until_idle = true;
        gm::sleep(1h);
        EXPECT_EQ(shop.store->ledger()->count({.states = {state::completed}}).value(), 101u);
    });
}

// ---- everything at once ----

// Two workers, a store that fails at any call, before and after it, and workers that are killed again and again.
TEST(runner_stress, nothing_is_lost_or_ends_twice_whatever_fails) {
    const std::uint64_t seed = gm::test::seed();
    const auto end = std::chrono::steady_clock::now() + gm::test::stress_time();
    for (std::uint64_t round = 0; std::chrono::steady_clock::now() < end; ++round) {
        SCOPED_TRACE(seed + round);
        gm::test::random_source dice(seed + round);
        gm::virtual_time day({.seed = seed + round, .horizon = 24h * 365});
        const gm::virtual_report report = day.run([&] {
            bool calm = false;
            auto store = faulty([&](call what) {
                if (calm || what == call::publish || !dice.one_in(10)) return fault::none;
                if (dice.one_in(20)) gm::sleep(std::chrono::seconds(dice.below(40)));
                return dice.one_in(2) ? fault::before : fault::after;
            });
            faulty_store& books = *store;
            workshop shop({.workers = 3}, std::move(store));
            std::map<job_id, int> ran;
            shop.kinds.add<int>("k",
                                [&](int i, attempt& self) {
                                    ++ran[self.id()];
                                    const bool slept = gm::sleep(std::chrono::milliseconds(i * 37 % 1000),
                                                                 self.context()) == gm::channel_status::ok;
                                    if (!slept) self.context().check();
                                    if (i % 5 == 0) self.log("five");
                                    if (i % 7 == 0 && self.number() == 1) throw std::runtime_error("seven");
                                },
                                {.retry = {.first = 1s}});
            const int n = 200;
            std::vector<job_id> ids;
            for (int i = 0; i != n; ++i) ids.push_back(shop.put("k", i));
            for (int kills = 0; kills != 4; ++kills) {
                shop.run();
                gm::sleep(std::chrono::seconds(1 + dice.below(20)));
                if (kills < 2) books.kill_workers();  // its handlers go on, and what they bring goes nowhere
                shop.runner->hurry();
                static_cast<void>(shop.stop());
            }
            calm = true;
            shop.run();
            for (const job_id id : ids) EXPECT_TRUE(is_over(shop.end_of(id).state));
            static_cast<void>(shop.stop());
            for (const auto& [id, book] : books.books()) {
                EXPECT_EQ(book.ends, 1) << id.number;
                EXPECT_FALSE(book.started_after_end) << id.number;
            }
            EXPECT_EQ(books.books().size(), static_cast<std::size_t>(n));
        });
        EXPECT_TRUE(report) << report.text();
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
