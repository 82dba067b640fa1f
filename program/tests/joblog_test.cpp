#include "program/run/joblog.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gm::program;

TEST(joblog, a_line_is_as_gnu_parallel_writes_it) {
    joblog_entry entry{.number = 3,
                       .start = 1795260233.067,
                       .runtime = 0.5,
                       .received = 12,
                       .exit_code = 1,
                       .command = "echo 'a b';\ntrue"};
    const std::string line = to_line(entry);
    EXPECT_EQ(line, std::string("3\t:\t1795260233.067\t     0.500\t0\t12\t1\t0\techo 'a b';\0true\n", 56));
    const auto back = read_joblog_line(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->command, entry.command);
    EXPECT_EQ(back->received, 12u);
    EXPECT_DOUBLE_EQ(back->runtime, 0.5);
    EXPECT_TRUE(back->failed());
}

TEST(joblog, reads_a_log_of_gnu_parallel) {
    const auto log = read_joblog(
        "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
        "1\t:\t1795260233.304\t     1.774\t0\t0\t-1\t15\tsleep 5\n"
        "2\tserver\t1795260235.447\t     0.001\t0\t0\t0\t9\tkill -9 $$ 5\n"
        "1\t:\t1795260239.000\t     0.001\t0\t3\t0\t0\tsleep 5\n");
    ASSERT_TRUE(log);
    ASSERT_EQ(log->size(), 2u);
    EXPECT_FALSE((*log)[0].failed());  // the later line about job 1 counts
    EXPECT_EQ((*log)[1].signal, 9);
    EXPECT_EQ((*log)[1].host, "server");
}

TEST(joblog, a_line_cut_off_at_the_end_is_passed_over_and_any_other_told) {
    const std::string whole = "1\t:\t1.0\t0.1\t0\t0\t1\t0\tfalse\n";
    EXPECT_EQ(read_joblog(whole + "2\t:\t1.")->size(), 1u);
    EXPECT_EQ(read_joblog("garbage\n" + whole).error(), "line 1 is no line of a joblog");
    EXPECT_EQ(read_joblog(whole + "2\t:\tnan\t0.1\t0\t0\t1\t0\tx\n").error(), "line 2 is no line of a joblog");
    EXPECT_TRUE(read_joblog("")->empty());
    EXPECT_FALSE(
        read_joblog_line("2\t:\t" + std::string(80, '5') + "\t0.1\t0\t0\t1\t0\tx"));  // to_line() had cut it off
}

}  // namespace
