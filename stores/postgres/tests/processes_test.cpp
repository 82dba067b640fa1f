// Workers that are processes of their own: two that share the work, one that is killed, one that is stopped and comes back.
// A worker process is this program, run again with one of the tests below that are disabled.

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <array>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "crew.hpp"
#include "server.hpp"

extern char** environ;

namespace {

using namespace gm;
using namespace gm::test;
using namespace std::chrono_literals;

constexpr auto short_lease = 1s;

// ---- the worker's side ----

std::string from_environment(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

std::unique_ptr<jobs::store> store_of_parent() {
    return open_store(from_environment("WORK_URL"), {.schema = from_environment("WORK_SCHEMA")});
}

void say(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
    std::fflush(stdout);
}

// Completes all that it gets, and says how many that were when there has been nothing for a while.
TEST(worker_process, DISABLED_drains) {
    const auto store = store_of_parent();
    const auto source = store->subscribe({}).value();
    std::vector<jobs::settlement> ends;
    int done = 0;
    for (int empty = 0; empty < 5;) {
        auto got = source->exchange(ends, {.idle = 10});
        ASSERT_TRUE(got) << got.error().what;
        done += static_cast<int>(ends.size());
        ends.clear();
        for (const jobs::delivery& job : got->jobs) ends.push_back({.which = job.which});
        empty = got->jobs.empty() ? empty + 1 : 0;
    }
    say("done " + std::to_string(done));
}

// Claims one, says so, and waits for a signal to go on: then it tries to finish it.
TEST(worker_process, DISABLED_holds) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &wanted, nullptr);  // before any thread is made
    const auto store = store_of_parent();
    const auto source = store->subscribe({.worker = "holder", .lease = short_lease}).value();
    auto got = source->exchange({}, {.idle = 1});
    ASSERT_EQ(got.value().jobs.size(), 1u);
    say("holds");
    int signal = 0;
    sigwait(&wanted, &signal);
    const jobs::settlement end{.which = got->jobs[0].which};
    auto told = source->beat({});
    auto settled = source->exchange({&end, 1}, {});
    say(std::string("lost ") + std::to_string(told.value().lost.size()) + " " +
        (settled.value().outcomes[0] == jobs::settled::refused ? "refused" : "accepted"));
}

// ---- the parent's side ----

class process {
public:
    process(const std::string& test, const std::string& schema) {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
        posix_spawn_file_actions_addclose(&actions, ends[0]);
        std::vector<std::string> words{"worker", "--gtest_filter=worker_process.DISABLED_" + test,
                                       "--gtest_also_run_disabled_tests"};
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        setenv("WORK_URL", server::shared().url().c_str(), 1);
        setenv("WORK_SCHEMA", schema.c_str(), 1);
        EXPECT_EQ(posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[1]);
        from_ = fdopen(ends[0], "r");
    }
    ~process() {
        if (pid_ != 0) end_by(SIGKILL);
        std::fclose(from_);
    }
    process(const process&) = delete;
    process& operator=(const process&) = delete;

    // The next line that begins so; empty when it has ended without one.
    std::string line(const std::string& beginning) {
        std::array<char, 1024> text{};
        while (std::fgets(text.data(), text.size(), from_))
            if (std::string_view(text.data()).starts_with(beginning))
                return std::string(text.data()).substr(0, std::string_view(text.data()).size() - 1);
        return {};
    }
    void tell(int signal) const { kill(pid_, signal); }
    void end_by(int signal) {
        kill(pid_, signal);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    std::FILE* from_ = nullptr;
};

// Beats, and sweeps until somebody was rescued.
bool rescue(jobs::source& by) {
    return eventually([&] {
        EXPECT_TRUE(by.beat({}));
        auto swept = by.sweep();
        EXPECT_TRUE(swept) << swept.error().what;
        return swept && swept->rescued > 0;
    });
}

TEST(postgres_processes, two_drain_one_queue_without_a_double) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    constexpr int total = 2000;
    ASSERT_TRUE(store->sink().publish(some_jobs(total)));
    process one("drains", schema), other("drains", schema);
    const int first = std::stoi("0" + one.line("done ").substr(5)),
              second = std::stoi("0" + other.line("done ").substr(5));
    EXPECT_EQ(first + second, total);
    const auto all = store->ledger()->list({}, {.most = total}).value();
    ASSERT_EQ(all.size(), static_cast<std::size_t>(total));
    for (const jobs::record& job : all) {
        EXPECT_EQ(job.state, jobs::state::completed);
        EXPECT_EQ(job.epoch, 1);
        EXPECT_EQ(job.attempts, 1);
    }
}

