// Commands that want the terminal, in a shell with jobs.
#include <optional>

#include "jobs_helpers.hpp"
#include "tmux_terminal.hpp"

namespace {

using namespace program_tests;

class terminal_for_commands : public ::testing::Test {
protected:
    void SetUp() override {
        if (!tmux_terminal::is_there()) GTEST_SKIP() << "tmux is not installed";
        shell.emplace(100, 30, "export PS1='ready> '; exec bash --norc --noprofile -i");
        shell->wait_for("ready>");
    }
    void type(const std::string& line) const {
        shell->press(line);
        shell->press("Enter");
    }
    static std::string words_of(const strings& command) {
        std::string line;
        for (const std::string& word : command) line += word + ' ';
        return line;
    }
    void run(const std::string& rest) const { type("clear; " GRISTMILL_PROGRAM " run " + rest); }
    // When the shell is back. After a program that Ctrl-C has ended it runs no more of the same line.
    std::string wait_for_status(const std::string& wanted) const {
        shell->wait_for("\nready>");
        type("echo \"status $?\"");
        return shell->wait_for("\nstatus " + wanted);
    }
    std::optional<tmux_terminal> shell;
};

TEST_F(terminal_for_commands, one_that_asks_is_told_and_can_be_ended) {
    run("--no-display 'read x < /dev/tty; : {}' ::: gm-asks");
    shell->wait_for("is stopped, for it wants the terminal: read x < /dev/tty; : gm-asks");
    shell->wait_for("only with --tty");
    shell->press("C-c");
    shell->wait_for("Again to end them");
    shell->press("C-c");
    wait_for_status("130");
    EXPECT_FALSE(somebody_runs(": gm-asks"));
}

TEST_F(terminal_for_commands, one_after_the_other_they_have_it_with_tty) {
    run("--tty 'echo name of {}; read x; echo {} is $x' ::: one two");
    shell->wait_for("name of one\n");
    type("Ada");
    shell->wait_for("one is Ada\nname of two\n");
    type("Bob");
    shell->wait_for("two is Bob\n");
    wait_for_status("0");
}

TEST_F(terminal_for_commands, with_tty_a_command_is_stopped_and_taken_back_with_its_run) {
    run("--tty 'echo name of {}; read x; echo {} is $x' ::: one");
    shell->wait_for("name of one\n");
    shell->press("C-z");
    shell->wait_for("Stopped");
    type("echo between");
    shell->wait_for("\nbetween\n");
    type("fg");
    shell->wait_for("run --tty");
    type("Ada");
    shell->wait_for("one is Ada\n");
}

// In the background it is stopped again, as any job that reads from there.
TEST_F(terminal_for_commands, with_tty_a_run_in_the_background_waits_for_its_turn) {
    type("clear; " GRISTMILL_PROGRAM " run --tty 'echo name of {}; read x; echo {} is $x' ::: one &");
    // The shell tells of it with its next prompt.
    shell->wait_for([&](const std::string& now) {
        const bool told = now.find("Stopped") != now.npos;
        if (!told) shell->press("Enter");
        return told;
    });
    type("fg");
    shell->wait_for("name of one\n");
    type("Ada");
    shell->wait_for("one is Ada\n");
}

TEST_F(terminal_for_commands, with_tty_ctrl_c_ends_the_command_and_no_other_is_started) {
    run("--tty 'stty -echo; echo name of {}; read x' ::: one two");
    shell->wait_for("name of one\n");
    shell->press("C-c");
    const std::string end = wait_for_status("130");
    EXPECT_EQ(end.find("name of two\n"), std::string::npos);
    EXPECT_EQ(end.find("failed"), std::string::npos);
    type("stty -a | grep -o -- '-echo ' || echo it echoes");
    shell->wait_for("\nit echoes");
}

// It was stopped, and nobody was told.
TEST_F(terminal_for_commands, a_job_that_asks_is_told_and_can_be_cancelled) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"read x < /dev/tty"}), "1");
    type("clear; " + words_of(jobs.command("work", {"--allow-exec"})));
    shell->wait_for("job 1 (exec) is stopped, for it wants the terminal");
    EXPECT_EQ(jobs.run("cancel", {"1"}).status, 0);
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, R"("state":"cancelled")"));
    EXPECT_TRUE(contains(jobs.run("logs", {"1"}).output, "stopped, for it wants the terminal"));
    shell->press("C-c");
    wait_for_status("0");
}

TEST(run_tty, is_refused_where_it_makes_no_sense) {
    const auto refused = [](std::vector<std::string> flags, const char* why) {
        flags.insert(flags.begin(), {"setsid", "-w", GRISTMILL_PROGRAM, "run", "--tty"});
        flags.insert(flags.end(), {"true", ":::", "1"});
        const answer it = running(std::move(flags)).wait();
        EXPECT_EQ(it.status, 255);
        EXPECT_NE(it.errors.find(why), std::string::npos) << it.errors;
    };
    refused({}, "no terminal controls this process");
    refused({"-j4"}, "leave -j out");
    refused({"--tag"}, "do not go with it");
    refused({"--line-buffer"}, "do not go with it");
}

}  // namespace
