// Programs of two versions on one file, while the newer one migrates it: the older ones work on, until a step takes away what
// they use; that one waits for their end. The newer program is this one with steps of the test's own.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <gristmill/jobs/registry.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/sqlite.hpp>

#include "../src/clock.hpp"
#include "../src/schema.hpp"
#include "child.hpp"
#include "fixtures.hpp"
#include "scratch.hpp"

namespace {

using namespace gm::jobs;
using namespace std::chrono_literals;
using gm::stores::sqlite::migration;
using gm::stores::sqlite::program;
using gm::test::answer;
using gm::test::child;
using gm::test::jobs_of;
using gm::test::opened;

// Adds columns and a table.
constexpr char adds[] =
    "ALTER TABLE gm_jobs ADD COLUMN colour TEXT; ALTER TABLE gm_finished ADD COLUMN colour TEXT;"
    "ALTER TABLE gm_queues ADD COLUMN colour TEXT; ALTER TABLE gm_workers ADD COLUMN colour TEXT;"
    "CREATE TABLE gm_colours (name TEXT PRIMARY KEY) STRICT;";
// Stands for one that takes something away: the newer program of this test is this one, and needs all that there is.
constexpr char takes_away[] =
    "-- least worker: 2\n"
    "CREATE TABLE gm_in_place_of_another (a INTEGER) STRICT;";
constexpr char adds_more[] = "ALTER TABLE gm_jobs ADD COLUMN shade TEXT;";

// What is opened in its life is opened by a program with these steps behind the real ones.
class newer_program {
public:
    explicit newer_program(std::initializer_list<const char*> more)
        : was_(gm::stores::sqlite::this_program()), steps_(was_.steps.begin(), was_.steps.end()) {
        for (const char* const each : more) steps_.push_back({steps_.back().version + 1, "9_of_the_test.sql", each});
        gm::stores::sqlite::be({steps_});
    }
    ~newer_program() { gm::stores::sqlite::be(was_); }
    newer_program(const newer_program&) = delete;
    newer_program& operator=(const newer_program&) = delete;

private:
    const program was_;
    std::vector<migration> steps_;
};

std::int64_t noted(const std::string& path, const char* name) {
    gm::stores::sqlite::connection look(path, gm::stores::sqlite::connection::mode::read, 5s);
    return look.number("SELECT value FROM gm_meta WHERE name = ?", name).value_or(0);
}

// Claims up to so many, completes them, and says how many that were.
std::size_t do_some(source& worker, const demand& wanted, const std::string& result = {}) {
    auto got_or_not = worker.exchange({}, wanted);
    if (!got_or_not) ADD_FAILURE() << got_or_not.error().what;
    const exchanged got = std::move(got_or_not).value();
    std::vector<settlement> ends;
    for (const delivery& each : got.jobs) ends.push_back({.which = each.which, .result = {result, {}}});
    const exchanged done = worker.exchange(ends, {}).value();
    return static_cast<std::size_t>(std::ranges::count(done.outcomes, settled::yes));
}

template <class T>
void expect_too_new(const gm::result<T, store_error>& outcome) {
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().fault, store_fault::too_new) << outcome.error().what;
    EXPECT_NE(outcome.error().what.find("newer gristmill"), std::string::npos) << outcome.error().what;
}

// work PATH: claims and completes until nothing is left to be done, once it was told to end; then says how many that were.
void work(const std::vector<std::string>& with) {
    const auto store = opened(with.at(0));
    const auto worker = std::move(*store->subscribe({}));
    std::atomic<bool> last = false;
    std::jthread ear([&last] {
        std::string line;
        while (gm::test::read_line(line) && line != "end") {
        }
        last = true;
    });
    answer("works");
    std::vector<settlement> ends;
    std::size_t done = 0;
    for (bool over = false; !over;) {
        const bool ending = last;
        auto got_or_not = worker->exchange(ends, {.idle = 3});
        if (!got_or_not) return answer(got_or_not.error().what);
        const exchanged got = *std::move(got_or_not);
        done += static_cast<std::size_t>(std::ranges::count(got.outcomes, settled::yes));
        ends.clear();
        for (const delivery& each : got.jobs) ends.push_back({.which = each.which});
        over = ending && ends.empty();
    }
    answer("done " + std::to_string(done));
}

