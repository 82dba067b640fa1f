// gristmill run, as a user runs it.
#include "program_helpers.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <sstream>
#include <thread>

#include <gristmill/kinds/exec/process_table.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

#include "support/held_program.hpp"

namespace {

using namespace program_tests;
using gm::kinds::exec::unique_fd;
using strings = std::vector<std::string>;

TEST(run, a_list_becomes_commands) {
    const answer it = gristmill_run({"-k", "echo", ":::", "a b", "$HOME", "it's", "\xff\xfe", "x\ny", ""});
    EXPECT_EQ(it.output, "a b\n$HOME\nit's\n\xff\xfe\nx\ny\n\n");
    EXPECT_EQ(it.errors, "");
    EXPECT_EQ(it.status, 0);
}

TEST(run, arguments_are_one_word_between_quotes_and_in_a_shell) {
    for (const char* command :
         {"printf '%s.' {}; :", "printf '%s.' \"{}\"; :", "printf '%s.' '{}'; :", "printf '%s.' {}"})
        EXPECT_EQ(gristmill_run({"-k", command, ":::", "$HOME `id` \"q\" 'r' \\ *", "a\nb"}).output,
                  "$HOME `id` \"q\" 'r' \\ *.a\nb.")
            << command;
}

TEST(run, an_argument_that_cannot_be_protected_is_refused) {
    const scratch folder;
    const answer it = gristmill_run({"-k", "echo `echo {}`", ":::", "x; touch " + folder / "bad", "fine"});
    EXPECT_EQ(it.output, "fine\n");
    EXPECT_EQ(it.status, 1);
    EXPECT_NE(it.errors.find("no quoting can protect the argument"), std::string::npos);
    EXPECT_TRUE(std::filesystem::is_empty(folder.path));
}

TEST(run, starts_before_its_input_ends) {
    running program(run_command({"-j1", "echo"}));
    program.feed("one\n");
    program.read_until_output("one\n");
    program.feed("two\n");
    program.read_until_output("two\n");
    EXPECT_EQ(program.wait().status, 0);
}

TEST(run, zero_bytes_separate_with_0_and_are_told_without) {
    EXPECT_EQ(gristmill_run({"-k", "-0", "echo"}, std::string_view("a\nb\0c\0", 6)).output, "a\nb\nc\n");
    const answer it = gristmill_run({"echo"}, std::string_view("a\0b\n", 4));
    EXPECT_EQ(it.output, "a\\0b\n");
    EXPECT_NE(it.errors.find("Did you mean -0?"), std::string::npos);
}

TEST(run, commands_that_cannot_be_started_have_failed) {
    const scratch folder;
    std::ofstream(folder / "not-executable") << "x";
    const answer it = gristmill_run(
        {"-k"}, "no-such-program-anywhere a\n" + folder / "not-executable" + "\necho fine\n/no/such/file\n");
    EXPECT_EQ(it.output.substr(it.output.find("fine")), "fine\n");
    EXPECT_EQ(it.status, 3);
    EXPECT_NE(it.errors.find("exit 127"), std::string::npos);
    EXPECT_NE(it.errors.find("exit 126"), std::string::npos);
    EXPECT_EQ(gristmill_run({"--wd", "/no/such/folder", "echo", ":::", "1"}).status, 1);
}

TEST(run, failures_are_told_with_how_to_run_them_again) {
    const answer it = gristmill_run({"-k", "test {} != 'b c'", ":::", "a", "b c"});
    EXPECT_EQ(it.status, 1);
    const std::string what = "gristmill: 1 of 2 jobs failed:\n    exit 1       test 'b c' != 'b c'\nTo run it again:\n";
    EXPECT_TRUE(it.errors.starts_with(what + "    gristmill run --retry-failed --run ")) << it.errors;
    EXPECT_EQ(gristmill_run({"--no-journal", "-k", "test {} != 'b c'", ":::", "a", "b c"}).errors,
              what + "    gristmill run ::: 'test '\"'\"'b c'\"'\"' != '\"'\"'b c'\"'\"''\n");
}

TEST(run, output_is_grouped_and_never_mixed) {
    strings arguments{"-j8", "for i in 1 2 3 4 5 6 7 8 9; do echo line-{}; done", ":::"};
    for (int i = 0; i < 100; ++i) arguments.push_back(std::to_string(i));
    const answer it = gristmill_run(arguments);
    std::string expected;
    std::string line;
    for (std::size_t begin = 0; begin < it.output.size(); begin = it.output.find('\n', begin) + 1) {
        line = it.output.substr(begin, it.output.find('\n', begin) - begin);
        expected += line + '\n';
    }
    std::size_t at = 0;
    for (int job = 0; job < 100; ++job) {
        const std::string first = it.output.substr(at, it.output.find('\n', at) - at + 1);
        for (int i = 0; i < 9; ++i, at += first.size()) ASSERT_EQ(it.output.substr(at, first.size()), first);
    }
    EXPECT_EQ(at, it.output.size());
}

TEST(run, a_huge_output_does_not_stay_in_memory) {
    const answer it =
        gristmill_run({"-j2", "-k", "ulimit -v unlimited; head -c 30000000 /dev/zero | tr '\\0' {}", ":::", "x", "y"});
    EXPECT_EQ(it.output, std::string(30'000'000, 'x') + std::string(30'000'000, 'y'));
}

TEST(run, order_is_kept_whatever_ends_first) {
    EXPECT_EQ(gristmill_run({"-k", "-j4", "sleep 0.{}; echo {}", ":::", "3", "1", "2", "0"}).output, "3\n1\n2\n0\n");
    EXPECT_EQ(
        gristmill_run({"-k", "-j4", "--line-buffer", "sleep 0.{}; echo {}; echo again; printf end", ":::", "2", "0"})
            .output,
        "2\nagain\nend0\nagain\nend");
}

TEST(run, lines_come_while_commands_run) {
    running program(run_command({"--line-buffer", "--tag", "echo {}; sleep 100", ":::", "a"}));
    program.read_until_output("a\ta\n");
    program.interrupt_twice(SIGINT);
    EXPECT_EQ(program.wait().status, 128 + SIGINT);
}

TEST(run, lines_are_whole_when_several_write_at_once) {
    const answer it =
        gristmill_run({"--line-buffer", "-j4", "for i in $(seq 200); do printf {}; printf {}; echo {}; done",
                       ":::", "a", "b", "c", "d"});
    std::size_t lines = 0;
    for (std::size_t begin = 0; begin < it.output.size(); begin += 4, ++lines) {
        const char c = it.output[begin];
        ASSERT_EQ(it.output.substr(begin, 4), std::string(3, c) + '\n');
    }
    EXPECT_EQ(lines, 800u);
}

TEST(run, a_failed_command_is_tried_again) {
    const scratch folder;
    const std::string file = folder / "tries";
    const answer it =
        gristmill_run({"--retries", "3", "--retry-delay", "1ms",
                       "echo x >> " + file + "; echo out; test $(wc -l < " + file + ") = {}", ":::", "3"});
    EXPECT_EQ(it.status, 0);
    EXPECT_EQ(it.output, "out\n");
    EXPECT_EQ(text_of(file), "x\nx\nx\n");
    EXPECT_EQ(gristmill_run({"--retries", "3", "--retry-delay", "1ms", "echo x >> " + file + "; false {}", ":::", "3"})
                  .status,
              1);
    EXPECT_EQ(text_of(file).size(), 12u);
}

TEST(run, a_command_that_takes_too_long_is_ended_with_its_family) {
    const scratch folder;
    const answer it = gristmill_run(
        {"--joblog", folder / "log", "--timeout", "300ms", "setsid sleep 7613 & sleep 7612 & sleep {}", ":::", "7611"});
    EXPECT_EQ(it.status, 1);
    EXPECT_NE(it.errors.find("timed out"), std::string::npos);
    EXPECT_NE(text_of(folder / "log").find("\t-1\t15\tsetsid sleep 7613"), std::string::npos);
    for (const char* left : {"7611", "7612", "7613"}) EXPECT_FALSE(somebody_runs(left)) << left;
}

TEST(run, one_that_takes_long_for_its_kind_is_ended) {
    const answer it =
        gristmill_run({"-j2", "--timeout", "2000%", "sleep {}", ":::", "0.05", "0.05", "0.05", "7621.2718"});
    EXPECT_EQ(it.status, 1);
    EXPECT_FALSE(somebody_runs("7621.2718"));
}

TEST(run, halt_ends_what_runs_or_lets_it_finish) {
    const answer now = gristmill_run(
        {"-j2", "--halt", "now,fail=1", "test {} = 0 && exec sleep 7631.2718; exit 3", ":::", "0", "1", "0", "0"});
    EXPECT_EQ(now.status, 3);
    EXPECT_FALSE(somebody_runs("7631.2718"));
    // The first command ends when the log has told of the second one's failure.
    const scratch folder;
    const std::string log = folder / "log";
    const answer soon = gristmill_run(
        {"-j2", "--joblog", log, "--halt", "soon,fail=1",
         "test {} = 0 || exit 4; until cut -f7 " + log + " | grep -qx 4; do sleep 0.01; done; echo finished",
         ":::", "0", "1", "0", "0"});
    EXPECT_EQ(soon.status, 4);
    EXPECT_EQ(soon.output, "finished\n");
}

TEST(run, one_interrupt_lets_commands_finish) {
    const scratch folder;
    const std::string go = folder / "go";
    running program(
        run_command({"-j1", "--line-buffer", "echo begin {}; until [ -e " + go + " ]; do sleep 0.01; done; echo end {}",
                     ":::", "1", "2"}));
    program.read_until_output("begin 1\n");
    program.signal(SIGINT);
    program.read_until([&] { return program.said.errors.find("Again to end them") != std::string::npos; });
    std::ofstream(go) << "";
    const answer it = program.wait();
    EXPECT_EQ(it.output, "begin 1\nend 1\n");
    EXPECT_EQ(it.status, 128 + SIGINT);
}

TEST(run, two_interrupts_end_everything) {
    running program(run_command({"-j2", "--line-buffer", "(setsid sleep 7641 &); sleep 7642 & echo begin; sleep {}",
                                 ":::", "7643", "7643", "7643"}));
    program.read_until([&] { return program.said.output.size() == 2 * sizeof("begin"); });
    program.interrupt_twice(SIGINT);
    EXPECT_EQ(program.wait().status, 128 + SIGINT);
    for (const char* left : {"7641", "7642", "7643"}) EXPECT_FALSE(somebody_runs(left)) << left;
}

// A command that is born, and has executed nothing yet.
pid_t command_of(const running& program) {
    while (true) {
        const auto all = gm::kinds::exec::process_table::read({});
        if (const auto born = all.children_of(program.pid); !born.empty()) return born.front().pid;
    }
}

// Until it leaves our group the terminal's Ctrl-C reaches it there. It had counted as failed.
TEST(run, what_an_interrupt_kills_before_its_exec_has_not_failed) {
    const scratch folder;
    const test_support::held_program held("/bin/true", folder.path);
    if (!held.holds()) GTEST_SKIP() << "no leases on " << folder.path;
    running program(run_command({"-j1", "--retries", "2", "--joblog", folder / "log", held.path(), ":::", "1", "2"}));
    const pid_t command = command_of(program);
    program.signal(SIGINT);
    ASSERT_EQ(::kill(command, SIGINT), 0);
    const answer it = program.wait();
    EXPECT_EQ(it.status, 128 + SIGINT);
    EXPECT_EQ(it.errors.find("failed"), std::string::npos) << it.errors;
    const std::string log = text_of(folder / "log");
    EXPECT_EQ(std::ranges::count(log, '\n'), 1) << log;
}

// The thread that starts it ends it when it has started.
TEST(run, what_is_being_started_at_the_halt_is_ended) {
    const scratch folder;
    test_support::held_program held("/bin/sleep", folder.path);
    if (!held.holds()) GTEST_SKIP() << "no leases on " << folder.path;
    running program(run_command({"-j2", "--halt", "now,fail=1", "--joblog", folder / "log"}));
    program.feed(held.path() + " 20\n");
    (void)command_of(program);
    program.feed("false\n");
    program.close_input();
    while (text_of(folder / "log").find("\n2\t") == std::string::npos) std::this_thread::yield();
    held.let_go();
    EXPECT_EQ(program.wait().status, 1);
    EXPECT_EQ(text_of(folder / "log").find("\n1\t"), std::string::npos) << text_of(folder / "log");
}

TEST(run, a_closed_terminal_ends_everything) {
    running program(run_command({"--line-buffer", "echo begin; sleep {}", ":::", "7651.2718"}));
    program.read_until_output("begin\n");
    program.signal(SIGHUP);
    EXPECT_EQ(program.wait().status, 128 + SIGHUP);
    EXPECT_FALSE(somebody_runs("7651.2718"));
}

TEST(run, what_ignores_the_signal_is_killed) {
    running program(run_command({"--term-seq", "TERM,50,KILL", "--line-buffer",
                                 "trap '' TERM; echo begin; while :; do sleep 0.01 {}; done", ":::", "0.0172718"}));
    program.read_until_output("begin\n");
    program.interrupt_twice(SIGTERM);
    EXPECT_EQ(program.wait().status, 128 + SIGTERM);
    EXPECT_FALSE(somebody_runs("0.0172718"));
}

TEST(run, thousands_of_grandchildren_are_ended) {
    running program(run_command(
        {"--line-buffer", "for i in $(seq 2000); do sleep {} & done; echo begin; wait", ":::", "7661.2718"}));
    program.read_until_output("begin\n");
    program.interrupt_twice(SIGINT);
    EXPECT_EQ(program.wait().status, 128 + SIGINT);
    EXPECT_FALSE(somebody_runs("7661.2718"));
}

TEST(run, when_nobody_reads_it_ends) {
    running program(run_command({"-j2", "--line-buffer", "yes {}", ":::", "gm-7671", "gm-7672"}));
    program.read_until_output("gm-767");
    program.close_output();
    EXPECT_EQ(program.wait().status, 128 + SIGPIPE);
    EXPECT_FALSE(somebody_runs("gm-767"));
}

// What is left is to print, and nobody reads: a signal has to end that, too.
TEST(run, a_reader_that_stands_still_does_not_hold_an_interrupt) {
    running program(run_command({"head -c 1000000 /dev/zero #", ":::", "1"}));
    const unique_fd handle(static_cast<int>(::syscall(SYS_pidfd_open, program.pid, 0)));
    pollfd ended{handle.get(), POLLIN, 0};
    do program.signal(SIGINT);
    while (::poll(&ended, 1, 20) == 0);
    EXPECT_EQ(program.wait().status, 128 + SIGINT);
}

TEST(run, as_many_arguments_as_fit_do_fit_whatever_has_to_be_quoted) {
    std::string lines;
    for (int i = 0; i < 40'000; ++i) lines += "it's\n";
    const answer it = gristmill_run({"-j1", "-X", "printf '%s\\n' x{}y; :"}, lines);
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_EQ(it.output.size(), 40'000u * 7);
}

TEST(run, results_go_to_files_below_the_folder) {
    const scratch folder;
    const answer it =
        gristmill_run({"--results", folder / "r", "echo {}; echo err >&2; exit 3", ":::", "a/b", "..", "../../x"});
    EXPECT_EQ(it.status, 3);
    EXPECT_EQ(it.output, "");
    EXPECT_EQ(text_of(folder / "r/1/a\\_b/stdout"), "a/b\n");
    EXPECT_EQ(text_of(folder / "r/1/a\\_b/stderr"), "err\n");
    EXPECT_EQ(text_of(folder / "r/1/\\.\\./stdout"), "..\n");
    EXPECT_EQ(text_of(folder / "r/1/..\\_..\\_x/seq"), "3");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path), {}), 1);
}

