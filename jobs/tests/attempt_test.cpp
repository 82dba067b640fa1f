// What a handler can do and see: its context, progress, log, steps, follow-up jobs.
#include <gristmill/jobs/attempt.hpp>

#include <stdexcept>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

std::string log_of(workshop& shop, job_id id) {
    std::string all;
    const auto parts = shop.store->ledger()->logs(id);
    EXPECT_TRUE(parts);
    for (const log_part& each : *parts) all += each.text;
    return all;
}

TEST(attempt, progress_is_seen_within_a_second_and_at_the_end) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            self.progress(0.2);
            self.progress(0.4, "two of five");
            gm::sleep(10s);
            self.progress(7, "over");
        });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1100ms);
        const auto half = shop.client.progress(id).value().value();
        EXPECT_EQ(half.state, state::running);
        EXPECT_EQ(half.share, 0.4);
        EXPECT_EQ(half.note, "two of five");
        const record end = shop.end_of(id);
        EXPECT_EQ(end.progress, 1);
        EXPECT_EQ(end.note, "over");
    });
}

TEST(attempt, log_is_seen_within_a_second_and_at_the_end) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            self.log("first");
            self.log() << "number " << 2;
            gm::sleep(10s);
            self.log("last\n");
            throw give_up("no");
        });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1100ms);
        EXPECT_EQ(log_of(shop, id), "first\nnumber 2\n");
        EXPECT_EQ(shop.end_of(id).state, state::dead);
        EXPECT_EQ(log_of(shop, id), "first\nnumber 2\nlast\n");
    });
}

TEST(attempt, log_that_the_store_cannot_follow_loses_lines_and_says_how_many) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            for (int i = 0; i != 1000; ++i) self.log(std::string(999, 'x'));  // nobody else runs meanwhile
        });
        shop.run();
        const job_id id = shop.put("k");
        EXPECT_EQ(shop.end_of(id).state, state::completed);
        const std::string log = log_of(shop, id);
        EXPECT_LE(log.size(), 66'000u);
        EXPECT_NE(log.find(" bytes left out]"), std::string::npos);
    });
}

TEST(attempt, step_runs_once_and_its_result_is_recalled_by_later_attempts) {
    on_virtual_time([] {
        workshop shop;
        int ran = 0, attempts = 0;
        shop.kinds.add("k",
                       [&](const body&, attempt& self) {
                           ++attempts;
                           const int n = self.step("count", [&] { return ++ran; });
                           EXPECT_EQ(self.step("count", [&] { return ++ran; }), n);  // the same name: the same step
                           self.step("send", [&] { ++ran; });
                           if (attempts < 3) throw std::runtime_error("again");
                           return n;
                       },
                       {.retry = {.first = 1s}});
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(result_of<int>(end).value(), 1);
        EXPECT_EQ(ran, 2);
        EXPECT_EQ(attempts, 3);
    });
}

TEST(attempt, step_that_throws_is_not_recorded) {
    on_virtual_time([] {
        workshop shop;
        int ran = 0;
        shop.kinds.add("k",
                       [&](const body&, attempt& self) {
                           return self.step("s", [&] { return ++ran < 3 ? throw std::runtime_error("no") : ran; });
                       },
                       {.retry = {.first = 1s}});
        shop.run();
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("k"))).value(), 3);
    });
}

TEST(attempt, recorded_step_of_another_type_makes_the_job_dead) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k",
                       [&](const body&, attempt& self) {
                           if (self.number() == 2) return self.step("s", [] { return 1; });
                           self.step("s", [] { return std::string("text"); });
                           throw std::runtime_error("again");
                       },
                       {.retry = {.first = 1s}});
        shop.run();
        const record end = shop.end_of(shop.put("k"));
        EXPECT_EQ(end.state, state::dead);
        EXPECT_EQ(end.errors.back().error,
                  "the recorded step 's' is something else now: $: expected an integer, got a string");
    });
}

