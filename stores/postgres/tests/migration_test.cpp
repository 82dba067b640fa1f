// Programs of two versions on one schema, while the newer one migrates it: the older ones work on, until a step takes away what
// they use; that one waits for their end. The newer program is this one with steps of the test's own.

#include <gtest/gtest.h>

#include "../src/schema.hpp"
#include "crew.hpp"
#include "server.hpp"

namespace {

using namespace gm;
using namespace gm::test;
using namespace std::chrono_literals;
using stores::pg::migration;
using stores::pg::program;

// Columns, a table, and a new body for a function that both use.
constexpr std::string_view adds = R"(
alter table job add column colour text;
alter table finished add column colour text;
alter table queue add column colour text;
alter table worker add column colour text;
create table colour (name text primary key);
create or replace function ring(queues text[]) returns void language plpgsql as $$
begin
    if exists (select from sleeper) then
        perform pg_notify(current_schema() || '_work', s.queue)
            from (select distinct sleeper.queue from sleeper where sleeper.queue = any (queues)) s;
    end if;
end $$;
)";
// Stands for one that takes something away: the newer program of this test is this one, and needs all that there is.
constexpr std::string_view takes_away = "-- least worker: 2\ncreate table in_place_of_another (a integer);";
constexpr std::string_view adds_more = "alter table job add column shade text;";

// What is opened in its life is opened by a program of version 2, with these steps behind the real ones.
class newer_program {
public:
    explicit newer_program(std::initializer_list<std::string_view> more)
        : was_(stores::pg::this_program()), steps_(was_.steps.begin(), was_.steps.end()) {
        for (const std::string_view each : more) steps_.push_back({"9_of_the_test.sql", each});
        stores::pg::be({steps_, was_.version + 1});
    }
    ~newer_program() { stores::pg::be(was_); }
    newer_program(const newer_program&) = delete;
    newer_program& operator=(const newer_program&) = delete;

private:
    const program was_;
    std::vector<migration> steps_;
};

class postgres_migration : public ::testing::Test {
protected:
    const std::string schema = fresh_schema();
    plain_connection look{server::shared().url()};
    const std::unique_ptr<jobs::store> before = opened();
    const std::string files = std::to_string(stores::pg::migrations().size());

    std::unique_ptr<jobs::store> opened() { return open_store(server::shared().url(), {.schema = schema}); }
    // How many steps have run beyond the real ones, and whom the schema is for.
    std::string steps() { return look.ask("select max(version) - " + files + " from " + schema + ".meta"); }
    std::string least_worker() { return look.ask("select max(least_worker) from " + schema + ".meta"); }
};

template <class T>
void expect_too_new(const result<T, jobs::store_error>& outcome) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, jobs::store_fault::too_new) << outcome.error().what;
    EXPECT_NE(outcome.error().what.find("update"), std::string::npos) << outcome.error().what;
}

TEST_F(postgres_migration, old_workers_work_on_while_a_newer_program_migrates) {
    ASSERT_TRUE(before->sink().publish(some_jobs(1000)));
    crew old_workers(*before, 2);
    ASSERT_TRUE(eventually([&] { return old_workers.finished() > 50; }));
    const newer_program now({adds});
    const auto after = opened();
    EXPECT_EQ(steps(), "1");
    EXPECT_EQ(least_worker(), "1");
    const std::size_t at_once = old_workers.finished();
    crew new_workers(*after, 1);
    std::size_t total = 1000;
    for (int i = 0; i < 20; ++i, total += 20) {
        ASSERT_TRUE(before->sink().publish(some_jobs(10)));
        ASSERT_TRUE(after->sink().publish(some_jobs(10)));
    }
    ASSERT_TRUE(eventually([&] { return old_workers.finished() + new_workers.finished() >= total; }));
    EXPECT_GT(old_workers.finished(), at_once);
    old_workers.stop();
    new_workers.stop();
    EXPECT_EQ(old_workers.finished() + new_workers.finished(), total);
    EXPECT_EQ(old_workers.twice() + new_workers.twice(), 0u);
    EXPECT_EQ(before->ledger()->count({.states = {jobs::state::completed}}).value(), total);
    EXPECT_EQ(after->ledger()->count({}).value(), total);
}

