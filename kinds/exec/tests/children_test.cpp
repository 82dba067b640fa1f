#include <gristmill/kinds/exec/children.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <gristmill/kinds/exec/process_table.hpp>

#include "exec_helpers.hpp"

namespace {

using namespace exec_tests;

children_options ladder(const char* text) { return {.ladder = *kill_ladder::parse(text), .mark = "GM_TEST_MARK"}; }

// Runs until the child has written a line, and returns what it wrote.
std::string first_words(children& crew, std::uint64_t tag) {
    children::watcher here(crew);
    std::string words;
    while (words.find('\n') == std::string::npos) {
        const event e = here.next();
        if (e.what == event::output && e.tag == tag) words += e.bytes;
    }
    return words;
}

bool lives(pid_t pid) {
    const process_table all = process_table::read({});
    const auto* const found = all.find(pid);
    return found && !found->dead;
}

TEST(children, several_threads_share_the_events_of_many_children) {
    constexpr unsigned many = 300;
    children crew;
    std::atomic<unsigned> started{8}, finished{0}, output{0};
    for (std::uint64_t tag = 0; tag < 8; ++tag) ASSERT_TRUE(crew.start(shell("echo $0"), tag));
    const auto work = [&] {
        children::watcher here(crew);
        while (finished < many) {
            const event e = here.next();
            if (e.what == event::output) output += static_cast<unsigned>(e.bytes.size());
            if (e.what == event::woken) crew.wake();  // the end: tell the next one
            if (e.what != event::finished) continue;
            const unsigned tag = started++;
            if (tag < many && !crew.start(shell("echo $0"), tag)) ADD_FAILURE() << "not started: " << tag;
            if (++finished == many) crew.wake();
        }
    };
    std::vector<std::jthread> threads;
    for (int i = 0; i < 3; ++i) threads.emplace_back(work);
    threads.clear();
    EXPECT_EQ(output, many * sizeof("/bin/sh"));
}

TEST(children, everything_written_is_told_before_the_end) {
    const said it = run(shell("head -c 3000000 /dev/zero; head -c 1000000 /dev/zero >&2; echo end"));
    EXPECT_EQ(it.output.size(), 3000004u);
    EXPECT_EQ(it.errors.size(), 1000000u);
}

TEST(children, a_process_left_in_the_background_is_not_waited_for) {
    children crew;
    ASSERT_TRUE(crew.start(shell("sleep 100 & echo $!"), 1));
    const said it = finish(crew, 1)[1];
    const pid_t left = std::stoi(it.output);
    EXPECT_TRUE(lives(left));
    ::kill(left, SIGKILL);
}

TEST(children, a_paused_stream_waits_until_it_is_resumed) {
    children crew;
    ASSERT_TRUE(crew.start(shell("head -c 1000000 /dev/zero; echo end"), 1));
    children::watcher here(crew);
    std::size_t size = 0;
    bool paused = false, finished = false;
    while (!finished) {
        const event e = here.next();
        if (e.what == event::output) {
            size += e.bytes.size();
            if (!paused) {
                paused = true;
                crew.pause(1, event::output);
                crew.set_alarm(exec_tests::clock::now());
            }
        }
        if (e.what == event::alarm) {
            EXPECT_LT(size, 1000000u);  // the pipe is full, and the child has to wait
            crew.resume_all();
        }
        finished = e.what == event::finished;
    }
    EXPECT_EQ(size, 1000004u);
}

TEST(children, the_ladder_ends_what_ignores_its_first_step) {
    children crew(ladder("TERM,1,KILL"));
    ASSERT_TRUE(crew.start(shell("trap '' TERM; echo ready; while :; do sleep 1; done"), 1));
    EXPECT_EQ(first_words(crew, 1), "ready\n");
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGKILL);
}

TEST(children, a_second_end_takes_the_last_step_at_once) {
    children crew(ladder("TERM,3600000,KILL"));
    ASSERT_TRUE(crew.start(shell("trap '' TERM; echo ready; while :; do sleep 1; done"), 1));
    EXPECT_EQ(first_words(crew, 1), "ready\n");
    crew.end(1);
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGKILL);
}

TEST(children, a_stopped_child_is_ended_too) {
    children crew(ladder("TERM,3600000,KILL"));
    const auto pid = crew.start(shell("echo ready; kill -STOP $$; exit 0"), 1);
    ASSERT_TRUE(pid);
    EXPECT_EQ(first_words(crew, 1), "ready\n");
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
}

// The group gets the signal; what left the group is found as a descendant; what was orphaned, by its mark.
TEST(children, the_whole_family_is_gone_when_the_end_is_told) {
    ASSERT_TRUE(become_subreaper());
    children crew(ladder("TERM,5000,KILL"));
    ASSERT_TRUE(crew.start(shell("sleep 100 & a=$!; setsid sleep 100 & b=$!; "
                                 "c=$(setsid sh -c 'sleep 100 >/dev/null & echo $!'); echo $a $b $c; wait"),
                           1));
    int a = 0, b = 0, c = 0;
    ASSERT_EQ(std::sscanf(first_words(crew, 1).c_str(), "%d %d %d", &a, &b, &c), 3);
    EXPECT_TRUE(lives(a) && lives(b) && lives(c));
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
    EXPECT_FALSE(lives(a));
    EXPECT_FALSE(lives(b));
    EXPECT_FALSE(lives(c));
}

TEST(children, a_grandchild_that_ignores_the_signal_is_killed_after_its_parent_is_gone) {
    ASSERT_TRUE(become_subreaper());
    children crew(ladder("TERM,30,KILL"));
    ASSERT_TRUE(
        crew.start(shell("(trap '' TERM; echo $(exec sh -c 'echo $PPID'); while :; do sleep 1; done) & wait"), 1));
    const pid_t stubborn = std::stoi(first_words(crew, 1));
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
    EXPECT_FALSE(lives(stubborn));
}

TEST(children, orphans_of_finished_children_can_be_ended) {
    ASSERT_TRUE(become_subreaper());
    children crew(ladder("TERM"));
    ASSERT_TRUE(crew.start(shell("setsid sleep 100 >/dev/null & echo $!"), 1));
    const pid_t orphan = std::stoi(finish(crew, 1)[1].output);
    EXPECT_TRUE(lives(orphan));
    crew.signal_orphans(SIGKILL);
    while (::waitpid(orphan, nullptr, 0) < 0 && errno == EINTR) {
    }
    EXPECT_FALSE(lives(orphan));
}

TEST(children, the_end_of_nobody_is_nothing) {
    children crew;
    crew.end(5);
    crew.end_all();
    ASSERT_TRUE(crew.start(shell("exit 0"), 5));
    EXPECT_TRUE(finish(crew, 1)[5].how.success());
}

TEST(children, an_alarm_and_a_bell_are_events) {
    children crew;
    children::watcher here(crew);
    crew.wake();
    EXPECT_EQ(here.next().what, event::woken);
    crew.set_alarm(exec_tests::clock::now() + 2ms);
    EXPECT_EQ(here.next().what, event::alarm);
}

}  // namespace