TEST(run, a_full_disk_under_results_is_the_failure_of_the_job) {
    const scratch folder;
    const std::string mount = "mount -t tmpfs -o size=64k none " + folder.path;
    if (::geteuid() != 0 || std::system((mount + " 2>/dev/null").c_str()) != 0)
        GTEST_SKIP() << "only root can make a full disk";
    const answer it = gristmill_run({"--results", folder / "r", "-k", "head -c {} /dev/zero", ":::", "1000000", "10"});
    EXPECT_GE(it.status, 1);
    EXPECT_LE(it.status, 2);
    EXPECT_NE(it.errors.find("head -c 1000000"), std::string::npos);
    EXPECT_EQ(std::system(("umount " + folder.path).c_str()), 0);
}

TEST(run, a_full_disk_for_what_memory_does_not_hold_ends_the_run) {
    const scratch folder;
    if (::geteuid() != 0 ||
        std::system(("mount -t tmpfs -o size=64k none " + folder.path + " 2>/dev/null").c_str()) != 0)
        GTEST_SKIP() << "only root can make a full disk";
    const answer it = gristmill_run({"--tmpdir", folder.path, "head -c {} /dev/zero", ":::", "1000000"});
    EXPECT_EQ(it.status, 255);
    EXPECT_NE(it.errors.find("the output of a job cannot be kept: No space left on device"), std::string::npos)
        << it.errors;
    EXPECT_EQ(std::system(("umount " + folder.path).c_str()), 0);
}

