#include <gristmill/stores/memory.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <gristmill/timer.hpp>
#include <gristmill/virtual_time.hpp>

using namespace gm::jobs;
using namespace std::chrono_literals;

namespace {

const wall_time new_year = std::chrono::sys_days(std::chrono::year(2027) / 1 / 1);

std::vector<published> publish(store& to, const new_job& job) { return to.sink().publish({&job, 1}).value(); }

}  // namespace

TEST(memory, store_in_a_virtual_world_goes_by_its_time) {
    gm::virtual_time world;
    const auto report = world.run([] {
        const auto store = gm::stores::open_memory({.start = new_year});
        EXPECT_EQ(store->now(), new_year);
        gm::sleep(36h);
        EXPECT_EQ(store->now(), new_year + 36h);
    });
    EXPECT_TRUE(report) << report.text();
}

// A job that fails for a day, with an hour between its attempts, and a worker that beats all the while.
TEST(memory, day_of_retries_passes_in_a_virtual_world) {
    gm::virtual_time world;
    int attempts = 0;
    const auto report = world.run([&] {
        const auto store = gm::stores::open_memory({.start = new_year});
        const auto worker = store->subscribe({}).value();
        publish(*store, {.kind = "kind"});
        std::vector<settlement> ends;
        while (store->now() < new_year + 24h) {
            ASSERT_TRUE(worker->beat({}));
            const auto done = worker->exchange(ends, {.idle = 1}).value();
            ends.clear();
            for (const delivery& each : done.jobs) {
                EXPECT_EQ(each.attempt, ++attempts);
                ends.push_back({.which = each.which, .what = verdict::retry, .error = "no", .at = store->now() + 1h});
            }
            if (ends.empty()) gm::sleep(std::min<std::chrono::microseconds>(done.next_in.value_or(5s), 5s));
        }
    });
    EXPECT_TRUE(report) << report.text();
    EXPECT_EQ(attempts, 24);
}

TEST(memory, store_without_a_start_goes_by_the_system) {
    const auto before = std::chrono::system_clock::now();
    const auto store = gm::stores::open_memory();
    EXPECT_GE(store->now() + 1ms, before);
    EXPECT_LT(store->now(), before + 1h);
}

TEST(memory, source_outlives_its_store) {
    auto store = gm::stores::open_memory();
    const auto worker = store->subscribe({}).value();
    publish(*store, {.kind = "kind"});
    store.reset();
    const auto done = worker->exchange({}, {.idle = 1}).value();
    ASSERT_EQ(done.jobs.size(), 1u);
    const settlement end{.which = done.jobs[0].which};
    EXPECT_EQ(worker->exchange({&end, 1}, {}).value().outcomes, std::vector<settled>{settled::yes});
}

TEST(memory, stores_know_nothing_of_each_other) {
    const auto one = gm::stores::open_memory(), other = gm::stores::open_memory();
    publish(*one, {.kind = "kind"});
    EXPECT_EQ(one->ledger()->count({}).value(), 1u);
    EXPECT_EQ(other->ledger()->count({}).value(), 0u);
}

TEST(memory, result_beyond_the_limit_is_refused_and_nothing_is_settled) {
    const auto store = gm::stores::open_memory({.limits = {.result = 3}});
    const auto worker = store->subscribe({}).value();
    publish(*store, {.kind = "kind"});
    publish(*store, {.kind = "kind"});
    const auto held = worker->exchange({}, {.idle = 2}).value().jobs;
    std::vector<settlement> ends{{.which = held.at(0).which}, {.which = held.at(1).which, .result = {"long", ""}}};
    const auto refused = worker->exchange(ends, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, store_fault::invalid);
    EXPECT_EQ(store->ledger()->count({.states = {state::running}}).value(), 2u);
    ends[1].result.bytes = "yes";
    EXPECT_EQ(worker->exchange(ends, {}).value().outcomes, std::vector<settled>(2, settled::yes));
}

TEST(memory, store_opened_with_a_retention_keeps_to_it) {
    gm::virtual_time world;
    const auto report = world.run([] {
        const auto store = gm::stores::open_memory({.start = new_year, .keep = {.cancelled = 2min}});
        const auto worker = store->subscribe({}).value();
        publish(*store, {.kind = "kind"});
        EXPECT_EQ(store->ledger()->cancel({}).value(), 1u);
        gm::sleep(119s);
        EXPECT_EQ(worker->sweep().value().removed, 0u);
        gm::sleep(1s);
        EXPECT_EQ(worker->sweep().value().removed, 1u);
    });
    EXPECT_TRUE(report) << report.text();
}

TEST(memory, what_it_cannot_do_is_what_a_process_cannot) {
    const auto store = gm::stores::open_memory();
    std::vector<feature> lacking;
    for (int i = 0; i != features; ++i)
        if (store->can(static_cast<feature>(i)).how == support::no) lacking.push_back(static_cast<feature>(i));
    EXPECT_EQ(lacking, (std::vector<feature>{feature::survives_power_cut, feature::many_machines,
                                             feature::your_transaction, feature::plain_sql}));
}
