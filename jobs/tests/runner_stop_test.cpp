// How a run is stopped, and what becomes of what it had.
#include <atomic>
#include <stdexcept>

#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;

TEST(runner_stop, what_has_not_started_goes_back_at_once_and_what_runs_has_its_grace) {
    on_virtual_time([] {
        workshop shop({.workers = 2, .grace = 25s, .last_grace = 5s});
        shop.kinds.add<int>("k", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.run();
        std::vector<job_id> ids;
        for (int i = 0; i != 5; ++i) ids.push_back(shop.put("k", 20));
        gm::sleep(1s);
        const gm::time_point asked = gm::now();
        const runner_report& report = shop.stop();
        EXPECT_EQ(gm::now() - asked, 19s);
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.completed, 2u);
        EXPECT_EQ(report.counts.interrupted, 0u);
        EXPECT_EQ(shop.store->ledger()->count({.states = {state::available}}).value(), 3u);
    });
}

TEST(runner_stop, handler_that_obeys_is_interrupted_and_its_attempt_does_not_count) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            EXPECT_EQ(self.stop_reason(), stop_reason::stopping);
            self.context().check();
        });
        shop.kinds.add("throws", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            throw std::runtime_error("the connection is gone");  // for that reason
        });
        shop.run();
        const job_id a = shop.put("k"), b = shop.put("throws");
        gm::sleep(1s);
        const gm::time_point asked = gm::now();
        const runner_report& report = shop.stop();
        EXPECT_EQ(gm::now() - asked, 25s);
        EXPECT_TRUE(report);
        EXPECT_EQ(report.counts.interrupted, 2u);
        for (const job_id id : {a, b}) {
            const record job = shop.look(id);
            EXPECT_EQ(job.state, state::available);
            EXPECT_EQ(job.attempts, 0);
            EXPECT_EQ(job.interruptions, 1);
        }
    });
}

TEST(runner_stop, success_after_the_word_stands) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) { static_cast<void>(gm::sleep(1h, self.context())); });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        EXPECT_TRUE(shop.stop());
        EXPECT_EQ(shop.look(id).state, state::completed);
    });
}

TEST(runner_stop, hurry_skips_the_grace) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&, attempt& self) {
            static_cast<void>(gm::sleep(1h, self.context()));
            self.context().check();
        });
        shop.run();
        const job_id id = shop.put("k");
        gm::sleep(1s);
        shop.quit->cancel();
        gm::sleep(3s);
        EXPECT_EQ(shop.look(id).state, state::running);
        EXPECT_EQ(shop.runner->snapshot().state, run_state::stopping);
        const gm::time_point asked = gm::now();
        shop.runner->hurry();
        EXPECT_TRUE(shop.stop());
        EXPECT_EQ(gm::now(), asked);
        EXPECT_EQ(shop.look(id).state, state::available);
    });
}

// Its thread goes on, so its claim is not given back: that ends with the lease, and only then somebody else runs it.
TEST(runner_stop, handler_that_does_not_obey_keeps_its_claim_until_the_lease_has_run_out) {
    const std::size_t before = abandoned_runs();
    on_virtual_time(
        [] {
            auto shop = std::make_unique<workshop>(runner_options{.grace = 2s, .last_grace = 1s});
            std::atomic<int> starts{0};
            shop->kinds.add("k", [&](const body&) {
                if (++starts == 1) gm::sleep(24h * 300);
            });
            shop->run();
            const job_id id = shop->put("k");
            gm::sleep(1s);
            const gm::time_point asked = gm::now();
            const runner_report report = shop->stop();
            EXPECT_EQ(gm::now() - asked, 3s);
            EXPECT_FALSE(report);
            EXPECT_EQ(report.unfinished, 1u);
            EXPECT_EQ(report.counts.started, 1u);
            EXPECT_EQ(shop->look(id).state, state::running);
            shop->run();
            const record end = shop->end_of(id);
            EXPECT_GE(gm::now() - asked, 14s);
            EXPECT_EQ(end.state, state::completed);
            EXPECT_EQ(end.crashes, 1);
            EXPECT_TRUE(shop->stop());
            static_cast<void>(shop.release());  // the handler that is still out may use it
        },
        1, 1);
    EXPECT_EQ(abandoned_runs(), before + 1);
}

TEST(runner_stop, run_can_begin_again) {
    on_virtual_time([] {
        workshop shop;
        shop.kinds.add("k", [](const body&) {});
        for (int i = 0; i != 3; ++i) {
            shop.run();
            EXPECT_EQ(shop.end_of(shop.put("k")).state, state::completed);
            EXPECT_TRUE(shop.stop());
        }
    });
}

}  // namespace