TEST_F(postgres_migration, what_takes_away_waits_for_old_workers_and_the_newer_program_works_meanwhile) {
    ASSERT_TRUE(before->sink().publish(some_jobs(2)));
    auto old_worker = before->subscribe({}).value();
    const auto held = old_worker->exchange({}, {.idle = 1}).value();
    const newer_program now({adds, takes_away});
    {
        const auto after = opened();
        EXPECT_EQ(steps(), "1") << "the step that takes away has not waited";
        const auto newer = after->subscribe({}).value();
        const auto got = newer->exchange({}, {.idle = 1}).value();
        ASSERT_EQ(got.jobs.size(), 1u);
        const jobs::settlement end{.which = got.jobs[0].which};
        EXPECT_EQ(newer->exchange({&end, 1}, {}).value().outcomes.at(0), jobs::settled::yes);
    }
    const jobs::settlement end{.which = held.jobs.at(0).which};
    EXPECT_EQ(old_worker->exchange({&end, 1}, {.idle = 1}).value().outcomes.at(0), jobs::settled::yes);
    old_worker.reset();
    const auto after = opened();
    EXPECT_EQ(steps(), "2");
    EXPECT_EQ(least_worker(), "2");
    EXPECT_EQ(after->ledger()->count({.states = {jobs::state::completed}}).value(), 2u);
}

TEST_F(postgres_migration, old_worker_that_comes_back_after_it_is_refused_and_nothing_is_lost) {
    ASSERT_TRUE(before->sink().publish(some_jobs(1)));
    // It holds a job, and freezes for longer than its lease.
    auto frozen = before->subscribe({.lease = 1s}).value();
    jobs::exchanged held;
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(frozen->beat({}));  // again, where the machine was so slow that the lease had passed
        held = frozen->exchange({}, {.idle = 1}).value();
        return !held.jobs.empty();
    }));
    const newer_program now({adds, takes_away});
    auto after = opened();
    const auto newer = after->subscribe({.lease = 1s}).value();
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(newer->beat({}));
        auto swept = newer->sweep();
        return swept && swept->rescued > 0;
    }));
    after = opened();
    ASSERT_EQ(least_worker(), "2");

    expect_too_new(frozen->beat({}));
    expect_too_new(frozen->exchange({}, {.idle = 1}));
    const jobs::settlement late{.which = held.jobs[0].which, .result = {"late", {}}};
    EXPECT_EQ(frozen->exchange({&late, 1}, {}).value().outcomes.at(0), jobs::settled::refused);
    expect_too_new(before->subscribe({}));
    stores::pg::be({stores::pg::migrations(), 1});
    expect_too_new(stores::open_postgres(server::shared().url(), {.schema = schema}));

    jobs::exchanged again;
    ASSERT_TRUE(eventually([&] {
        EXPECT_TRUE(newer->beat({}));
        again = newer->exchange({}, {.idle = 1, .which = jobs::claim::suspect}).value();
        return !again.jobs.empty();
    }));
    const jobs::settlement end{.which = again.jobs[0].which, .result = {"newer", {}}};
    EXPECT_EQ(newer->exchange({&end, 1}, {}).value().outcomes.at(0), jobs::settled::yes);
    EXPECT_EQ(after->ledger()->find(again.jobs[0].id).value()->result.bytes, "newer");
}

TEST_F(postgres_migration, program_that_needs_what_comes_after_says_for_whom_it_waits) {
    auto old_worker = before->subscribe({}).value();
    const newer_program now({adds, takes_away, adds_more});
    const auto refused = stores::open_postgres(server::shared().url(), {.schema = schema});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, jobs::store_fault::too_old);
    EXPECT_NE(refused.error().what.find("workers of older programs"), std::string::npos) << refused.error().what;
    EXPECT_TRUE(old_worker->beat({}));
    old_worker.reset();
    EXPECT_TRUE(opened());
    EXPECT_EQ(steps(), "3");
}

TEST_F(postgres_migration, that_fails_leaves_the_schema_as_it_was_and_says_where) {
    const newer_program now({"alter table job add column colour text; select 1 / 0"});
    const auto refused = stores::open_postgres(server::shared().url(), {.schema = schema});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("9_of_the_test.sql"), std::string::npos) << refused.error().what;
    EXPECT_EQ(steps(), "0");
    EXPECT_TRUE(before->sink().publish(some_jobs(1)));
}

// Somebody has the table open and has gone to lunch: the others do not wait behind the migration for him.
TEST_F(postgres_migration, behind_a_long_transaction_gives_up_before_the_others_stand_behind_it) {
    plain_connection lunch(server::shared().url());
    ASSERT_TRUE(lunch.tell("begin"));
    ASSERT_TRUE(lunch.tell("select * from " + schema + ".job"));
    const newer_program now({adds});
    const auto refused = stores::open_postgres(server::shared().url(), {.schema = schema, .lock_timeout = 50ms});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().passing()) << refused.error().what;
    EXPECT_TRUE(before->sink().publish(some_jobs(1)));
    ASSERT_TRUE(lunch.tell("rollback"));
    EXPECT_TRUE(opened());
}

}  // namespace
