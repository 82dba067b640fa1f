// gristmill work, as a service: signals, crashes, systemd, the size of its crew.
#include "jobs_helpers.hpp"
#include "notify_socket.hpp"

namespace {

using namespace program_tests;

TEST(work, wants_to_be_told_what_it_may_do) {
    const jobs_folder jobs;
    const answer it = jobs.run("work");
    EXPECT_EQ(it.status, 255);
    EXPECT_TRUE(contains(it.errors, "--allow-exec"));
    EXPECT_EQ(jobs.run("work", {"--allow-exec", "queue"}).status, 255);
    EXPECT_TRUE(contains(jobs.run("work", {"--on", "exec=sh"}).errors, "--allow-exec"));
    EXPECT_TRUE(contains(jobs.run("work", {"--on", "x"}).errors, "write KIND=COMMAND"));
    EXPECT_TRUE(contains(jobs.run("work", {"--allow-exec", "-j0"}).errors, "from 1 to"));
}

// They were claimed and failed, until their tries were used up.
TEST(work, commands_are_left_to_a_worker_that_has_allow_exec) {
    const jobs_folder jobs;
    ASSERT_EQ(
        jobs.run("push", {"--retries", "1", "-"}, "touch " + jobs / "one" + "\ntouch " + jobs / "two" + "\n").status,
        0);
    ASSERT_EQ(jobs.line_of("push", {"--kind", "other"}), "3");
    const answer without = jobs.run("drain", {"--on", "other=true", "-j1"});
    EXPECT_EQ(without.status, 0);
    EXPECT_TRUE(without.output.starts_with("3 other completed")) << without.output;
    EXPECT_EQ(
        without.errors,
        "gristmill drain: without --allow-exec the jobs of the kind 'exec' are left to other workers; 2 are not over\n"
        "gristmill drain: 1 completed\n");
    EXPECT_FALSE(std::filesystem::exists(jobs / "one"));
    ASSERT_EQ(jobs.run("retry", {"1", "2"}).status, 0) << "not to wait for their turn";
    const answer with = jobs.run("drain", {"--allow-exec"});
    EXPECT_EQ(with.status, 0) << with.output;
    EXPECT_TRUE(std::filesystem::exists(jobs / "one"));
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, R"("attempts":1,)"));
}

TEST(work, a_command_of_the_operators_gets_the_arguments_on_its_input) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"--kind", "ship", "--args", R"({"to": "$(touch bad); `id`"})"}), "1");
    EXPECT_EQ(jobs.run("drain", {"--on", "ship=tr a-z A-Z"}).status, 0);
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, R"("result":{"TO":"$(TOUCH BAD); `ID`"})"));
}

TEST(work, a_secret_reaches_the_command_and_is_shown_nowhere) {
    const jobs_folder jobs;
    const auto with_secret = [](strings command) {
        command.insert(command.begin(), {"env", "GM_SECRET=open sesame"});
        return command;
    };
    const std::string args =
        R"({"shell": "echo \"$KEY\" > )" + jobs / "got" +
        R"(; echo \"$KEY\"; echo no \"$KEY\" >&2; exit 1", "environment": {"KEY": {"$env": "GM_SECRET"}}})";
    ASSERT_EQ(jobs.line_of("push", {"--retries", "1", "--kind", "exec", "--args", args}), "1");
    ASSERT_EQ(jobs.line_of("push", {"--retries", "1", "--kind", "other", "--args", R"({"$env": "HOME"})"}), "2");
    const answer it =
        running(with_secret(jobs.command("drain", {"--allow-exec", "--on", "other=cat", "--env-secrets", "GM_SECRET"})))
            .wait();
    EXPECT_EQ(text_of(jobs / "got"), "open sesame\n");
    EXPECT_TRUE(contains(it.output, "1 exec dead")) << it.output;
    EXPECT_TRUE(contains(it.output, ": arguments: this worker does not give out its variable 'HOME'\n")) << it.output;
    const std::string shown = it.output + it.errors + jobs.run("show", {"1", "2"}).output +
                              jobs.run("show", {"--json", "1", "2"}).output + jobs.run("logs", {"1"}).output +
                              jobs.run("ls").output;
    EXPECT_FALSE(contains(shown, "sesame")) << shown;
    EXPECT_TRUE(contains(shown, "exit 1: no [$GM_SECRET]")) << shown;
    EXPECT_TRUE(contains(jobs.run("work", {"--allow-exec", "--env-secrets", "GM_NOT_SET"}).errors,
                         "--env-secrets: there is no variable 'GM_NOT_SET'"));
}

TEST(work, what_a_command_says_does_not_steer_a_terminal) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"--retries", "1", "printf '\\033[2Jgone\\302\\233' >&2; exit 3"}), "1");
    for (const std::string& told : {jobs.run("drain", {"--allow-exec"}).output, jobs.run("wait", {"1"}).output}) {
        EXPECT_TRUE(contains(told, "exit 3: \\x1b[2Jgone\\u009b\n")) << told;
        EXPECT_FALSE(contains(told, "\x1b")) << told;
    }
}