TEST(run, the_log_says_what_failed_and_runs_it_again) {
    const scratch folder;
    const std::string log = folder / "log";
    EXPECT_EQ(gristmill_run({"--joblog", log, "test -e " + folder / "{}", ":::", "a", "b", "c d"}).status, 3);
    std::ofstream(folder / "a") << "";
    std::ofstream(folder / "c d") << "";
    const answer again = gristmill_run({"--retry-failed", "--joblog", log});
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.errors.find("gristmill run --retry-failed --joblog"), std::string::npos);
    std::ofstream(folder / "b") << "";
    EXPECT_EQ(gristmill_run({"--retry-failed", "--joblog", log}).status, 0);
    EXPECT_EQ(gristmill_run({"--retry-failed", "--joblog", log}).status, 0);
    const std::string text = text_of(log);
    EXPECT_EQ(std::ranges::count(text, '\n'), 1 + 3 + 3 + 1);
}

TEST(run, the_number_of_jobs_can_change_while_it_runs) {
    const scratch folder;
    const std::string file = folder / "jobs";
    std::ofstream(file) << "1\n";
    // The first command raises the number, and can only end when the second runs beside it.
    const answer it = gristmill_run({"-k", "-j", file,
                                     "echo 2 > " + file + "; touch " + folder / "at-{}" + "; while [ ! -e " +
                                         folder / "at-2" + " ]; do sleep 0.05; done; echo {%}",
                                     ":::", "1", "2"});
    EXPECT_EQ(it.output, "1\n2\n");
}

