// gristmill plan and gristmill report, on the log of a run.
#include "program_helpers.hpp"

namespace {

using namespace program_tests;

answer gristmill(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GRISTMILL_PROGRAM);
    return running(std::move(arguments)).wait();
}

TEST(plan, tells_what_other_crews_would_have_taken) {
    const scratch folder;
    std::ofstream(folder / "log")
        << "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
           "1\t:\t100.000\t     3.000\t0\t0\t0\t0\ta\n2\t:\t100.000\t     1.000\t0\t0\t1\t0\tb\n"
           "3\t:\t101.000\t     1.000\t0\t0\t0\t0\tc\n4\t:\t102.000\t     1.000\t0\t0\t0\t0\td\n";
    const answer it = gristmill({"plan", folder / "log", "--crew", "1-3"});
    EXPECT_EQ(it.status, 0) << it.errors;
    EXPECT_NE(it.output.find("     1        6.0s  100 %\n*     2        3.0s  100 %\n      3        3.0s   67 %\n"),
              std::string::npos)
        << it.output;
    EXPECT_NE(it.output.find("Choose 2: more would not be faster."), std::string::npos) << it.output;
    EXPECT_EQ(gristmill({"plan", "--json", "--crew=2", folder / "log"}).output,
              "{\"jobs\":4,\"work\":6.000,\"median\":1.000,\"longest\":3.000,\"took\":3.000,\"lanes\":2,\"choose\":2,"
              "\"crews\":[{\"crew\":2,\"seconds\":3.000,\"busy\":1.000}]}\n");
    EXPECT_NE(gristmill({"plan", "--table", "2", folder / "log"}).output.find("| 0s   | [3,4]"), std::string::npos);
}

TEST(plan, says_what_is_wrong) {
    const scratch folder;
    std::ofstream(folder / "empty") << "";
    std::ofstream(folder / "other") << "no log\n";
    std::ofstream(folder / "ages")
        << "1\t:\t0\t4e9\t0\t0\t0\t0\ta\n2\t:\t0\t4e9\t0\t0\t0\t0\tb\n3\t:\t0\t4e9\t0\t0\t0\t0\tb\n"
           "4\t:\t0\t4e9\t0\t0\t0\t0\tb\n";
    for (const auto& [arguments, text] : std::vector<std::pair<std::vector<std::string>, std::string>>{
             {{"plan", "--run", "none"}, "there is no run none"},
             {{"plan", "a", "b"}, "one run at a time"},
             {{"report", "--run=x", "a", "-o", "b"}, "one run at a time"},
             {{"plan", folder / "none"}, "No such file"},
             {{"plan", folder / "empty"}, "no job has ended in it"},
             {{"plan", folder / "other"}, "line 1 is no line of a joblog"},
             {{"plan", folder / "ages"}, "more than a hundred years of work"},
             {{"plan", folder.path}, "cannot be read"},
             {{"plan", "--crew", "0", "x"}, "is no list of sizes"},
             {{"plan", "--crew", "1-1000", "x"}, "more than 100 sizes"},
             {{"plan", "--table", "1000", "x"}, "a crew of 1 to 64"},
             {{"report", folder / "none", "-o", "x"}, "No such file"},
             {{"report", folder / "other", "-o", folder / "other"}, "line 1"}}) {
        const answer it = gristmill(arguments);
        EXPECT_EQ(it.status, 255) << text;
        EXPECT_NE(it.errors.find(text), std::string::npos) << it.errors;
    }
}

// Journals in a folder of the test's own.
struct own_journals : testing::Test {
    own_journals() { ::setenv("GRISTMILL_STATE", (folder / "state").c_str(), 1); }
    ~own_journals() override { ::setenv("GRISTMILL_STATE", state_of_this_test.folder.path.c_str(), 1); }
    const scratch folder;
};
using plan_of_a_journal = own_journals;
using report_of_a_journal = own_journals;

std::string name_in(const answer& it) {
    const std::string before = "--retry-failed --run ";
    const std::size_t at = it.errors.find(before);
    return at == std::string::npos ? std::string() : it.errors.substr(at + before.size(), 29);
}

TEST_F(plan_of_a_journal, is_of_the_last_run_or_of_the_one_that_is_named) {
    EXPECT_NE(gristmill({"plan"}).errors.find("no earlier run was started in this folder"), std::string::npos);
    const answer first = gristmill_run({"-j2", "false", ":::", "a", "b", "c"});
    EXPECT_EQ(gristmill_run({"-j1", "true", ":::", "one"}).status, 0);
    const answer last = gristmill({"plan", "--crew=1"});
    EXPECT_EQ(last.status, 0) << last.errors;
    EXPECT_NE(last.output.find(": gristmill run -j1 true ::: one\n1 job, "), std::string::npos) << last.output;
    const answer named = gristmill({"plan", "--json", "--crew=1", "--run", name_in(first)});
    EXPECT_TRUE(named.output.starts_with("{\"run\":\"" + name_in(first) + "\",\"jobs\":3,")) << named.output;
}

TEST_F(report_of_a_journal, has_the_commands_their_ends_and_their_workers) {
    const answer run =
        gristmill_run({"-j2", "--timeout", "0.2", "-n2", "case {1} in c) exit 3;; e) exec sleep 60;; esac; : {2}",
                       ":::", "a", "b b", "c", "d", "e", "f"});
    EXPECT_EQ(run.status, 2);
    const answer page = gristmill({"report"});
    EXPECT_EQ(page.status, 0) << page.errors;
    for (const std::string& text : {"<b>3</b><span>jobs", "exit 3", "timed out", "A lane for each worker.",
                                    "case c in c)", ": d<", "gristmill run --retry-failed --run "})
        EXPECT_NE(page.output.find(text), std::string::npos) << text;
    EXPECT_EQ(gristmill({"report", "--run", name_in(run)}).output, page.output);
}

TEST_F(report_of_a_journal, of_lines_that_are_commands_shows_them) {
    EXPECT_EQ(gristmill_run({"-j1"}, "true 1\nfalse '2 3'\n").status, 1);
    EXPECT_NE(gristmill({"report"}).output.find("false &#39;2 3&#39;"), std::string::npos);
}

TEST(report, makes_a_page_of_a_run) {
    const scratch folder;
    EXPECT_EQ(gristmill_run({"-j2", "--joblog", folder / "log", "test {} != b", ":::", "a", "b", "c"}).status, 1);
    EXPECT_EQ(gristmill({"report", folder / "log", "-o", folder / "page.html"}).status, 0);
    const std::string page = text_of(folder / "page.html");
    EXPECT_TRUE(page.starts_with("<!doctype html>")) << page.substr(0, 100);
    EXPECT_TRUE(page.ends_with("</html>\n"));
    EXPECT_NE(page.find("<b>3</b><span>jobs"), std::string::npos);
    EXPECT_NE(page.find("exit 1"), std::string::npos);
    EXPECT_NE(page.find("test b != b"), std::string::npos);
    EXPECT_EQ(gristmill({"report", folder / "log"}).output, page);
    const std::string log = text_of(folder / "log");
    EXPECT_EQ(gristmill({"report", folder / "log", "-o", folder / "log"}).status, 255);
    EXPECT_EQ(text_of(folder / "log"), log);
}

TEST(report, a_full_disk_is_told) {
    const scratch folder;
    (void)gristmill_run({"--joblog", folder / "log", "true", ":::", "a"});
    const answer it = gristmill({"report", folder / "log", "-o", "/dev/full"});
    EXPECT_EQ(it.status, 255);
    EXPECT_NE(it.errors.find("No space left on device"), std::string::npos) << it.errors;
}

}  // namespace