[[maybe_unused]] const bool role = gm::test::define_role("work", work);

TEST(sqlite_migration, old_workers_work_on_while_a_newer_program_migrates_the_file) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    const auto before = opened(path);
    ASSERT_TRUE(before->sink().publish(jobs_of(100)));
    child one("work", {path}), other("work", {path});
    ASSERT_EQ(one.hear(), "works");
    ASSERT_EQ(other.hear(), "works");
    const newer_program now({adds});
    const auto after = opened(path);
    EXPECT_EQ(noted(path, "version"), 2);
    EXPECT_EQ(noted(path, "least_worker"), 1);
    // Both put in, both take out, and each understands what the other leaves.
    for (int i = 0; i != 20; ++i) {
        ASSERT_TRUE(before->sink().publish(jobs_of(10)));
        ASSERT_TRUE(after->sink().publish(jobs_of(10)));
    }
    const auto newer = std::move(*after->subscribe({}));
    std::size_t done_here = 0;
    for (int i = 0; i != 10; ++i) done_here += do_some(*newer, {.idle = 5});
    one.tell("end");
    other.tell("end");
    const std::string first = one.hear(), second = other.hear();
    EXPECT_TRUE(one.end());
    EXPECT_TRUE(other.end());
    ASSERT_TRUE(first.starts_with("done ") && second.starts_with("done ")) << first << ", " << second;
    EXPECT_EQ(std::stoul(first.substr(5)) + std::stoul(second.substr(5)) + done_here, 500u);
    EXPECT_EQ(before->ledger()->count({.states = {state::completed}}).value(), 500u);
    const auto all = before->ledger()->list({}, {.most = 500});
    for (const record& each : *all) EXPECT_EQ(each.epoch, 1);
}

TEST(sqlite_migration, what_takes_away_waits_for_old_workers_and_the_newer_program_works_meanwhile) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    const auto before = opened(path);
    ASSERT_TRUE(before->sink().publish(jobs_of(2)));
    auto old_worker = std::move(*before->subscribe({}));
    const exchanged held = old_worker->exchange({}, {.idle = 1}).value();
    const newer_program now({adds, takes_away});
    {
        const auto after = opened(path);
        ASSERT_TRUE(after);
        EXPECT_EQ(noted(path, "version"), 2) << "the step that takes away has not waited";
        const auto newer = std::move(*after->subscribe({}));
        const exchanged got = newer->exchange({}, {.idle = 1}).value();
        ASSERT_EQ(got.jobs.size(), 1u);
        const settlement end{.which = got.jobs[0].which};
        EXPECT_EQ(newer->exchange({&end, 1}, {}).value().outcomes.at(0), settled::yes);
    }
    const settlement end{.which = held.jobs.at(0).which};
    EXPECT_EQ(old_worker->exchange({&end, 1}, {}).value().outcomes.at(0), settled::yes);
    old_worker.reset();
    const auto after = opened(path);
    EXPECT_EQ(noted(path, "version"), 3);
    EXPECT_EQ(noted(path, "least_worker"), 2);
    EXPECT_EQ(after->ledger()->count({.states = {state::completed}}).value(), 2u);
}