TEST(postgres_processes, job_of_a_killed_worker_runs_again) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    const auto made = store->sink().publish(some_jobs(1)).value();
    process victim("holds", schema);
    ASSERT_EQ(victim.line("holds"), "holds");
    victim.end_by(SIGKILL);
    const auto witness = store->subscribe({.lease = short_lease}).value();
    ASSERT_TRUE(rescue(*witness));
    auto again = witness->exchange({}, {.idle = 1, .which = jobs::claim::suspect});
    ASSERT_TRUE(again);
    ASSERT_EQ(again->jobs.size(), 1u);
    EXPECT_EQ(again->jobs[0].id, made[0].id);
    EXPECT_EQ(again->jobs[0].crashes, 1);
    const auto record = store->ledger()->find(made[0].id).value().value();
    ASSERT_EQ(record.errors.size(), 1u);
    EXPECT_EQ(record.errors[0].worker, "holder");
    EXPECT_EQ(record.errors[0].attempt, 0);
}

// Found by an hour's storm: a worker was frozen before an outage of the server and let go after it. Its sweep still knew of good beats when its
// first new beat had passed; the server had been up for long, most of it in its recovery; and the others had not beaten yet.
TEST(postgres_processes, who_has_slept_through_an_outage_declares_nobody_dead) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    ASSERT_TRUE(store->sink().publish(some_jobs(1)));
    const auto sleeper = store->subscribe({.worker = "sleeper"}).value(), other = store->subscribe({}).value();
    ASSERT_EQ(other->exchange({}, {.idle = 1}).value().jobs.size(), 1u);
    plain_connection look(server::shared().url());
    ASSERT_TRUE(look.tell("set search_path to " + schema));
    const std::string since = "select good_since from worker where name = 'sleeper'";

    ASSERT_TRUE(look.tell("update worker set expires = 0, good_since = 0"));  // nobody could beat
    ASSERT_TRUE(sleeper->beat({}));
    const std::string begun = look.ask(since);
    EXPECT_EQ(look.ask("select last_beat from worker where name = 'sleeper'"), begun);
    ASSERT_TRUE(sleeper->beat({}));
    EXPECT_EQ(look.ask(since), begun) << "its lease has not run out since";

    // All but that allows it: what it says of its beats, and how long the server is up.
    ASSERT_TRUE(look.tell("update worker set lease = 1, good_since = now_us() + 3600000000"));
    const std::string rescue_by_it =
        "select rescue((select id from worker where name = 'sleeper'), 3600000000, 3, 1000)";
    EXPECT_EQ(look.ask(rescue_by_it), "0");
    ASSERT_TRUE(look.tell("update worker set good_since = 0"));
    EXPECT_EQ(look.ask(rescue_by_it), "1");
}

TEST(postgres_processes, worker_that_was_stopped_too_long_is_refused) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    const auto made = store->sink().publish(some_jobs(1)).value();
    process sleeper("holds", schema);
    ASSERT_EQ(sleeper.line("holds"), "holds");
    sleeper.tell(SIGSTOP);
    const auto witness = store->subscribe({.lease = short_lease}).value();
    ASSERT_TRUE(rescue(*witness));
    auto again = witness->exchange({}, {.idle = 1, .which = jobs::claim::suspect});
    ASSERT_EQ(again.value().jobs.size(), 1u);
    const jobs::settlement end{.which = again->jobs[0].which, .result = {"the witness", ""}};
    ASSERT_EQ(witness->exchange({&end, 1}, {}).value().outcomes[0], jobs::settled::yes);
    sleeper.tell(SIGCONT);
    sleeper.tell(SIGUSR1);
    EXPECT_EQ(sleeper.line("lost "), "lost 1 refused");
    const auto record = store->ledger()->find(made[0].id).value().value();
    EXPECT_EQ(record.result.bytes, "the witness");
    EXPECT_EQ(record.epoch, 2);
}

// The lease has passed, and nobody has declared it dead: it takes it again and goes on.
TEST(postgres_processes, worker_that_comes_back_in_time_keeps_what_it_holds) {
    const std::string schema = fresh_schema();
    const auto store = open_store(server::shared().url(), {.schema = schema});
    ASSERT_TRUE(store->sink().publish(some_jobs(1)));
    process sleeper("holds", schema);
    ASSERT_EQ(sleeper.line("holds"), "holds");
    plain_connection clock(server::shared().url());
    ASSERT_TRUE(eventually([&] {
        return clock.ask("select bool_and(expires < " + schema + ".now_us()) from " + schema + ".worker") == "t";
    }));
    sleeper.tell(SIGUSR1);
    EXPECT_EQ(sleeper.line("lost "), "lost 0 accepted");
}

}  // namespace
