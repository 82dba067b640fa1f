#include <gristmill/kinds/exec/exec_kind.hpp>

#include <gtest/gtest.h>

#include <gristmill/jobs/client.hpp>
#include <gristmill/jobs/runner.hpp>
#include <gristmill/stores/memory.hpp>
#include <gristmill/timer.hpp>
#include <gristmill/wait_group.hpp>

namespace {

using namespace gm::kinds::exec;
using namespace std::chrono_literals;
namespace jobs = gm::jobs;

// A worker on a store in memory.
class exec_kind : public ::testing::Test {
protected:
    void start() {
        runner.emplace(*store, kinds, jobs::runner_options{.workers = 2, .lease = 3s, .beat = 10ms, .seed = 1});
        thread.go([this] { report = runner->run(quit); });
    }
    ~exec_kind() override {
        quit.cancel();
        thread.wait();
    }
    jobs::job_id put(std::string kind, std::string arguments, jobs::insert_options how = {}) {
        const auto done = client.insert(std::move(kind), jobs::body{std::move(arguments), {}}, std::move(how));
        EXPECT_TRUE(done) << done.error().what;
        return done ? done->id : jobs::job_id{};
    }
    jobs::record end_of(jobs::job_id id) { return *client.wait(id, 60s); }
    std::string log_of(jobs::job_id id) {
        std::string all;
        const auto parts = store->ledger()->logs(id);
        for (const jobs::log_part& each : *parts) all += each.text;
        return all;
    }

    std::unique_ptr<jobs::store> store = gm::stores::open_memory();
    exec_crew crew;
    jobs::registry kinds;
    jobs::client client{*store, kinds};
    std::optional<jobs::runner> runner;
    gm::context_source quit;
    jobs::runner_report report;
    gm::wait_group thread;
};

TEST_F(exec_kind, a_command_has_what_its_job_says) {
    crew.add_exec(kinds);
    start();
    const auto id = put("exec",
                        R"({"shell": "pwd; cat; echo $COLOUR $GRISTMILL_KIND $GRISTMILL_ATTEMPT; echo noise >&2",
                            "directory": "/", "environment": {"COLOUR": "a = b"}, "input": "in\n"})");
    const jobs::record end = end_of(id);
    EXPECT_EQ(end.state, jobs::state::completed);
    EXPECT_EQ(end.result.bytes, R"({"output":"/\nin\na = b exec 1\n"})");
    const std::string log = log_of(id);
    for (const char* const line : {"/\n", "in\n", "a = b exec 1\n", "noise\n"})
        EXPECT_NE(log.find(line), std::string::npos) << line << " in " << log;
}

TEST_F(exec_kind, a_failure_quotes_the_end_of_the_errors) {
    crew.add_exec(kinds, {.retry = {.attempts = 1}});
    start();
    EXPECT_EQ(end_of(put("exec", R"({"shell": "echo one >&2; echo two >&2; exit 3"})")).errors.at(0).error,
              "exit 3: one\ntwo");
    EXPECT_EQ(end_of(put("exec", R"({"shell": "kill -9 $$"})")).errors.at(0).error, "killed by SIGKILL");
    EXPECT_EQ(end_of(put("exec", R"({"command": ["/no/such/program"]})")).errors.at(0).error,
              "/no/such/program cannot be started: No such file or directory");
    const std::string much = end_of(put("exec", R"({"shell": "seq 100000 >&2; exit 1"})")).errors.at(0).error;
    EXPECT_LT(much.size(), 1100u);
    EXPECT_TRUE(much.ends_with("\n99999\n100000"));
}

TEST_F(exec_kind, output_that_is_no_text_or_too_long_is_no_result) {
    crew.add_exec(kinds);
    start();
    EXPECT_EQ(end_of(put("exec", R"({"shell": "printf '\\377'"})")).result.bytes, "");
    EXPECT_EQ(end_of(put("exec", R"({"shell": "yes | head -c 40000"})")).result.bytes, "");
    const auto long_line = put("exec", R"({"shell": "head -c 100000 /dev/zero | tr '\\0' x"})");
    EXPECT_EQ(end_of(long_line).state, jobs::state::completed);
    EXPECT_NE(log_of(long_line).find("xxx"), std::string::npos);
}

TEST_F(exec_kind, wrong_arguments_are_refused_at_insert) {
    crew.add_exec(kinds);
    const auto refused = [&](std::string arguments) {
        const auto put = client.insert("exec", jobs::body{std::move(arguments), {}});
        return put ? std::string("inserted") : put.error().what;
    };
    for (const char* const wrong :
         {"{}", R"({"command": []})", R"({"command": [""]})", R"({"command": ["a"], "shell": "a"})", R"({"shell": ""})",
          R"({"shell": "a\u0000b"})", R"({"command": ["a", "b\u0000"]})",
          R"({"shell": "a", "environment": {"A=B": "c"}})", R"({"shell": "a", "dir": "/"})"})
        EXPECT_TRUE(refused(wrong).starts_with("arguments: ")) << wrong << ": " << refused(wrong);
}

TEST_F(exec_kind, a_command_of_the_operators_reads_the_arguments) {
    crew.add_command(kinds, "upper", "tr a-z A-Z");
    crew.add_command(kinds, "words", "wc -w; echo done");
    start();
    EXPECT_EQ(end_of(put("upper", R"({"a":"; exit 1"})")).result.bytes, "{\"A\":\"; EXIT 1\"}");
    EXPECT_EQ(end_of(put("words", R"("x y")")).result.bytes, R"({"output":"2\ndone\n"})");
}

// A signal may come while a child is being started, and is not known yet to whoever kills them all.
TEST_F(exec_kind, killed_all_kills_what_starts_after_it) {
    crew.add_exec(kinds, {.retry = {.attempts = 1}});
    crew.kill_all();
    start();
    EXPECT_EQ(end_of(put("exec", R"({"shell": "sleep 1000.5"})")).errors.at(0).error, "killed by SIGKILL");
}

TEST_F(exec_kind, cancelled_its_command_is_ended) {
    crew.add_exec(kinds);
    start();
    const auto id = put("exec", R"({"shell": "echo begun; sleep 1000"})");
    while (log_of(id).empty()) gm::sleep(1ms);
    ASSERT_TRUE(*client.cancel(id));
    EXPECT_EQ(end_of(id).state, jobs::state::cancelled);
}

}  // namespace