TEST(sqlite_migration, old_program_is_refused_once_it_could_do_harm_and_nothing_is_lost) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    const auto before = opened(path);
    ASSERT_TRUE(before->sink().publish(jobs_of(3)));
    // It holds a job, and freezes for longer than its lease.
    auto frozen = std::move(*before->subscribe({.lease = 1s}));
    const exchanged held = frozen->exchange({}, {.idle = 1}).value();
    ASSERT_EQ(held.jobs.size(), 1u);

    const newer_program now({adds, takes_away});
    auto after = opened(path);
    const auto newer = std::move(*after->subscribe({.lease = 1s}));
    std::size_t rescued = 0;
    for (int i = 0; i != 12 && rescued == 0; ++i) {
        ASSERT_TRUE(newer->beat({}));
        rescued = newer->sweep().value().rescued;
        gm::stores::sqlite::let_pass(250'000);
    }
    EXPECT_EQ(rescued, 1u);
    after = opened(path);
    ASSERT_EQ(noted(path, "least_worker"), 2);

    // Whatever it does, it is told, and touches nothing.
    const settlement late{.which = held.jobs[0].which, .result = {"late", {}}};
    expect_too_new(frozen->exchange({&late, 1}, {.idle = 1}));
    expect_too_new(frozen->beat({}));
    expect_too_new(frozen->sweep());
    expect_too_new(before->sink().publish(jobs_of(1)));
    expect_too_new(before->ledger()->count({}));
    expect_too_new(before->ledger()->cancel({.kind = "kind"}));
    expect_too_new(before->subscribe({}));
    frozen.reset();

    ASSERT_TRUE(newer->beat({}));
    std::size_t done = 0;
    for (const claim which : {claim::suspect, claim::ordinary})
        done += do_some(*newer, {.idle = 3, .which = which}, "newer");
    EXPECT_EQ(done, 3u);
    const auto all = after->ledger()->list({}, {});
    ASSERT_TRUE(all);
    EXPECT_EQ(all->size(), 3u);
    for (const record& each : *all) EXPECT_EQ(each.result.bytes, "newer");
}

TEST(sqlite_migration, program_that_needs_what_comes_after_says_for_whom_it_waits) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    const auto before = opened(path);
    auto old_worker = std::move(*before->subscribe({}));
    const newer_program now({adds, takes_away, adds_more});
    const auto refused = gm::stores::open_sqlite(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, store_fault::too_old);
    EXPECT_NE(refused.error().what.find("workers of older programs"), std::string::npos) << refused.error().what;
    EXPECT_EQ(noted(path, "version"), 1) << "all of it or nothing";
    EXPECT_TRUE(old_worker->beat({}));
    old_worker.reset();
    EXPECT_TRUE(opened(path));
    EXPECT_EQ(noted(path, "version"), 4);
}

TEST(sqlite_migration, newer_program_that_must_not_migrate_says_so_only_if_it_has_to) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    static_cast<void>(opened(path));
    {
        const newer_program now({takes_away});
        EXPECT_TRUE(opened(path, {.migrate = false}));
        EXPECT_EQ(noted(path, "version"), 1);
    }
    const newer_program now({adds});
    const auto refused = gm::stores::open_sqlite(path, {.migrate = false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, store_fault::too_old);
}

// A runner does not go on knocking where it will never be let in.
TEST(sqlite_migration, runner_of_an_old_program_ends_with_the_reason) {
    const gm::test::scratch where;
    const std::string path = where.file("work.db");
    const auto before = opened(path);
    registry kinds;
    kinds.add("kind", [](const body&) {});
    runner old_one(*before, kinds, {.workers = 1, .poll = 10ms});
    runner_report report;
    std::jthread runs([&] { report = old_one.run({}); });
    ASSERT_TRUE(before->sink().publish(jobs_of(1)));
    while (before->ledger()->count({.states = {state::completed}}).value() != 1) std::this_thread::yield();
    {
        gm::stores::sqlite::connection by_hand(path, gm::stores::sqlite::connection::mode::write, 5s);
        by_hand.run_script(
            "BEGIN IMMEDIATE; UPDATE gm_meta SET value = 9 WHERE name IN ('version', 'least_worker');"
            "CREATE TABLE gm_more (a); COMMIT");
    }
    runs.join();
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->fault, store_fault::too_new) << report.error->what;
}

}  // namespace
