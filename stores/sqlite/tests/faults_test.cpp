// Processes that die, freeze, and crowd around one file. What is counted: jobs lost 0, finishes accepted twice 0, starts after
// an accepted finish 0.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <gristmill/stores/sqlite.hpp>

#include "../src/clock.hpp"
#include "child.hpp"
#include "fixtures.hpp"
#include "scratch.hpp"

namespace {

using namespace gm::jobs;
using namespace std::chrono_literals;
using gm::test::answer;
using gm::test::child;
using gm::test::jobs_of;
using gm::test::opened;

// ---- roles ----

// hold PATH LEASE_MS NUMBER: claims so many, then does as it is told.
void hold(const std::vector<std::string>& with) {
    const auto store = opened(with.at(0));
    auto worker = std::move(*store->subscribe({.lease = std::chrono::milliseconds(std::stoi(with.at(1)))}));
    const auto held = worker->exchange({}, {.idle = std::stoul(with.at(2))}).value().jobs;
    answer("holds " + std::to_string(held.size()));
    for (std::string line; gm::test::read_line(line);) {
        if (line == "beat") answer("lost " + std::to_string(worker->beat({}).value().lost.size()));
        if (line != "finish") continue;
        const settlement end{.which = held.at(0).which};
        const auto outcome = worker->exchange({&end, 1}, {}).value().outcomes.at(0);
        answer(outcome == settled::yes ? "settled" : "refused");
    }
}

// Appended in one piece, so that lines of several processes stand in the order of their writing.
class audit {
public:
    explicit audit(const std::string& path)
        : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
    ~audit() { ::close(file_); }
    audit(const audit&) = delete;
    audit& operator=(const audit&) = delete;
    void line(const char* what, job_id id) const {
        const std::string text = std::string(what) + " " + std::to_string(id.number) + "\n";
        if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
    }

private:
    const int file_;
};

// drain PATH AUDIT JOBS: works until so many are completed, by whomever.
void drain(const std::vector<std::string>& with) {
    const auto store = opened(with.at(0));
    const audit said(with.at(1));
    const std::uint64_t all = std::stoull(with.at(2));
    auto worker = std::move(*store->subscribe({}));
    std::vector<delivery> held;
    demand wanted{.idle = 7};
    while (store->ledger()->count({.states = {state::completed}}).value() < all) {
        std::vector<settlement> ends;
        for (const delivery& each : held) ends.push_back({.which = each.which});
        const exchanged done = worker->exchange(ends, wanted).value();
        for (std::size_t i = 0; i != ends.size(); ++i)
            if (done.outcomes[i] == settled::yes) said.line("done", held[i].id);
        held = done.jobs;
        for (const delivery& each : held) said.line("start", each.id);
        wanted.which = held.empty() && done.suspects ? claim::suspect : claim::ordinary;
        if (held.empty()) static_cast<void>(worker->sweep().value());
    }
    answer("done");
}

// publish PATH NUMBER SIZE: in bulks of a size, each with a tag of its own; says so after each.
void publish(const std::vector<std::string>& with) {
    const auto store = opened(with.at(0));
    const int number = std::stoi(with.at(1));
    for (int i = 0; i != number; ++i) {
        const std::string tag = std::to_string(::getpid()) + "." + std::to_string(i);
        if (!store->sink().publish(jobs_of(std::stoul(with.at(2)), tag))) std::abort();
        answer(tag);
    }
}

[[maybe_unused]] const bool roles = gm::test::define_role("hold", hold) && gm::test::define_role("drain", drain) &&
                                    gm::test::define_role("publish", publish);

// ---- tests ----

struct tally {
    std::map<std::int64_t, int> done;
    int starts_after_done = 0;
};
tally tally_of(const std::string& path) {
    tally counted;
    std::ifstream file(path);
    std::string what;
    for (std::int64_t id = 0; file >> what >> id;) {
        if (what == "done") ++counted.done[id];
        if (what == "start" && counted.done.contains(id)) ++counted.starts_after_done;
    }
    return counted;
}

TEST(sqlite_faults, killed_workers_jobs_are_available_at_the_first_sweep_after_its_death) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    ASSERT_TRUE(store->sink().publish(jobs_of(3)));
    const auto witness = std::move(*store->subscribe({}));
    child victim("hold", {where.file("work.db"), "15000", "3"});
    ASSERT_EQ(victim.hear(), "holds 3");
    const swept before = witness->sweep().value();
    EXPECT_EQ(before.rescued, 0u);
    EXPECT_LE(before.again_in, 1s);  // so the next one comes within two
    victim.kill();
    EXPECT_EQ(witness->sweep().value().rescued, 3u);
    const exchanged next = witness->exchange({}, {.idle = 1, .which = claim::suspect}).value();
    ASSERT_EQ(next.jobs.size(), 1u);
    EXPECT_EQ(next.jobs[0].crashes, 1);
}

TEST(sqlite_faults, worker_that_leaves_gives_its_jobs_back_uncounted) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    ASSERT_TRUE(store->sink().publish(jobs_of(3)));
    child leaver("hold", {where.file("work.db"), "15000", "3"});
    ASSERT_EQ(leaver.hear(), "holds 3");
    EXPECT_TRUE(leaver.end());
    const auto other = std::move(*store->subscribe({}));
    const exchanged got = other->exchange({}, {.idle = 5}).value();
    ASSERT_EQ(got.jobs.size(), 3u);
    EXPECT_EQ(got.jobs[0].crashes, 0);
}

