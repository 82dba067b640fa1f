// What this store promises beyond what all do: one commit for many, the application's own transaction, other processes.
#include <gristmill/stores/sqlite.hpp>

#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

#include "../src/side_file.hpp"
#include "scratch.hpp"

namespace {

using namespace gm::jobs;
using namespace std::chrono_literals;
using gm::stores::counters_of;
using gm::stores::insert_sqlite;

class sqlite_file : public ::testing::Test {
protected:
    std::unique_ptr<store> open(const gm::stores::sqlite_options& options = {}) const {
        auto made = gm::stores::open_sqlite(path(), options);
        if (!made) {
            ADD_FAILURE() << made.error().what;
            std::abort();
        }
        return std::move(*made);
    }
    std::string path() const { return where_.file("work.db"); }
    std::string file(const std::string& name) const { return where_.file(name); }

private:
    gm::test::scratch where_;
};

// The application's own connection.
class handle {
public:
    explicit handle(const std::string& path) {
        EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
        sqlite3_busy_timeout(handle_, 10'000);
    }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
    ~handle() { sqlite3_close(handle_); }

    void run(const std::string& sql) const {
        char* said = nullptr;
        EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &said), SQLITE_OK) << (said ? said : "");
        sqlite3_free(said);
    }
    std::int64_t number(const std::string& sql) const {
        sqlite3_stmt* asking = nullptr;
        EXPECT_EQ(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &asking, nullptr), SQLITE_OK) << sqlite3_errmsg(handle_);
        EXPECT_EQ(sqlite3_step(asking), SQLITE_ROW);
        const std::int64_t got = sqlite3_column_int64(asking, 0);
        sqlite3_finalize(asking);
        return got;
    }
    sqlite3* get() const noexcept { return handle_; }

private:
    sqlite3* handle_ = nullptr;
};

new_job job(const std::string& kind = "kind") { return {.kind = kind}; }
bool insert(store& into, const new_job& what) { return into.sink().publish({&what, 1}).has_value(); }
// Into a store of little patience, with which a busy disk may be too slow: that passes, and nothing is inserted then.
bool insert_at_last(store& into, const new_job& what) {
    while (true) {
        const auto done = into.sink().publish({&what, 1});
        if (done || !done.error().passing()) return done.has_value();
    }
}
std::uint64_t all_in(store& of) { return of.ledger()->count({}).value(); }

TEST_F(sqlite_file, keeps_jobs_over_openings_and_never_gives_an_id_twice) {
    job_id last{};
    for (int i = 0; i != 3; ++i) {
        const auto store = open();
        const new_job one = job();
        const auto made = store->sink().publish({&one, 1}).value();
        EXPECT_GT(made.at(0).id, last);
        last = made.at(0).id;
        EXPECT_EQ(store->ledger()->remove({.ids = {last}}).value(), 1u);
    }
}

TEST_F(sqlite_file, opened_by_many_at_once_is_made_once) {
    std::latch ready(8);
    std::vector<std::future<bool>> opened;
    for (int i = 0; i != 8; ++i)
        opened.push_back(std::async(std::launch::async, [&] {
            ready.arrive_and_wait();
            return insert(*open(), job());
        }));
    for (auto& each : opened) EXPECT_TRUE(each.get());
    EXPECT_EQ(all_in(*open()), 8u);
}

TEST_F(sqlite_file, worker_may_outlive_its_store) {
    auto store = open();
    EXPECT_TRUE(insert(*store, job()));
    auto worker = std::move(*store->subscribe({}));
    store.reset();
    EXPECT_EQ(worker->exchange({}, {.idle = 1}).value().jobs.size(), 1u);
    worker.reset();
    EXPECT_EQ(open()->ledger()->count({.states = {state::available}}).value(), 1u);
}

// ---- one commit for many ----

// While the turnstile is held, nobody writes, and what is asked for piles up.
class held_up {
public:
    explicit held_up(const std::string& path) : gate_(path) { gate_.enter(); }
    void wait_for(const store& of, std::uint64_t number) const {
        while (counters_of(of).waiting != number) std::this_thread::yield();
    }
    void let_go() { gate_.leave(); }

private:
    gm::stores::sqlite::side_file gate_;
};

TEST_F(sqlite_file, what_piles_up_goes_into_one_commit) {
    const auto store = open();
    const auto before = counters_of(*store);
    held_up gate(path());
    std::vector<std::future<bool>> asked;
    for (int i = 0; i != 20; ++i)
        asked.push_back(std::async(std::launch::async, [&] { return insert(*store, job()); }));
    gate.wait_for(*store, 20);
    gate.let_go();
    for (auto& each : asked) EXPECT_TRUE(each.get());
    EXPECT_EQ(counters_of(*store).commits, before.commits + 1);
    EXPECT_EQ(counters_of(*store).operations, before.operations + 20);
    EXPECT_EQ(all_in(*store), 20u);
}