TEST(run, starts_keep_their_distance) {
    // All of it cannot take less than the two distances, and without them takes far less.
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(gristmill_run({"-j4", "--delay", "0.2", "true", ":::", "1", "2", "3"}).status, 0);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));
}

// Each command that runs needs three descriptors: there are not enough for all of them at once. Commands took the last ones, and the
// journal found none for its file, or to look which commands run; each of them says here how many the run has open.
TEST(run, when_descriptors_are_short_commands_wait_for_each_other) {
    std::string lines;
    for (int i = 0; i < 60; ++i) lines += "x\n";
    const answer it =
        running({"/bin/sh", "-c", "ulimit -n 40; exec \"$0\" run -j0 'ls /proc/$PPID/fd | wc -l; sleep 0.05; : #'",
                 GRISTMILL_PROGRAM})
            .wait(lines);
    EXPECT_EQ(it.status, 0) << it.errors;
    std::istringstream counts(it.output);
    int commands = 0;
    for (int open = 0; counts >> open; ++commands) {
        EXPECT_LE(open, 40 - 8);
    }
    EXPECT_EQ(commands, 60);
}

TEST(run, variables_and_directory_reach_the_commands) {
    EXPECT_EQ(gristmill_run({"--wd", "/usr", "--env", "GM_X=a b",
                             "pwd; echo \"$GM_X\" $PARALLEL_SEQ $PARALLEL_JOBSLOT #", ":::", "1"})
                  .output,
              "/usr\na b 1 1\n");
    EXPECT_EQ(gristmill_run({"--nice", "7", "nice #", ":::", "1"}).output, "7\n");
    EXPECT_EQ(gristmill_run({"--shell", "/bin/bash", "echo ${BASH_VERSION:+bash} #", ":::", "1"}).output, "bash\n");
}