// Its byte stays locked while it is frozen: its lease decides.
TEST(sqlite_faults, frozen_worker_past_its_lease_is_fenced_when_it_goes_on) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    ASSERT_TRUE(store->sink().publish(jobs_of(1)));
    const auto witness = std::move(*store->subscribe({.lease = 1s}));
    child frozen("hold", {where.file("work.db"), "1000", "1"});
    ASSERT_EQ(frozen.hear(), "holds 1");
    frozen.stop();
    std::size_t rescued = 0;
    for (int i = 0; i != 12 && rescued == 0; ++i) {
        EXPECT_TRUE(witness->beat({}).value().lost.empty());
        rescued = witness->sweep().value().rescued;
        gm::stores::sqlite::let_pass(250'000);
    }
    EXPECT_EQ(rescued, 1u);
    EXPECT_TRUE(witness->beat({}));
    const exchanged got = witness->exchange({}, {.idle = 1, .which = claim::suspect}).value();
    ASSERT_EQ(got.jobs.size(), 1u);
    const settlement end{.which = got.jobs[0].which, .result = {"7", {}}};
    EXPECT_EQ(witness->exchange({&end, 1}, {}).value().outcomes.at(0), settled::yes);

    frozen.signal(SIGCONT);
    frozen.tell("finish");
    EXPECT_EQ(frozen.hear(), "refused");
    frozen.tell("beat");
    EXPECT_EQ(frozen.hear(), "lost 1");
    frozen.tell("beat");
    EXPECT_EQ(frozen.hear(), "lost 0");
    EXPECT_TRUE(frozen.end());
    EXPECT_EQ(store->ledger()->find(got.jobs[0].id).value()->result.bytes, "7");
}

TEST(sqlite_faults, killed_and_replaced_workers_lose_no_job_and_finish_none_twice) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    constexpr std::size_t number = 1'000;
    ASSERT_TRUE(store->sink().publish(jobs_of(number)));
    const std::vector<std::string> with{where.file("work.db"), where.file("audit"), std::to_string(number)};
    child steady("drain", with);
    for (std::uint64_t kills = 1; kills <= 2; ++kills) {
        child victim("drain", with);
        while (store->ledger()->count({.states = {state::completed}}).value() < kills * number / 4) ::usleep(1000);
        victim.kill();
    }
    EXPECT_EQ(steady.hear(), "done");
    EXPECT_TRUE(steady.end());
    EXPECT_EQ(store->ledger()->count({.states = {state::completed}}).value(), number);
    EXPECT_EQ(store->ledger()->count({}).value(), number);
    const tally counted = tally_of(where.file("audit"));
    EXPECT_EQ(counted.starts_after_done, 0);
    for (const auto& [id, times] : counted.done) EXPECT_EQ(times, 1) << "job " << id;
    const auto all = store->ledger()->list({}, {.most = number});
    for (const record& each : *all) EXPECT_EQ(each.attempts, 1) << each.id.number;
}

TEST(sqlite_faults, several_processes_publish_and_drain_one_file) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    constexpr int each = 200;
    const std::vector<std::string> with{where.file("work.db"), where.file("audit"), std::to_string(3 * each)};
    child one("drain", with), other("drain", with);
    child first("publish", {with[0], std::to_string(each), "1"});
    child second("publish", {with[0], std::to_string(each / 2), "2"});
    child third("publish", {with[0], std::to_string(each / 4), "4"});
    for (child* publisher : {&first, &second, &third}) {
        while (!publisher->hear().empty()) {
        }
        EXPECT_TRUE(publisher->end());
    }
    for (child* drainer : {&one, &other}) {
        EXPECT_EQ(drainer->hear(), "done");
        EXPECT_TRUE(drainer->end());
    }
    EXPECT_EQ(tally_of(with[1]).done.size(), 3u * each);
    EXPECT_EQ(store->ledger()->count({.states = {state::completed}, .kind = "kind"}).value(), 3u * each);
}

TEST(sqlite_faults, bulk_whose_publisher_is_killed_is_there_whole_or_not_at_all) {
    const gm::test::scratch where;
    const auto store = opened(where.file("work.db"));
    constexpr std::size_t size = 400;
    std::set<std::string> said;
    for (int round = 0; round != 5; ++round) {
        child publisher("publish", {where.file("work.db"), "1000000", std::to_string(size)});
        for (int i = 0; i <= round; ++i) said.insert(publisher.hear());
        publisher.kill();
        for (std::string more; !(more = publisher.hear()).empty();) said.insert(more);
    }
    std::map<std::string, std::size_t> there;
    const auto all = store->ledger()->list({}, {.most = 1'000'000});
    for (const record& each : *all) ++there[each.tags.at(0)];
    for (const auto& [tag, number] : there) EXPECT_EQ(number, size) << tag;
    for (const std::string& tag : said) EXPECT_TRUE(there.contains(tag)) << tag;
}

}  // namespace