TEST_F(sqlite_file, who_asks_while_nobody_writes_does_it_himself) {
    const auto store = open();
    std::atomic<int> rung_here{0};
    const auto worker = std::move(*store->subscribe(
        {.bell = [&, here = std::this_thread::get_id()] { rung_here += std::this_thread::get_id() == here; }}));
    // Now and then the store's own look for what others have written is in the way, every 50 ms.
    for (int asked = 0; asked != 20; ++asked) EXPECT_TRUE(insert(*store, job()));
    EXPECT_GT(rung_here, 10);
}

// A power cut takes it, and with it all who could hold that job. What says that a job is over has to be on the disk.
TEST_F(sqlite_file, claim_alone_does_not_wait_for_the_disk_and_an_end_does) {
    const auto store = open();
    ASSERT_TRUE(insert(*store, job()));
    const auto worker = std::move(*store->subscribe({}));
    const auto before = counters_of(*store);
    const auto held = worker->exchange({}, {.idle = 1}).value().jobs;
    ASSERT_EQ(held.size(), 1u);
    EXPECT_EQ(counters_of(*store).commits, before.commits + 1);
    EXPECT_EQ(counters_of(*store).unsynced, before.unsynced + 1);
    const settlement end{.which = held[0].which};
    EXPECT_EQ(worker->exchange({&end, 1}, {.idle = 1}).value().outcomes, std::vector{settled::yes});
    EXPECT_EQ(counters_of(*store).commits, before.commits + 2);
    EXPECT_EQ(counters_of(*store).unsynced, before.unsynced + 1);
    EXPECT_FALSE(counters_of(*store).afloat);
}

TEST_F(sqlite_file, claim_reaches_the_disk_although_nothing_follows) {
    const auto store = open();
    ASSERT_TRUE(insert(*store, job()));
    for (const bool has_bell : {false, true}) {
        const auto worker = std::move(*store->subscribe({.bell = has_bell ? [] {} : std::function<void()>()}));
        static_cast<void>(worker->exchange({}, {.idle = 1}).value());
        while (counters_of(*store).afloat) std::this_thread::yield();
    }
}

TEST_F(sqlite_file, claim_beside_an_insert_waits_for_the_disk_with_it) {
    const auto store = open();
    const auto worker = std::move(*store->subscribe({}));
    const auto before = counters_of(*store);
    held_up gate(path());
    auto in = std::async(std::launch::async, [&] { return insert(*store, job()); });
    gate.wait_for(*store, 1);
    auto out = std::async(std::launch::async, [&] { return worker->exchange({}, {.idle = 1}).value().jobs.size(); });
    gate.wait_for(*store, 2);
    gate.let_go();
    EXPECT_TRUE(in.get());
    EXPECT_EQ(out.get(), 1u);
    EXPECT_EQ(counters_of(*store).commits, before.commits + 1);
    EXPECT_EQ(counters_of(*store).unsynced, before.unsynced);
}

// Perhaps it takes the machine down: then that has to be known afterwards.
TEST_F(sqlite_file, claim_of_a_suspect_waits_for_the_disk) {
    const auto store = open();
    const auto worker = std::move(*store->subscribe({}));
    const auto before = counters_of(*store);
    static_cast<void>(worker->exchange({}, {.idle = 1, .which = claim::suspect}).value());
    EXPECT_EQ(counters_of(*store).commits, before.commits + 1);
    EXPECT_EQ(counters_of(*store).unsynced, before.unsynced);
}

TEST_F(sqlite_file, failure_of_one_does_not_touch_the_others_of_its_commit) {
    const auto store = open();
    const auto before = counters_of(*store);
    held_up gate(path());
    std::vector<std::future<bool>> good;
    for (int i = 0; i != 5; ++i) good.push_back(std::async(std::launch::async, [&] { return insert(*store, job()); }));
    auto bad = std::async(std::launch::async, [&] {
        const std::vector<new_job> some{job(), {.kind = "orphan", .after = {job_id{12345}}}};
        return store->sink().publish(some);
    });
    gate.wait_for(*store, 6);
    gate.let_go();
    for (auto& each : good) EXPECT_TRUE(each.get());
    const auto outcome = bad.get();
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::invalid);
    EXPECT_NE(outcome.error().what.find("12345"), std::string::npos);
    EXPECT_EQ(counters_of(*store).commits, before.commits + 1);
    EXPECT_EQ(all_in(*store), 5u);
    EXPECT_EQ(handle(path()).number("SELECT available FROM gm_queues"), 5);
}

