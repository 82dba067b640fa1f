// A run that ends when there is nothing left to do.
#include <memory>
#include <string>
#include <vector>

#include "faulty_store.hpp"
#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::call;
using gm::test::fault;
using gm::test::faulty_store;
using gm::test::on_virtual_time;
using gm::test::workshop;

TEST(runner_until_idle, ends_when_there_is_nothing_left_now_or_later) {
    on_virtual_time([] {
        workshop shop({.until_idle = true});
        shop.kinds.add<int>("k", [](int n, attempt& self) {
            if (n != 0) {
                EXPECT_TRUE(self.insert("k", n - 1, {.delay = 1h}));
            }
        });
        const job_id id = shop.put("k", 3);
        shop.run();
        shop.thread.wait();
        EXPECT_EQ(shop.report.counts.completed, 4u);
        EXPECT_EQ(shop.look(id).state, state::completed);
    });
}

TEST(runner_until_idle, waits_for_what_others_run_and_what_comes_of_it) {
    on_virtual_time([] {
        workshop shop({.name = "other"});
        shop.kinds.add("long", [](const body&) { gm::sleep(10s); });
        shop.kinds.add<std::string>("note", [](const std::string&) {});
        shop.run();
        const job_id parent = shop.put("long");
        gm::sleep(1s);
        static_cast<void>(shop.put("note", std::string("child"), {.after = {parent}}));
        registry notes;  // the one that drains knows the child alone
        std::vector<std::string> read;
        notes.add<std::string>("note", [&](const std::string& text) { read.push_back(text); });
        shop.quit->cancel();  // takes nothing new; what runs goes on
        const runner_report drained = runner(*shop.store, notes, {.workers = 1, .until_idle = true}).run();
        EXPECT_TRUE(drained);
        EXPECT_EQ(drained.counts.completed, 1u);
        EXPECT_EQ(read, std::vector<std::string>{"child"});
    });
}

// PostgreSQL rings five times a second, heard or not; across an ocean, or with a million dead rows to pass over, a look takes longer.
TEST(runner_until_idle, ends_though_the_bell_rings_during_every_look) {
    on_virtual_time([] {
        auto made = std::make_unique<faulty_store>(gm::stores::open_memory(), [](call what) {
            if (what == call::exchange || what == call::count) gm::sleep(300ms);
            return fault::none;
        });
        faulty_store& slow = *made;
        workshop shop({.until_idle = true}, std::move(made));
        shop.kinds.add("k", [](const body&) {});
        shop.put("k");
        shop.run();
        gm::context_source ringing;
        gm::wait_group clock;
        clock.go([&] {
            while (gm::sleep(200ms, ringing.get()) == gm::channel_status::ok) slow.ring();
        });
        EXPECT_EQ(shop.thread.wait(1min), gm::channel_status::ok);
        shop.stop();
        EXPECT_EQ(shop.report.counts.completed, 1u);
        ringing.cancel();
        clock.wait();
    });
}

// A worker whose lease has passed is given nothing, which does not mean that there is nothing.
TEST(runner_until_idle, does_not_end_while_its_beats_do_not_arrive) {
    on_virtual_time([] {
        auto made = std::make_unique<faulty_store>(gm::stores::open_memory());
        faulty_store& deaf = *made;
        workshop shop({.workers = 1, .name = "late", .lease = 15s, .until_idle = true}, std::move(made));
        shop.kinds.add<int>("k", [](int seconds) { gm::sleep(std::chrono::seconds(seconds)); });
        shop.put("k", 20);
        shop.run();
        gm::sleep(1s);
        deaf.mute("late");
        gm::sleep(17s);  // its lease has passed
        const job_id second = shop.put("k", 1);
        gm::sleep(1min);
        deaf.mute("late", false);
        shop.thread.wait();
        EXPECT_EQ(shop.look(second).state, state::completed);
    });
}

TEST(runner_until_idle, leaves_a_paused_queue_alone) {
    on_virtual_time([] {
        workshop shop({.until_idle = true});
        shop.kinds.add("k", [](const body&) {});
        shop.put("k");
        ASSERT_TRUE(shop.store->ledger()->pause("default", true));
        shop.run();
        shop.thread.wait();
        EXPECT_EQ(shop.report.counts.started, 0u);
    });
}

}  // namespace
