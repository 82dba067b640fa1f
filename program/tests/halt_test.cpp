#include "program/run/halt.hpp"

#include <gtest/gtest.h>

namespace {

using namespace gm::program;

// Counts "f" and "s" until the halt; says how many were counted, and the exit status if the last had 7.
std::string run(std::string_view policy, std::string_view jobs, std::uint64_t total = 0) {
    const auto parsed = halt_policy::parse(policy);
    if (!parsed) return "no";
    halt_watch watch(*parsed);
    for (const char c : jobs) {
        const bool success = c == 's';
        if (watch.count(success, total))
            return "halt " + std::to_string(watch.done()) + " -> " +
                   std::to_string(watch.exit_status(success ? 0 : 7, total));
    }
    return "end -> " + std::to_string(watch.exit_status(0, total));
}

TEST(halt, exits_as_gnu_parallel_does) {
    EXPECT_EQ(run("never", "sss"), "end -> 0");
    EXPECT_EQ(run("never", "fsf"), "end -> 2");
    EXPECT_EQ(run("never", std::string(100, 'f')), "end -> 100");
    EXPECT_EQ(run("never", std::string(105, 'f')), "end -> 101");
    EXPECT_EQ(run("now,fail=1", "ssf"), "halt 3 -> 7");
    EXPECT_EQ(run("soon,fail=2", "fsf"), "halt 3 -> 2");
    EXPECT_EQ(run("now,success=1", "fs"), "halt 2 -> 0");
    EXPECT_EQ(run("now,success=2", "ffsfs"), "halt 5 -> 0");
    EXPECT_EQ(run("now,success=1", "ff"), "end -> 2");
    EXPECT_EQ(run("now,done=1", "f"), "halt 1 -> 7");
    EXPECT_EQ(run("soon,done=2", "fff"), "halt 2 -> 2");
    EXPECT_EQ(run("now,fail=50%", "fsffff", 7), "halt 5 -> 58");
    EXPECT_EQ(run("now,fail=50%", "ffffff"), "end -> 6");  // of what, is not known
    EXPECT_EQ(run("2", "f"), "halt 1 -> 7");
    EXPECT_EQ(run("0", "f"), "end -> 1");
}

TEST(halt, what_is_no_policy_is_refused) {
    for (const char* text : {"", "now", "now,fail", "now,fail=", "now,fail=0", "now,fail=x", "later,fail=1",
                             "now,fall=1", "now,fail=101%", "now,fail=1.5", "fail=1,now", "3"})
        EXPECT_EQ(run(text, "f"), "no") << text;
}

}  // namespace