// ---- others who hold the file ----

TEST_F(sqlite_file, call_that_waits_for_another_process_too_long_is_withdrawn) {
    const auto store = open({.patience = 50ms});
    held_up gate(path());
    const new_job one = job();
    const auto outcome = store->sink().publish({&one, 1});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::unreachable);
    EXPECT_TRUE(outcome.error().passing());
    gate.let_go();
    EXPECT_TRUE(insert_at_last(*store, job()));
    EXPECT_EQ(all_in(*store), 1u) << "the one that was withdrawn must not come after all";
}

TEST_F(sqlite_file, long_transaction_of_the_application_is_told_as_such) {
    const auto store = open({.patience = 50ms});
    const handle application(path());
    application.run("BEGIN IMMEDIATE");
    const new_job one = job();
    const auto outcome = store->sink().publish({&one, 1});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::unreachable);
    EXPECT_EQ(outcome.error().what.find("locked"), std::string::npos) << outcome.error().what;
    application.run("COMMIT");
    EXPECT_TRUE(insert_at_last(*store, job()));
    EXPECT_EQ(all_in(*store), 1u);
}

TEST_F(sqlite_file, reader_of_the_application_holds_nobody_up) {
    const auto store = open({.patience = 1s});
    const handle application(path());
    application.run("BEGIN; SELECT count(*) FROM gm_jobs");
    for (int i = 0; i != 20; ++i) EXPECT_TRUE(insert(*store, job()));
    EXPECT_EQ(application.number("SELECT count(*) FROM gm_jobs"), 0);
    application.run("COMMIT");
    EXPECT_EQ(application.number("SELECT count(*) FROM gm_jobs"), 20);
}

// ---- the application's own transaction ----

TEST_F(sqlite_file, jobs_of_the_applications_transaction_come_and_go_with_it) {
    const auto store = open();
    const handle application(path());
    application.run("CREATE TABLE orders (id INTEGER PRIMARY KEY)");
    const std::vector<new_job> some(3, job("order.confirm"));

    application.run("BEGIN; INSERT INTO orders VALUES (1)");
    ASSERT_TRUE(insert_sqlite(application.get(), some));
    EXPECT_EQ(all_in(*store), 0u);
    application.run("ROLLBACK");
    EXPECT_EQ(all_in(*store), 0u);

    application.run("BEGIN; INSERT INTO orders VALUES (2)");
    const auto made = insert_sqlite(application.get(), some);
    ASSERT_TRUE(made) << made.error().what;
    application.run("COMMIT");
    EXPECT_EQ(all_in(*store), 3u);
    EXPECT_EQ(store->ledger()->find(made->at(2).id).value()->kind, "order.confirm");
    const auto worker = std::move(*store->subscribe({}));
    EXPECT_EQ(worker->exchange({}, {.idle = 10}).value().jobs.size(), 3u);
}

TEST_F(sqlite_file, insert_that_fails_leaves_the_applications_transaction_as_it_was) {
    const auto store = open();
    const handle application(path());
    application.run("CREATE TABLE orders (id INTEGER PRIMARY KEY); BEGIN; INSERT INTO orders VALUES (1)");
    const std::vector<new_job> some{job(), {.kind = "orphan", .after = {job_id{12345}}}};
    const auto outcome = insert_sqlite(application.get(), some);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::invalid);
    application.run("COMMIT");
    EXPECT_EQ(application.number("SELECT count(*) FROM orders"), 1);
    EXPECT_EQ(all_in(*store), 0u);
}

TEST_F(sqlite_file, insert_without_a_transaction_makes_one) {
    const auto store = open();
    const handle application(path());
    const new_job one = job();
    EXPECT_TRUE(insert_sqlite(application.get(), {&one, 1}));
    EXPECT_EQ(sqlite3_get_autocommit(application.get()), 1);
    EXPECT_EQ(all_in(*store), 1u);
}

TEST_F(sqlite_file, store_that_is_only_attached_is_refused) {
    {
        const auto store = open();
    }
    const handle application(file("app.db"));
    application.run("ATTACH '" + path() + "' AS work");
    const new_job one = job();
    const auto outcome = insert_sqlite(application.get(), {&one, 1});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::missing);
    EXPECT_EQ(application.number("SELECT count(*) FROM work.gm_jobs"), 0);
}