TEST(run, a_random_order_has_everything_once) {
    strings arguments{"-k", "--shuf", "echo", ":::"};
    for (int i = 10; i < 60; ++i) arguments.push_back(std::to_string(i));
    std::string output = gristmill_run(arguments).output;
    std::string in_order;
    for (int i = 10; i < 60; ++i) in_order += std::to_string(i) + '\n';
    EXPECT_NE(output, in_order);
    std::vector<int> all;
    for (std::size_t at = 0; at < output.size(); at += 3) all.push_back(std::stoi(output.substr(at)));
    std::ranges::sort(all);
    for (int i = 10; i < 60; ++i) EXPECT_EQ(all.at(static_cast<std::size_t>(i - 10)), i);
}

TEST(run, wrong_use_is_told_and_nothing_runs) {
    EXPECT_EQ(gristmill_run({"--keep", "echo", ":::", "x"}).status, 255);
    EXPECT_EQ(gristmill_run({"--keep", "echo", ":::", "x"}).output, "");
    EXPECT_EQ(gristmill_run({"echo", "::::", "/no/such/file"}).status, 255);
    EXPECT_EQ(gristmill_run({"echo ${}", ":::", "x"}).status, 255);
    EXPECT_EQ(gristmill_run({"--retry-failed", "--joblog", "/no/such/file"}).status, 255);
    EXPECT_EQ(gristmill_run({"echo", ":::"}).status, 0);
}

