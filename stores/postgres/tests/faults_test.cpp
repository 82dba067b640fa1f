// The server dies and comes back, connections are cut, answers are lost, readers forget their transactions. Counted: jobs
// lost, jobs finished twice. Both are 0.

#include <algorithm>

#include <gtest/gtest.h>

#include "crew.hpp"
#include "proxy.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;

std::uint64_t completed(jobs::store& store) {
    auto count = store.ledger()->count({.states = {jobs::state::completed}});
    return count ? *count : 0;
}

TEST(postgres_faults, server_killed_mid_run_loses_nothing) {
    server own;
    const auto store = open_store(own.url());
    constexpr std::size_t total = 3000;
    ASSERT_TRUE(store->sink().publish(some_jobs(total)));
    crew workers(*store, 2);
    // Inserts go on while the server is away: they wait for it.
    std::atomic<std::size_t> accepted = 0;
    std::jthread producer([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            auto made = store->sink().publish(some_jobs(1));
            if (made && made->front().outcome == jobs::published::accepted) ++accepted;
        }
    });
    ASSERT_TRUE(eventually([&] { return workers.finished() > 200 && accepted > 5; }));
    own.kill();
    own.restart();
    const std::size_t before = accepted;
    ASSERT_TRUE(eventually([&] { return accepted > before + 5; }));
    producer.request_stop();
    producer.join();
    ASSERT_TRUE(eventually([&] { return workers.finished() >= total + accepted; }));
    workers.stop();
    EXPECT_EQ(completed(*store), total + accepted);
    EXPECT_EQ(workers.finished(), total + accepted);
    EXPECT_EQ(workers.twice(), 0u);
}

TEST(postgres_faults, connections_cut_while_draining_lose_nothing) {
    const auto schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    constexpr std::size_t total = 3000;
    ASSERT_TRUE(store->sink().publish(some_jobs(total)));
    plain_connection axe(server::shared().url());
    crew workers(*store, 2);
    for (int i = 1; i <= 10; ++i) {
        ASSERT_TRUE(eventually([&] { return workers.finished() > static_cast<std::size_t>(i) * 100; }));
        axe.ask(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where application_name = 'gristmill' and pid <> pg_backend_pid()");
    }
    ASSERT_TRUE(eventually([&] { return workers.finished() >= total; }));
    workers.stop();
    EXPECT_EQ(completed(*store), total);
    EXPECT_EQ(workers.twice(), 0u);
}

TEST(postgres_faults, snapshot_held_open_does_not_stop_a_drain) {
    const auto store = open_store(server::shared().url());
    plain_connection reader(server::shared().url());
    ASSERT_TRUE(reader.tell("begin isolation level repeatable read"));
    reader.ask("select count(*) from pg_class");
    constexpr std::size_t total = 5000;
    ASSERT_TRUE(store->sink().publish(some_jobs(total)));
    crew workers(*store, 2, 100);
    ASSERT_TRUE(eventually([&] { return workers.finished() >= total; }));
    workers.stop();
    EXPECT_EQ(completed(*store), total);
    ASSERT_TRUE(reader.tell("rollback"));
}

TEST(postgres_faults, insert_whose_answer_was_lost_is_there_once) {
    proxy between(server::shared().url());
    const auto store = open_store(between.url());
    ASSERT_TRUE(store->sink().publish(some_jobs(1)));  // ids are in stock, the connection is warm
    between.swallow_next_answer("select put");
    const auto made = store->sink().publish(some_jobs(5));
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_TRUE(between.has_swallowed());
    for (const jobs::published& each : *made) EXPECT_EQ(each.outcome, jobs::published::accepted);
    EXPECT_EQ(store->ledger()->count({}).value(), 6u);
}

TEST(postgres_faults, claim_whose_answer_was_lost_is_delivered_next) {
    proxy between(server::shared().url());
    const auto store = open_store(between.url());
    ASSERT_TRUE(store->sink().publish(some_jobs(4)));
    const auto source = store->subscribe({}).value();
    auto first = source->exchange({}, {.idle = 2});
    ASSERT_TRUE(first);
    const std::vector<jobs::settlement> ends{{.which = first->jobs.at(0).which}, {.which = first->jobs.at(1).which}};
    between.swallow_next_answer("select * from hand_out");
    auto second = source->exchange(ends, {.idle = 2});  // lost, and asked again by itself
    ASSERT_TRUE(second) << second.error().what;
    EXPECT_TRUE(between.has_swallowed());
    EXPECT_EQ(second->outcomes, (std::vector{jobs::settled::yes, jobs::settled::yes}));
    EXPECT_EQ(second->jobs.size(), 2u);
    EXPECT_EQ(completed(*store), 2u);
    EXPECT_EQ(store->ledger()->count({.states = {jobs::state::running}}).value(), 2u);
}

TEST(postgres_faults, locked_table_is_a_passing_error_and_not_a_hang) {
    const auto schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema,
                                                           .statement_timeout = std::chrono::seconds(2),
                                                           .lock_timeout = std::chrono::milliseconds(50)});
    plain_connection other(server::shared().url());
    ASSERT_TRUE(other.tell("begin"));
    ASSERT_TRUE(other.tell("lock table " + schema + ".job"));
    const auto count = store->ledger()->count({});
    ASSERT_FALSE(count);
    EXPECT_TRUE(count.error().passing()) << count.error().what;
    ASSERT_TRUE(other.tell("rollback"));
    EXPECT_TRUE(store->ledger()->count({}));
}

TEST(postgres_faults, absent_server_is_unreachable_and_named_without_its_password) {
    const auto store = stores::open_postgres("postgres://me:secret@127.0.0.1:1/work");
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().fault, jobs::store_fault::unreachable);
    EXPECT_NE(store.error().what.find("127.0.0.1:1/work"), std::string::npos) << store.error().what;
    EXPECT_EQ(store.error().what.find("secret"), std::string::npos);
}

TEST(postgres_faults, absent_database_is_final) {
    std::string url = server::shared().url();
    url = url.substr(0, url.rfind('/')) + "/nowhere";
    const auto store = stores::open_postgres(url);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().fault, jobs::store_fault::refused) << store.error().what;
}

}  // namespace