TEST(work, told_to_stop_it_lets_what_runs_finish) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {waits_for(jobs, "gm-finish")}), "1");
    ASSERT_EQ(jobs.line_of("push", {"--after", "1", "true"}), "2");
    running worker(jobs.command("work", {"--allow-exec", "-j1"}));
    wait_for_file(jobs / "runs");
    worker.signal(SIGTERM);
    worker.read_until([&] { return contains(worker.said.errors, "1 running may finish"); });
    std::ofstream(jobs / "go") << "";
    const answer it = worker.wait();
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_TRUE(contains(it.output, "1 exec completed")) << it.output;
    EXPECT_FALSE(contains(it.output, "2 exec")) << it.output;
}

TEST(work, a_second_signal_gives_the_job_back_uncounted) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"--retries", "1", waits_for(jobs, "gm-given-back")}), "1");
    running worker(jobs.command("work", {"--allow-exec"}));
    wait_for_file(jobs / "runs");
    worker.interrupt_twice(SIGINT);
    const answer it = worker.wait();
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_TRUE(contains(it.output, "1 exec interrupted")) << it.output;
    EXPECT_FALSE(somebody_runs("gm-given-back"));
    std::ofstream(jobs / "go") << "";
    EXPECT_EQ(jobs.run("drain", {"--allow-exec"}).status, 0);
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, R"("attempts":1,"interruptions":1)"));
}

TEST(work, what_ignores_the_ladder_is_killed_by_the_third_signal) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"trap '' TERM; " + waits_for(jobs, "gm-stubborn")}), "1");
    running worker(jobs.command("work", {"--allow-exec", "--term-seq", "TERM,100000,KILL"}));
    wait_for_file(jobs / "runs");
    worker.interrupt_twice(SIGTERM);
    worker.read_until([&] { return contains(worker.said.errors, "Again to kill them"); });
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait().status, 0);
    EXPECT_FALSE(somebody_runs("gm-stubborn"));
}

// Its children, and what those have started, must not run on beside the next attempt.
TEST(work, killed_it_leaves_nothing_behind_and_its_job_runs_elsewhere) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"setsid sh -c '" + waits_for(jobs, "gm-killed") + "' & wait"}), "1");
    running first(jobs.command("work", {"--allow-exec"}));
    wait_for_file(jobs / "runs");
    first.signal(SIGKILL);
    EXPECT_EQ(first.wait().status, 128 + SIGKILL);
    while (somebody_runs("gm-killed")) ::poll(nullptr, 0, 5);
    std::ofstream(jobs / "go") << "";
    running second(jobs.command("work", {"--allow-exec"}));  // a drain might look before it is known who is dead
    const std::string record = jobs.run("wait", {"1", "--json"}).output;
    EXPECT_TRUE(contains(record, R"("state":"completed")")) << record;
    EXPECT_TRUE(contains(record, R"("attempts":1,"crashes":1)")) << record;
    second.signal(SIGTERM);
    EXPECT_EQ(second.wait().status, 0);
}

TEST(work, an_attempt_that_takes_too_long_is_ended) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"--timeout", "100ms", "--retries", "1", "echo before; sleep 1000.25"}), "1");
    EXPECT_EQ(jobs.run("drain", {"--allow-exec"}).status, 1);
    EXPECT_TRUE(contains(jobs.run("wait", {"1"}).output, "timed out after 100 ms: killed by SIGTERM"));
    EXPECT_FALSE(somebody_runs("1000.25"));
}

TEST(work, a_file_sizes_the_crew_while_it_works) {
    const jobs_folder jobs;
    std::ofstream(jobs / "size") << "1";
    ASSERT_EQ(jobs.line_of("push", {waits_for(jobs, "gm-sized")}), "1");
    running worker(jobs.command("work", {"--allow-exec", "-j", jobs / "size"}));
    wait_for_file(jobs / "runs");
    std::ofstream(jobs / "size") << "3";
    worker.read_until([&] { return contains(worker.said.errors, "a crew of 3"); });
    std::ofstream(jobs / "go") << "";
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait().status, 0);
}

// They failed for want of descriptors, which cost each of them an attempt.
TEST(work, a_large_crew_makes_room_for_its_commands) {
    const jobs_folder jobs;
    std::string lines;
    for (int i = 0; i < 40; ++i) lines += "sleep 0.3\n";
    ASSERT_EQ(jobs.run("push", {"-"}, lines).status, 0);
    strings words = jobs.command("drain", {"--allow-exec", "-j40"});
    words.insert(words.begin(), {"sh", "-c", "ulimit -Sn 64; exec \"$@\"", "sh"});
    const answer it = running(words).wait();
    EXPECT_TRUE(contains(it.errors, "gristmill drain: 40 completed\n")) << it.errors;
}

TEST(work, systemd_is_told_and_jobs_do_not_see_its_socket) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"echo socket=$NOTIFY_SOCKET"}), "1");
    const notify_socket systemd(jobs / "notify");
    strings words = jobs.command("work", {"--allow-exec"});
    words.insert(words.begin(), {"env", "NOTIFY_SOCKET=" + jobs / "notify", "WATCHDOG_USEC=200000"});
    running worker(words);
    systemd.read_until("READY=1");
    systemd.read_until("WATCHDOG=1");
    systemd.read_until("STATUS=1 completed");
    worker.signal(SIGTERM);
    systemd.read_until("STOPPING=1");
    EXPECT_EQ(worker.wait().status, 0);
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, R"({"output":"socket=\n"})"));
}

}  // namespace
