// Cron entries, fired by runners: none of them leads, and each time comes once.
#include <algorithm>
#include <map>
#include <mutex>

#include <gristmill/jobs/schedule.hpp>

#include "wall_clock.hpp"
#include "workshop.hpp"

namespace {

using namespace std::chrono_literals;
using namespace gm::jobs;
using gm::test::on_virtual_time;
using gm::test::workshop;
using wall_clock::moment;

cron_entry entry(std::string name, std::string line, std::string zone = "UTC") {
    return {.name = std::move(name), .line = std::move(line), .zone = std::move(zone), .job = {.kind = "note"}};
}

// What the handler of "note" has seen: how often each time of each entry was run.
class diary {
public:
    void add_to(registry& kinds) {
        kinds.add("note", [this](const body&, attempt& self) {
            const auto due = due_time(self.tags());
            ASSERT_TRUE(due);
            const std::lock_guard held(lock_);
            ++runs_[self.tags().at(0)][wall_clock::text(std::chrono::floor<std::chrono::seconds>(*due))];
        });
    }
    std::map<std::string, int> of(const std::string& name) {
        const std::lock_guard held(lock_);
        return runs_[std::string(cron_tag) + name];
    }

private:
    std::mutex lock_;
    std::map<std::string, std::map<std::string, int>> runs_;
};

TEST(runner_cron, two_runners_fire_each_time_once_through_the_night_of_the_change) {
    if (wall_clock::only_utc()) GTEST_SKIP() << "only UTC is known here";
    on_virtual_time(
        [] {
            workshop shop({}, gm::stores::open_memory({.start = moment("2026-10-24 22:10")}));
            diary seen;
            seen.add_to(shop.kinds);
            ledger& table = *shop.store->ledger();
            ASSERT_TRUE(table.put_cron(entry("hourly", "0 * * * *")));
            ASSERT_TRUE(table.put_cron(entry("nightly", "30 2 * * *", "Europe/Berlin")));
            ASSERT_TRUE(table.put_cron(entry("often", "*/30 * * * *", "Europe/Berlin")));
            runner other(*shop.store, shop.kinds, {.workers = 1, .seed = 7});
            gm::context_source quit;
            gm::wait_group second;
            second.go([&] { EXPECT_TRUE(other.run(quit)); });
            shop.run();
            gm::sleep(5h + 1s);
            quit.cancel();
            second.wait();
            shop.stop();
            EXPECT_EQ(seen.of("nightly"), (std::map<std::string, int>{{"2026-10-25 00:30", 1}}));
            EXPECT_EQ(seen.of("hourly").size(), 5u);
            EXPECT_EQ(seen.of("often").size(), 10u);
            for (const char* name : {"hourly", "often"})
                for (const auto& [time, runs] : seen.of(name)) EXPECT_EQ(runs, 1) << name << " " << time;
        },
        3);
}

TEST(runner_cron, what_was_missed_while_nobody_ran_is_run_when_somebody_does) {
    on_virtual_time(
        [] {
            workshop shop({}, gm::stores::open_memory({.start = moment("2026-11-21 12:00")}));
            diary seen;
            seen.add_to(shop.kinds);
            cron_entry daily = entry("daily", "0 2 * * *");
            daily.policy = missed::all;
            ASSERT_TRUE(shop.store->ledger()->put_cron(daily));
            shop.run();
            gm::sleep(1min);
            shop.stop();
            EXPECT_TRUE(seen.of("daily").empty());
            gm::sleep(3 * 24h);
            shop.run();
            gm::sleep(1min);
            shop.stop();
            EXPECT_EQ(seen.of("daily").size(), 3u);
        },
        2);
}

TEST(runner_cron, a_broken_entry_is_told_once_and_stops_nobody) {
    struct : runner_observer {
        void trouble(const trouble_event& event) noexcept override {
            const std::lock_guard held(lock);
            if (event.error) words.push_back(std::string(event.doing) + ": " + event.error->what);
        }
        std::mutex lock;
        std::vector<std::string> words;
    } observer;
    on_virtual_time(
        [&] {
            workshop shop({.observer = &observer}, gm::stores::open_memory({.start = moment("9999-12-31 22:30")}));
            diary seen;
            seen.add_to(shop.kinds);
            ASSERT_TRUE(shop.store->ledger()->put_cron(entry("last", "@yearly")));  // there is no next one
            ASSERT_TRUE(shop.store->ledger()->put_cron(entry("often", "* * * * *")));
            shop.run();
            gm::sleep(10min + 1s);
            shop.stop();
            EXPECT_EQ(seen.of("often").size(), 10u);
        },
        1);
    EXPECT_EQ(observer.words, (std::vector<std::string>{"cron: cron 'last': the calendar ends before it fires again"}));
}

}  // namespace