TEST_F(sqlite_file, worker_hears_of_what_others_have_written) {
    const auto store = open();
    std::promise<void> by_handle, by_other;
    std::atomic<std::promise<void>*> next = &by_handle;
    const auto worker = std::move(*store->subscribe({.bell = [&] {
        if (std::promise<void>* const heard = next.exchange(nullptr)) heard->set_value();
    }}));
    const new_job one = job();
    EXPECT_TRUE(insert_sqlite(handle(path()).get(), {&one, 1}));
    EXPECT_EQ(by_handle.get_future().wait_for(30s), std::future_status::ready);
    next = &by_other;
    EXPECT_TRUE(insert(*open(), job()));
    EXPECT_EQ(by_other.get_future().wait_for(30s), std::future_status::ready);
}

// ---- size ----

TEST_F(sqlite_file, waiting_job_takes_less_than_400_bytes) {
    constexpr std::size_t number = 20'000;
    {
        const auto store = open();
        new_job one = job("image.resize");
        one.arguments.bytes.assign(100, 'x');
        ASSERT_TRUE(store->sink().publish(std::vector<new_job>(number, one)));
    }
    EXPECT_LT(std::filesystem::file_size(path()), 400 * number);
}

TEST_F(sqlite_file, log_of_writes_stays_bounded) {
    const auto store = open();
    new_job one = job();
    one.arguments.bytes.assign(60'000, 'x');
    const std::vector<new_job> some(20, one);
    std::uintmax_t largest = 0;
    for (int i = 0; i != 60; ++i) {
        ASSERT_TRUE(store->sink().publish(some));
        largest = std::max(largest, std::filesystem::file_size(path() + "-wal"));
    }
    EXPECT_GT(counters_of(*store).checkpoints, 0u);
    EXPECT_LT(largest, 24u << 20);  // of 72 MB in all
}

// ---- counters ----

TEST_F(sqlite_file, counters_are_what_counting_gives) {
    const auto store = open();
    std::vector<new_job> some;
    for (int i = 0; i != 200; ++i) {
        some.push_back(job());
        some.back().queue = i % 3 == 0 ? "odd" : "default";
        some.back().key = "key " + std::to_string(i % 5);
        some.back().priority = i % 7;
        if (i % 4 == 0) some.back().run_at = store->now() + 1h;
    }
    ASSERT_TRUE(store->ledger()->limit("default", {.running_per_key = 3, .fair = true}));
    const auto made = store->sink().publish(some).value();
    ASSERT_TRUE(store->ledger()->limit("odd", {.running_per_key = 50}));
    const auto worker = std::move(*store->subscribe({.queues = {"default", "odd"}}));
    std::vector<settlement> ends;
    int turn = 0;
    const exchanged claimed = worker->exchange({}, {.idle = 60}).value();
    EXPECT_EQ(claimed.jobs.size(), 60u);
    for (const delivery& each : claimed.jobs)
        ends.push_back({.which = each.which, .what = static_cast<verdict>(turn++ % 7), .at = store->now() + 1h});
    static_cast<void>(worker->exchange(ends, {.idle = 10}).value());
    EXPECT_TRUE(store->ledger()->cancel({.key = "key 1"}));
    EXPECT_TRUE(store->ledger()->retry({.states = {state::dead, state::cancelled}, .queue = "odd"}));
    EXPECT_TRUE(store->ledger()->set_priority({.key = "key 2"}, 50));
    EXPECT_TRUE(store->ledger()->remove({.key = "key 3"}));

    const handle file(path());
    constexpr std::array<const char*, 8> columns{"waiting",  "scheduled", "available", "running",
                                                 "retrying", "completed", "cancelled", "dead"};
    for (std::size_t i = 0; i != columns.size(); ++i) {
        const std::string table = i < 5 ? "gm_jobs" : "gm_finished";
        EXPECT_EQ(file.number(std::string("SELECT count(*) FROM gm_queues AS q WHERE ") + columns[i] +
                              " <> (SELECT count(*) FROM " + table +
                              " WHERE queue = q.number AND state = " + std::to_string(i) + ")"),
                  0)
            << columns[i];
    }
    EXPECT_EQ(file.number("SELECT count(*) FROM gm_running"), file.number("SELECT sum(running) FROM gm_queues"));
    // Where the keys stand, too.
    EXPECT_EQ(
        file.number(
            "SELECT count(*) FROM gm_keys AS k WHERE head IS NOT (SELECT min(rank) FROM gm_jobs WHERE queue = k.queue"
            " AND key = k.key AND state = 2 AND crashes = 0) OR running <> (SELECT count(*) FROM gm_jobs WHERE"
            " queue = k.queue AND key = k.key AND state = 3)"),
        0);
    EXPECT_EQ(file.number("SELECT count(*) FROM (SELECT DISTINCT queue, key FROM gm_jobs WHERE state IN (2, 3) EXCEPT"
                          " SELECT queue, key FROM gm_keys)"),
              0);
    EXPECT_GT(file.number("SELECT count(*) FROM gm_keys"), 0);
}

}  // namespace