TEST(run, a_list_as_long_as_one_likes_needs_no_more_memory) {
    std::string lines;
    for (int i = 0; i < 300'000; ++i) lines += "some line of input\n";
    const scratch folder;
    running program(
        {"/bin/sh", "-c", "ulimit -v 400000; exec \"$0\" run --dry-run echo | tail -n 1", GRISTMILL_PROGRAM});
#ifdef GRISTMILL_SLOW_BUILD
    GTEST_SKIP() << "a sanitizer needs all the addresses there are";
#endif
    const answer it = program.wait(lines);
    EXPECT_EQ(it.output, "echo 'some line of input'\n");
}

TEST(program, other_verbs) {
    EXPECT_TRUE(running({GRISTMILL_PROGRAM, "version"}).wait().output.starts_with("gristmill "));
    EXPECT_NE(running({GRISTMILL_PROGRAM}).wait().output.find("gristmill run"), std::string::npos);
    EXPECT_NE(running({GRISTMILL_PROGRAM, "help", "run"}).wait().output.find("--keep-order"), std::string::npos);
    const answer wrong = running({GRISTMILL_PROGRAM, "rnu"}).wait();
    EXPECT_EQ(wrong.status, 255);
    EXPECT_NE(wrong.errors.find("did you mean 'run'?"), std::string::npos);
    EXPECT_EQ(running({GRISTMILL_PROGRAM, "completion", "tcsh"}).wait().status, 255);
}

TEST(program, completion_works_in_bash) {
    const answer it =
        running({"bash", "-c",
                 "eval \"$($0 completion bash)\"; COMP_WORDS=(gristmill run --keep); COMP_CWORD=2; _gristmill; echo "
                 "\"${COMPREPLY[@]}\"; "
                 "COMP_WORDS=(gristmill ve); COMP_CWORD=1; _gristmill; echo \"${COMPREPLY[@]}\"; "
                 "COMP_WORDS=(gristmill run --halt now,f); COMP_CWORD=3; _gristmill; echo \"${COMPREPLY[@]}\"",
                 GRISTMILL_PROGRAM})
            .wait();
    EXPECT_EQ(it.output, "--keep-order\nversion\nnow,fail=1\n") << it.errors;
}

}  // namespace
