// The same command line given to GNU parallel and to gristmill: the same output and the same exit status. What differs on purpose stands in
// docs/guide/run.md. Skipped where GNU parallel is not installed.
#include "program_helpers.hpp"

namespace {

using namespace program_tests;
using strings = std::vector<std::string>;

struct parity_case {
    const char* name;
    strings arguments;
    std::string input;
};

const strings nasty{"a b", "c$d",  "e'f", "g\"h", "~x",  "a=b", "-n",  "i*j",     "k;l",
                    "#m",  "n\\o", "{p}", "q&r",  "(s)", "a:b", "t!u", "\xc3\xa9"};

strings with(strings first, const strings& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

const std::vector<parity_case> cases{
    {"one_source", {"-k", "echo", ":::", "a", "b"}, {}},
    {"combinations", {"-k", "echo", ":::", "a", "b", ":::", "1", "2", ":::", "x", "y"}, {}},
    {"linked", {"-k", "--link", "echo", ":::", "a", "b", "c", ":::", "1", "2"}, {}},
    {"linked_plus", {"-k", "echo", ":::", "a", "b", "c", ":::+", "1", "2"}, {}},
    {"replacements",
     {"-k", "echo {} {.} {/} {//} {/.} {#}", ":::", "/a/b.c/d", "a/b.tar.gz", ".rc", "x.", "/r", "plain"},
     {}},
    {"positions", {"-k", "echo {2} {1} {-1} {1.} {2/} {3}x", ":::", "a.x", "b.y", ":::", "d/1.z"}, {}},
    {"no_replacement", {"-k", "echo pre", ":::", "a b", "c"}, {}},
    {"nasty", with({"-k", "printf '%s\\n' {}", ":::"}, nasty), {}},
    {"nasty_through_shell", with({"-k", "printf '%s\\n' {}; :", ":::"}, nasty), {}},
    {"nasty_dry_run", with({"-k", "--dry-run", "echo", ":::"}, nasty), {}},
    {"quoted_command", {"-k", "-q", "printf", "%s|\\n", "a  b;", ":::", "c d"}, {}},
    {"max_args", {"-k", "-n3", "echo pre-{}-post", ":::", "a", "b", "c", "d"}, {}},
    {"max_args_positions", {"-k", "-N2", "echo {2}-{1}", ":::", "a", "b", "c"}, {}},
    {"no_args", {"-k", "-n0", "echo hi", ":::", "1", "2"}, {}},
    {"context", {"-j2", "-k", "-X", "echo pre-{}-post x", ":::", "a", "b", "c d", "e", "f"}, {}},
    {"context_one_slot", {"-j1", "-X", "echo {}", ":::", "a", "b", "c"}, {}},
    {"spread", {"-j2", "-k", "-X", "--dry-run", "echo", ":::", "1", "2", "3", "4", "5", "6", "7"}, {}},
    {"lines", {"-k", "echo x{}x"}, "a\n\nb c\nlast"},
    {"skip_empty", {"-k", "-r", "echo"}, "a\nb\n"},
    {"nothing", {"echo"}, ""},
    {"commands", {"-k"}, "echo a  b\nfalse\necho $((1+2))\n:\nexit 7\n"},
    {"null", {"-k", "-0", "echo"}, std::string("a b\0c\nd\0", 8)},
    {"delimiter", {"-k", "-d", ",", "echo"}, "a,b,c"},
    {"columns", {"-k", "--colsep", ",", "echo {2}-{1} {}"}, "a,b\nc,d e\n"},
    {"columns_expression", {"-k", "--colsep", "[ ,]+", "echo {1}-{2}"}, "a, b\nc d\n"},
    {"columns_tab", {"-k", "--colsep", "\\t", "echo {1}-{2}"}, "a\tb\n"},
    {"header", {"-k", "--colsep", ",", "--header", ":", "echo {n} {m.} {1}"}, "n,m\n1,2.x\n3,4.y\n"},
    {"header_sources", {"-k", "--header", ":", "echo {a} {b}", ":::", "a", "1", "2", ":::", "b", "3"}, {}},
    {"tag", {"-k", "--tag", "echo one; echo two", ":::", "a", "b"}, {}},
    {"tag_unfinished_line", {"-k", "--tag", "printf 'x\\ny' #", ":::", "a", "b"}, {}},
    {"tag_two_sources", {"-k", "--tag", "echo x #", ":::", "a", "b", ":::", "1"}, {}},
    {"tagstring", {"-k", "--tagstring", "T{1}:{2}", "echo", ":::", "a", ":::", "1", "2"}, {}},
    {"line_buffer", {"-j1", "--line-buffer", "echo a; echo -n b", ":::", "1", "2"}, {}},
    {"ungroup", {"-j1", "-u", "echo", ":::", "1", "2"}, {}},
    {"slots", {"-j1", "echo {%} {#}", ":::", "a", "b"}, {}},
    {"failures", {"exit {}", ":::", "0", "1", "2", "255"}, {}},
    {"many_failures",
     {"-j8", "-n0", "exit 1", ":::", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"},
     {}},
    {"killed", {"kill -9 $$ #", ":::", "1", "2"}, {}},
    {"not_found", {"no-such-program-anywhere", ":::", "1", "2"}, {}},
    {"halt_now_fail", {"-j1", "--halt", "now,fail=1", "echo {}; exit {}", ":::", "0", "3", "5"}, {}},
    {"halt_soon_fail_two", {"-j1", "--halt", "soon,fail=2", "echo {}; exit {}", ":::", "0", "3", "5", "6"}, {}},
    {"halt_success", {"-j1", "--halt", "now,success=1", "echo {}; exit {}", ":::", "3", "0", "5"}, {}},
    {"halt_success_never", {"-j1", "--halt", "now,success=1", "exit {}", ":::", "3", "4"}, {}},
    {"halt_done", {"-j1", "--halt", "now,done=1", "exit {}", ":::", "7", "3"}, {}},
    {"halt_percent", {"-j1", "--halt", "now,fail=50%", "exit {}", ":::", "3", "0", "5", "7", "7", "7", "7"}, {}},
    {"halt_killed", {"-j1", "--halt", "now,fail=1", "kill -9 $$ #", ":::", "1"}, {}},
    {"timeout", {"--timeout", "1", "sleep", ":::", "20"}, {}},
    {"retries", {"--retries", "2", "-k", "echo out; false #", ":::", "1", "2"}, {}},
    {"keep_order", {"-k", "-j3", "sleep {}; echo {}", ":::", "0.3", "0.1", "0.2"}, {}},
    {"results", {"--results", "/dev/shm/gm-parity", "echo", ":::", "1"}, {}},
    {"standard_input_in_a_combination", {"-k", "echo", "::::", "-", ":::", "x", "y"}, "a\nb\n"},
    {"pid_and_sequence", {"-j1", "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT #", ":::", "a", "b"}, {}},
};

class parity : public testing::TestWithParam<parity_case> {};

bool have_parallel() {
    static const bool yes = std::system("parallel --version 2>/dev/null | grep -q '^GNU parallel'") == 0;
    return yes;
}

TEST_P(parity, gives_the_same_output_and_status) {
    if (!have_parallel()) GTEST_SKIP() << "GNU parallel is not installed";
    ::setenv("PARALLEL_SHELL", "/bin/bash", 1);
    const parity_case& one = GetParam();
    strings theirs = one.arguments, ours = one.arguments;
    theirs.insert(theirs.begin(), {"parallel", "--will-cite"});
    ours.insert(ours.begin(), {"--shell", "/bin/bash"});
    const answer expected = running(theirs).wait(one.input);
    const answer got = gristmill_run(ours, one.input);
    EXPECT_EQ(got.output, expected.output) << "stderr of parallel: " << expected.errors << "\nours: " << got.errors;
    EXPECT_EQ(got.status, expected.status) << "stderr of parallel: " << expected.errors << "\nours: " << got.errors;
}

INSTANTIATE_TEST_SUITE_P(with_gnu_parallel, parity, testing::ValuesIn(cases),
                         [](const auto& about) { return std::string(about.param.name); });

// The columns of the log, less the times.
std::string log_without_times(const std::string& text) {
    std::string all;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        int column = 0;
        for (std::size_t at = begin; at < end; ++at) {
            column += text[at] == '\t';
            if (column != 2 && column != 3) all += text[at];
        }
        all += '\n';
        begin = end + 1;
    }
    return all;
}

TEST(parity_of_files, the_log_and_the_results_are_the_same) {
    if (!have_parallel()) GTEST_SKIP() << "GNU parallel is not installed";
    const scratch folder;
    const strings job{"-j1", "--results", "",     "--joblog", "",  "echo {1} {2};\nkill -{2} $$",
                      ":::", "a/b",       "c\\d", ":::",      "0", "9"};
    strings theirs = job, ours = job;
    theirs[2] = folder / "their", theirs[4] = folder / "their-log";
    ours[2] = folder / "our", ours[4] = folder / "our-log";
    theirs.insert(theirs.begin(), {"parallel", "--will-cite"});
    EXPECT_EQ(gristmill_run(ours).status, running(theirs).wait().status);
    EXPECT_EQ(log_without_times(text_of(folder / "our-log")), log_without_times(text_of(folder / "their-log")));
    EXPECT_EQ(std::system(("diff -r " + folder / "our" + " " + folder / "their" + " >&2").c_str()), 0);
}

}  // namespace
