// gristmill push, drain, wait and migrate, as a user runs them, on SQLite.
#include "jobs_helpers.hpp"

#include <algorithm>

namespace {

using namespace program_tests;

TEST(push, a_command_is_run_as_it_is_and_its_output_is_its_result) {
    const jobs_folder jobs;
    EXPECT_EQ(jobs.line_of("push", {"--", "printf", "%s|", "a b", "$HOME", "it's"}), "1");
    const answer it = jobs.run("drain", {"--allow-exec"});
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_TRUE(it.output.starts_with("1 exec completed ")) << it.output;
    EXPECT_EQ(jobs.line_of("wait", {"1"}), "1 completed");
    EXPECT_TRUE(contains(jobs.line_of("wait", {"1", "--json"}), R"("result":{"output":"a b|$HOME|it's|"})"));
}

TEST(push, one_word_is_a_line_for_the_shell_and_runs_where_it_was_pushed) {
    const jobs_folder jobs;
    EXPECT_EQ(jobs.line_of("push", {"--wd", jobs / "",
                                    "pwd | tr a-z A-Z > shell.txt; echo $GRISTMILL_JOB_ID/$GRISTMILL_ATTEMPT"}),
              "1");
    EXPECT_EQ(jobs.run("drain", {"--allow-exec"}).status, 0);
    EXPECT_FALSE(text_of(jobs / "shell.txt").empty());
    EXPECT_TRUE(contains(jobs.line_of("wait", {"1", "--json"}), R"({"output":"1/1\n"})"));
}

TEST(push, lines_become_jobs_and_their_ids_can_be_waited_for) {
    const jobs_folder jobs;
    std::string lines;
    for (int i = 1; i <= 200; ++i) lines += "{\"n\": " + std::to_string(i) + "}\n\n";
    const answer put = jobs.run("push", {"--kind", "count", "--queue", "numbers", "-"}, lines);
    EXPECT_EQ(put.status, 0) << put.errors;
    EXPECT_EQ(std::count(put.output.begin(), put.output.end(), '\n'), 200);
    const std::string first = put.output.substr(0, put.output.find('\n'));
    EXPECT_EQ(jobs.run("push", {"echo", "elsewhere"}).status, 0);
    const answer done = jobs.run("drain", {"--on", "count=cat", "--queue", "numbers", "--quiet", "-j4"});
    EXPECT_EQ(done.status, 0) << done.errors;
    EXPECT_EQ(done.errors, "gristmill drain: 200 completed\n");
    EXPECT_EQ(jobs.run("wait", {"--quiet", "-"}, put.output).status, 0);
    EXPECT_TRUE(contains(jobs.line_of("wait", {"--json", first}), R"("result":{"n":1})"));
}

TEST(push, a_line_is_inserted_before_the_next_one_comes) {
    const jobs_folder jobs;
    running program(jobs.command("push", {"-"}));
    program.feed("echo one\n");
    program.read_until_output("1\n");
    program.feed("echo two");  // without an end
    EXPECT_EQ(program.wait().output, "1\n2\n");
}

TEST(push, a_wrong_line_ends_it_and_those_before_it_are_there) {
    const jobs_folder jobs;
    const answer it = jobs.run(
        "push", {"--jsonl"}, "{\"kind\": \"a\", \"arguments\": {\"x\": 1}}\n{\"kind\": \"b\", \"prioriti\": 3}\n{}\n");
    EXPECT_EQ(it.status, 255);
    EXPECT_EQ(it.output, "1\n");
    EXPECT_EQ(it.errors, "gristmill push: line 2: $.prioriti: no such field\n1 jobs were inserted before that\n");
}

TEST(push, a_line_of_json_is_a_whole_job) {
    const jobs_folder jobs;
    const answer put = jobs.run(
        "push", {"--jsonl", "--tag", "all"},
        R"({"kind": "k", "arguments": [1, 1e400], "queue": "q", "key": "tenant", "priority": -3, "timeout": 1.5, )"
        R"("retry": {"attempts": 2, "first": 0.25}, "unique": {"key": "u", "window": 60}})");
    ASSERT_EQ(put.status, 0) << put.errors;
    ASSERT_EQ(jobs.run("drain", {"--on", "k=true", "--queue", "q"}).status, 0);
    const std::string record = jobs.line_of("wait", {"--json", "1"});
    for (const char* const part :
         {R"("arguments":[1,1e400])", R"("key":"tenant")", R"("priority":-3)", R"("timeout":1.5)",
          R"("attempts":2,"first":0.25)", R"("unique":{"key":"u","until":"window","window":60})", R"("tags":["all"])"})
        EXPECT_TRUE(contains(record, part)) << part << " in " << record;
}

TEST(push, values_after_three_colons_are_jobs_each_and_stay_one_word) {
    const jobs_folder jobs;
    const answer put =
        jobs.run("push", {"--wd", jobs / "", "printf '%s|' {} {#} {/.} >> all", ":::", "a b/it's.log", "$(false)"});
    EXPECT_EQ(put.output, "1\n2\n") << put.errors;
    EXPECT_EQ(jobs.run("push", {"--wd", jobs / "", "--", "printf", "%s-%s,", ":::", "x", "y", ":::", "1", "2", ">>all"})
                  .output,
              "3\n4\n5\n6\n7\n8\n");
    EXPECT_EQ(jobs.run("push", {"--wd", jobs / "", ":::", "printf whole >> all"}).output, "9\n");
    ASSERT_EQ(jobs.run("drain", {"--allow-exec", "-j1"}).status, 0);
    EXPECT_EQ(text_of(jobs / "all"), "a b/it's.log|1|it's|$(false)|2|$(false)|whole");
    EXPECT_TRUE(contains(jobs.line_of("wait", {"8", "--json"}), R"("result":{"output":"y->>all,"})"))
        << "what comes out of a list is never for the shell";
}

TEST(push, values_of_files_and_of_standard_input_are_jobs_each) {
    const jobs_folder jobs;
    std::ofstream(jobs / "list") << "one\ntwo\n";
    EXPECT_EQ(jobs.run("push", {"echo", "{1}{2}", "::::", jobs / "list", ":::+", "1", "2"}).output, "1\n2\n");
    EXPECT_EQ(jobs.run("push", {"--unique", "{}", "echo", "::::", "-"}, "same\nsame\nother\n").errors,
              "gristmill push: 2 inserted; the unique keys of 1 were taken\n");
    EXPECT_EQ(jobs.run("push", {"--kind", "k", "--queue", "q", ":::", "{\"n\": 1}", "[2]"}).output, "5\n6\n");
    EXPECT_EQ(jobs.run("push", {"-0", "--queue", "q", "echo", "::::", "-"}, std::string("a\nb\0c\0", 6)).output,
              "7\n8\n");
    std::string many;
    for (int i = 0; i != 2'500; ++i) many += std::to_string(i) + '\n';
    EXPECT_EQ(jobs.run("push", {"--quiet", "--queue", "many", "echo", "::::", "-"}, many).errors, "");
    ASSERT_EQ(jobs.run("drain", {"--allow-exec"}).status, 0);
    EXPECT_TRUE(contains(jobs.line_of("wait", {"2", "--json"}), R"({"output":"two2\n"})"));
    EXPECT_TRUE(contains(jobs.line_of("ls", {"--queue", "many", "--count"}), "2500"));
}

TEST(push, a_wrong_value_ends_it_and_those_before_it_are_there) {
    const jobs_folder jobs;
    const answer it = jobs.run("push", {"--kind", "k", ":::", "1", "{", "3"});
    EXPECT_EQ(it.status, 255);
    EXPECT_EQ(it.output, "1\n");
    EXPECT_TRUE(it.errors.starts_with("gristmill push: job 2: arguments: line 1")) << it.errors;
    EXPECT_TRUE(it.errors.ends_with("1 jobs were inserted before that\n")) << it.errors;
    const answer zero = jobs.run("push", {"echo", "::::", "-"}, std::string("a\nb\0c\n", 6));
    EXPECT_EQ(zero.output, "2\n");
    EXPECT_TRUE(contains(zero.errors, "job 2: a zero byte, which no argument can hold; did you mean -0?"))
        << zero.errors;
}

TEST(push, a_unique_key_is_taken_once) {
    const jobs_folder jobs;
    EXPECT_EQ(jobs.line_of("push", {"--unique", "{}", "--", "echo", "a"}), "1");
    const answer again = jobs.run("push", {"--unique", "{}", "--json", "--", "echo", "a"});
    EXPECT_EQ(again.status, 0);
    EXPECT_EQ(again.output, "{\"id\":1,\"duplicate\":true}\n");
    EXPECT_TRUE(contains(again.errors, "its unique key is taken by job 1"));
    EXPECT_EQ(jobs.run("push", {"--unique", "{}", "--quiet", "-"}, "echo a\necho b\n").errors,
              "gristmill push: 1 inserted; the unique keys of 1 were taken\n");
}

TEST(push, children_come_after_their_parents_and_failures_are_retried) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.line_of("push", {"--retries", "2", "--backoff", "1ms", "--wd", jobs / "",
                                    "test -e once || { touch once; echo not yet >&2; exit 7; }; echo parent >> order"}),
              "1");
    ASSERT_EQ(jobs.line_of("push", {"--after", "1", "--wd", jobs / "", "echo child >> order"}), "2");
    const answer it = jobs.run("drain", {"--allow-exec", "-j2"});
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_TRUE(contains(it.output, "1 exec failed ")) << it.output;
    EXPECT_TRUE(contains(it.output, ": exit 7: not yet\n")) << it.output;
    EXPECT_EQ(text_of(jobs / "order"), "parent\nchild\n");
}

TEST(push, what_is_wrong_is_told) {
    const jobs_folder jobs;
    const auto wrong = [&](const strings& words, const std::string& what) {
        const answer it = jobs.run("push", words);
        EXPECT_EQ(it.status, 255);
        EXPECT_TRUE(contains(it.errors, what)) << it.errors;
        EXPECT_EQ(it.output, "");
    };
    wrong({}, "what is to be done?");
    wrong({"--kind", "a", "--args", "{\"x\": }"}, "arguments: line 1, column 7");
    wrong({"--kind", "exec", "--args", "{\"comand\": [\"a\"]}"}, "$.comand: no such field");
    wrong({"--kind", "exec"}, "either \"command\" or \"shell\"");
    wrong({"--kind", "a", "echo", "x"}, "no command; did you forget --?");
    wrong({"--", "echo", "\xff"}, "UTF-8");
    wrong({"--at", "32:00", "--", "true"}, "'32:00' is no time");
    wrong({"--at", "2026-02-31 10:00", "--", "true"}, "is no time");
    wrong({"--in", "soon", "--", "true"}, "--in: ");
    wrong({"--priority", "101", "--", "true"}, "--priority: '101' is no number from -100 to 100");
    wrong({"--after", "x", "--", "true"}, "--after: 'x' is no number of a job");
    wrong({"--after", "77", "--", "true"}, "77");
    wrong({"--unique-for", "1h", "--", "true"}, "unique: is empty");
    wrong({"--taag", "x"}, "did you mean --tag?");
    wrong({"echo", "{%}", ":::", "a"}, "a job that waits has none yet");
    wrong({"echo", "{", "::::", jobs / "no such file"}, "no such file");
    wrong({"-0", "echo", "a"}, "-0 is for the values of files");
    wrong({"--jsonl", ":::", "a"}, "the jobs come either from standard input");
    wrong({"--kind", "k", "--args", "{}", ":::", "1"}, "or from --args");
    wrong({"--kind", "k", "echo", ":::", "1"}, "no command; did you forget --?");
}

TEST(wait_for, jobs_that_are_over_and_times_that_are_up) {
    const jobs_folder jobs;
    ASSERT_EQ(jobs.run("push", {"--retries", "1", "-"}, "true\nfalse\n").output, "1\n2\n");
    ASSERT_EQ(jobs.run("drain", {"--allow-exec"}).status, 1) << "a job is dead";
    const answer both = jobs.run("wait", {"1,2"});
    EXPECT_EQ(both.output, "1 completed\n2 dead: exit 1\n");
    EXPECT_EQ(both.status, 1);
    EXPECT_EQ(jobs.run("wait", {"99"}).status, 255);
    EXPECT_EQ(jobs.run("wait", {"1-2"}).output, both.output);
    EXPECT_EQ(jobs.run("wait", {"x"}).errors, "gristmill wait: 'x' is no number of a job; write 17 or 20-29\n");
    EXPECT_EQ(jobs.run("wait", {"2", "--quiet", "1", "--", "1"}).output, "") << "flags may stand anywhere";
    ASSERT_EQ(jobs.line_of("push", {"--in", "1h", "--", "true"}), "3");
    EXPECT_EQ(jobs.run("wait", {"3", "--timeout", "10ms"}).status, 124);
}

TEST(stores, are_named_by_flag_and_variable_and_else_are_the_users_own_file) {
    const scratch folder;
    const auto run = [&](strings words) {
        words.insert(words.begin(), {"env", "-u", "GRISTMILL_STORE", "XDG_STATE_HOME=" + folder / "state"});
        return running(std::move(words)).wait();
    };
    EXPECT_TRUE(contains(run({GRISTMILL_PROGRAM, "wait", "1"}).errors, "there are no jobs yet"));
    EXPECT_EQ(run({GRISTMILL_PROGRAM, "push", "true"}).output, "1\n");
    EXPECT_TRUE(std::filesystem::exists(folder / "state/gristmill/jobs.db"));
    EXPECT_EQ(std::filesystem::status(folder / "state/gristmill").permissions(), std::filesystem::perms::owner_all);
    EXPECT_EQ(run({"env", "GRISTMILL_STORE=sqlite:" + folder / "other.db", GRISTMILL_PROGRAM, "push", "true"}).status,
              0);
    EXPECT_TRUE(std::filesystem::exists(folder / "other.db"));
    const answer typo = run({GRISTMILL_PROGRAM, "wait", "1", "--store", "sqlite:" + folder / "typo.db"});
    EXPECT_EQ(typo.status, 255);
    EXPECT_FALSE(std::filesystem::exists(folder / "typo.db"));
    EXPECT_TRUE(contains(run({GRISTMILL_PROGRAM, "push", "--store", "work.db", "x"}).errors, "write sqlite:work.db"));
    EXPECT_TRUE(
        contains(run({GRISTMILL_PROGRAM, "push", "--store", "sqlit:work.db", "x"}).errors, "did you mean 'sqlite'"));
    EXPECT_TRUE(contains(run({GRISTMILL_PROGRAM, "push", "--store", "memory:", "x"}).errors, "ends with this process"));
}

TEST(migrate, says_whether_there_was_something_to_do) {
    const jobs_folder jobs;
    EXPECT_EQ(jobs.run("migrate").status, 255) << "there is no such file";
    ASSERT_EQ(jobs.run("push", {"true"}).status, 0);
    EXPECT_EQ(jobs.run("migrate", {"--check"}).status, 0);
    EXPECT_TRUE(contains(jobs.run("migrate").output, ": up to date"));
    EXPECT_TRUE(contains(jobs.run("migrate", {"--json"}).output, R"("was_behind":false)"));
}

}  // namespace
