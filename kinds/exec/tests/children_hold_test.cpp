// A pause of all children, and the clock that does not count it.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include <gristmill/kinds/exec/children.hpp>

#include "exec_helpers.hpp"
#include "support/held_program.hpp"

namespace {

using namespace exec_tests;

children_options marked() { return {.ladder = *kill_ladder::parse("TERM,5000,KILL"), .mark = "GM_TEST_MARK"}; }

// A signal is on its way for a moment. False: it never came.
bool becomes_stopped(pid_t pid, bool wanted = true) {
    const auto until = exec_tests::clock::now() + 30s;
    while (exec_tests::clock::now() < until) {
        const auto now = look_at(pid);
        if (now && now->stopped == wanted) return true;
    }
    return false;
}

// The numbers that a child writes in its first line.
std::vector<pid_t> first_numbers(children& crew, std::size_t count) {
    children::watcher here(crew);
    std::string words;
    while (words.find('\n') == std::string::npos) {
        const event e = here.next();
        if (e.what == event::output) words += e.bytes;
    }
    std::vector<pid_t> numbers;
    for (std::size_t at = 0; numbers.size() < count; at = words.find(' ', at) + 1)
        numbers.push_back(std::stoi(words.substr(at)));
    return numbers;
}

// Of this process, once there is one.
pid_t first_child() {
    while (true) {
        const process_table all = process_table::read({});
        if (const auto born = all.children_of(::getpid()); !born.empty()) return born.front().pid;
    }
}

TEST(children_hold, a_whole_family_is_stopped_and_goes_on) {
    children crew(marked());
    ASSERT_TRUE(crew.start(shell("sleep 100 & a=$!; timeout 100 sleep 100 & echo $$ $a $!; wait"), 1));
    const auto family = first_numbers(crew, 3);
    crew.hold_all();
    for (const pid_t one : family) EXPECT_TRUE(becomes_stopped(one));
    crew.release_all();
    for (const pid_t one : family) EXPECT_TRUE(becomes_stopped(one, false));
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
}

TEST(children_hold, what_was_stopped_before_stays_so) {
    children crew(marked());
    ASSERT_TRUE(crew.start(shell("sleep 100 & echo $$ $!; kill -STOP $!; wait"), 1));
    const auto family = first_numbers(crew, 2);
    ASSERT_TRUE(becomes_stopped(family[1]));
    crew.hold_all();
    EXPECT_TRUE(becomes_stopped(family[0]));
    crew.release_all();
    EXPECT_TRUE(becomes_stopped(family[0], false));
    EXPECT_TRUE(look_at(family[1])->stopped);
    crew.end(1);
    (void)finish(crew, 1);
}

TEST(children_hold, what_is_started_meanwhile_waits) {
    children crew(marked());
    crew.hold_all();
    const auto pid = crew.start(shell("exec sleep 100"), 1);
    ASSERT_TRUE(pid);
    EXPECT_TRUE(becomes_stopped(*pid));
    crew.release_all();
    EXPECT_TRUE(becomes_stopped(*pid, false));
    crew.end(1);
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
}

// The terminal's SIGTSTP reaches it in our group, and the thread that starts it waits for its exec: neither would ever go on.
TEST(children_hold, a_child_that_was_stopped_before_its_exec_is_set_going) {
    std::string folder = (std::filesystem::temp_directory_path() / "gm-hold-XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(folder.data()));
    {
        test_support::held_program sleeper("/bin/sleep", folder);
        if (!sleeper.holds()) GTEST_SKIP() << "no leases on " << folder;
        children crew(marked());
        command what;
        what.arguments = {sleeper.path(), "100"};
        std::jthread starting([&] { EXPECT_TRUE(crew.start(std::move(what), 1)); });
        const pid_t pid = first_child();
        ::kill(pid, SIGTSTP);
        ASSERT_TRUE(becomes_stopped(pid));
        sleeper.let_go();
        crew.hold_all();  // returns when the start has ended
        starting.join();
        EXPECT_TRUE(becomes_stopped(pid));
        crew.release_all();
        EXPECT_TRUE(becomes_stopped(pid, false));
        crew.end(1);
        EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
    }
    std::filesystem::remove_all(folder);
}

TEST(children_hold, an_end_during_the_pause_comes_with_the_release) {
    children crew(marked());
    ASSERT_TRUE(crew.start(shell("echo $$; exec sleep 100"), 1));
    (void)first_numbers(crew, 1);
    crew.hold_all();
    crew.end(1);
    crew.release_all();
    EXPECT_EQ(finish(crew, 1)[1].how.signal, SIGTERM);
}

TEST(children_hold, an_alarm_waits_for_the_release) {
    children crew;
    crew.hold_all();
    crew.set_alarm(crew.now());
    crew.wake();
    children::watcher here(crew);
    EXPECT_EQ(here.next().what, event::woken);  // and not the alarm, which came first
    crew.release_all();
    EXPECT_EQ(here.next().what, event::alarm);
}

TEST(pausable_clock, stands_still_and_goes_on_from_there) {
    pausable_clock it;
    const auto stood = [&] {
        it.stand_still();
        const auto at = it.now();
        for (const auto begin = exec_tests::clock::now(); exec_tests::clock::now() - begin < 2ms;) {
            EXPECT_EQ(it.now(), at);
        }
        EXPECT_EQ(it.on_steady(at), exec_tests::clock::time_point::max());
        it.go_on();
        EXPECT_GE(it.now(), at);
    };
    const auto later = it.now() + 1h;
    EXPECT_EQ(it.on_steady(later), later);
    stood();
    stood();
    const auto paused = it.now(), steady = exec_tests::clock::now();  // in this order
    EXPECT_GE(steady - paused, 4ms);
    EXPECT_LE(it.on_steady(paused), steady);
}

}  // namespace