TEST(attempt, follow_up_jobs_are_inserted_from_inside) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<int>("countdown", [](int n, attempt& self) {
            if (n == 0) return 0;
            const auto next = self.insert("countdown", n - 1, {.delay = 1h});
            EXPECT_TRUE(next);
            return static_cast<int>(next->id.number);
        });
        shop.run();
        job_id id = shop.put("countdown", 3);
        for (int i = 0; i != 3; ++i) id = {result_of<int>(shop.end_of(id)).value()};
        EXPECT_EQ(result_of<int>(shop.end_of(id)).value(), 0);
    });
}

TEST(attempt, follow_up_of_a_known_kind_goes_to_its_queue_and_is_checked) {
    on_virtual_time([] {
        workshop shop({.queues = {"default", "slow"}});
        shop.kinds.add<int>("follow-up", [](int) {}, {.queue = "slow"});
        shop.kinds.add("k", [](const body&, attempt& self) {
            EXPECT_FALSE(self.insert("follow-up", std::string("no number")));
            EXPECT_TRUE(self.insert("somebody else's", 1));
            return static_cast<int>(self.insert("follow-up", 1)->id.number);
        });
        shop.run();
        const job_id next{result_of<int>(shop.end_of(shop.put("k"))).value()};
        EXPECT_EQ(shop.end_of(next).queue, "slow");
    });
}

TEST(attempt, cancel_of_a_running_job_reaches_its_context_by_the_next_beat) {
    on_virtual_time([] {
        workshop shop;
        gm::time_point told{};
        shop.kinds.add("k", [&](const body&, attempt& self) {
            EXPECT_EQ(gm::sleep(1h, self.context()), gm::channel_status::cancelled);
            EXPECT_EQ(self.stop_reason(), stop_reason::cancelled);
            EXPECT_TRUE(self.stop_token().stop_requested());
            told = gm::now();
            EXPECT_THROW(self.context().check(), gm::jobs::cancelled);
            self.context().check();
        });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(7s);
        const gm::time_point asked = gm::now();
        EXPECT_TRUE(shop.client.cancel(id).value());
        const record end = shop.end_of(id);
        EXPECT_EQ(end.state, state::cancelled);
        EXPECT_LE(told - asked, 5s);
    });
}

TEST(attempt, success_beats_the_cancel_and_an_error_after_it_is_cancelled) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add<bool>("k", [](bool well, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            if (!well) throw try_again(1s, "interrupted");
        });
        shop.run();
        const job_id good = shop.put("k", true), bad = shop.put("k", false);
        gm::sleep(1s);
        EXPECT_TRUE(shop.client.cancel(good).value());
        EXPECT_TRUE(shop.client.cancel(bad).value());
        EXPECT_EQ(shop.end_of(good).state, state::completed);
        EXPECT_EQ(shop.end_of(bad).state, state::cancelled);
    });
}

#ifndef GRISTMILL_NO_COROUTINE_TESTS

TEST(attempt, steps_of_a_coroutine_are_awaited) {
    on_virtual_time([] {
        workshop shop;
        int ran = 0;
        shop.kinds.add("k",
                       [&](const body&, attempt& self) -> gm::task<int> {
                           const int a = co_await self.async_step("plain", [&] { return ++ran; });
                           const int b = co_await self.async_step("task", [&]() -> gm::task<int> {
                               co_await gm::async_sleep(1s);
                               co_return ++ran;
                           });
                           co_await self.async_step("void", [&] { ++ran; });
                           if (self.number() == 1) throw std::runtime_error("again");
                           co_return a * 10 + b;
                       },
                       {.retry = {.first = 1s}});
        shop.run();
        EXPECT_EQ(result_of<int>(shop.end_of(shop.put("k"))).value(), 12);
        EXPECT_EQ(ran, 3);
    });
}

#endif

}  // namespace
