// The live display, on a terminal.
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "tmux_terminal.hpp"

namespace {

using namespace program_tests;
using strings = std::vector<std::string>;

strings lines_of(const std::string& screen) {
    strings all;
    std::istringstream in(screen);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

std::size_t lines_with(const std::string& screen, const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(lines_of(screen), [&](const std::string& line) { return line.find(text) != line.npos; }));
}

// Jobs that end when the test says so: each of them reads from a pipe of its own, and prints what it reads.
class display_on_terminal : public ::testing::Test {
protected:
    void SetUp() override {
        if (!tmux_terminal::is_there()) GTEST_SKIP() << "tmux is not installed";
        for (const char* name : {"one", "two", "three"}) ASSERT_EQ(::mkfifo((folder / name).c_str(), 0600), 0);
    }
    std::string command(const std::string& flags, const std::string& what = "cat {}") const {
        return "cd " + folder.path + " && " GRISTMILL_PROGRAM " run " + flags + " '" + what + "' ::: one two three";
    }
    void release(const std::string& name, const std::string& text = "") const { std::ofstream(folder / name) << text; }
    scratch folder;
};

TEST_F(display_on_terminal, shows_a_bar_and_a_lane_for_each_worker_at_any_size) {
    for (const auto& [columns, rows] : {std::pair{80u, 24u}, {40u, 10u}, {200u, 50u}}) {
        const tmux_terminal terminal(columns, rows, command("-j3"));
        const std::string screen = terminal.wait_for("0/3");
        for (const char* lane : {"cat one", "cat two", "cat three"}) EXPECT_EQ(lines_with(screen, lane), 1u) << screen;
        EXPECT_EQ(lines_with(screen, "░░"), 1u) << screen;
        release("one", "said by one\n");
        release("two", "no newline at its end");
        const std::string then = terminal.wait_for("2/3");
        const strings lines = lines_of(then);
        EXPECT_EQ(lines_with(then, "cat "), 1u) << then;
        const auto place = [&](const char* text) {
            return std::ranges::find_if(lines, [&](const std::string& l) { return l.find(text) != l.npos; });
        };
        EXPECT_LT(place("said by one"), place("cat three")) << then;
        EXPECT_LT(place("newline at its end"), place("cat three")) << then;
        EXPECT_LT(place("cat three"), place("2/3")) << then;
        release("three");
        const std::string end = terminal.wait_for("ended 0");
        EXPECT_EQ(lines_with(end, "cat "), 0u) << end;
        EXPECT_EQ(lines_with(end, "gristmill: 3 jobs in "), 1u) << end;
        EXPECT_TRUE(terminal.shows_cursor());
    }
}

TEST_F(display_on_terminal, begins_below_output_that_was_there_before) {
    const tmux_terminal terminal(
        80, 24,
        "cd " + folder.path + "; " GRISTMILL_PROGRAM " run -j2 'printf early; [ {} = now ] || cat {}' ::: now one");
    const std::string screen = terminal.wait_for("early; [ one = now");
    EXPECT_EQ(lines_of(screen)[0], "early") << screen;
    release("one");
    EXPECT_EQ(lines_of(terminal.wait_for("ended 0"))[0], "early");
}

TEST_F(display_on_terminal, keeps_its_shape_when_the_terminal_changes_its_own) {
    const tmux_terminal terminal(80, 24, "seq -f line-%03g 100; " + command("-j3"));
    terminal.wait_for("cat three");
    for (const auto& [columns, rows] : {std::pair{20u, 8u}, {120u, 30u}, {33u, 24u}, {79u, 5u}, {80u, 24u}}) {
        terminal.resize(columns, rows);
        // Drawn for the new size: each part is there as often as it should be.
        const bool fits = rows >= 8;
        terminal.wait_for([&](const std::string& now) {
            return lines_with(now, "0/3") == 1 && lines_with(now, "cat ") == (fits ? 3 : 1) &&
                   (fits || lines_with(now, "more") == 1);
        });
    }
    for (const char* name : {"one", "two", "three"}) release(name, std::string("said by ") + name + '\n');
    terminal.wait_for("ended 0");
    const std::string all = terminal.history();
    EXPECT_EQ(lines_with(all, "line-"), 100u) << all;
    for (const char* text : {"line-001", "line-100", "said by one", "said by two", "said by three"})
        EXPECT_EQ(lines_with(all, text), 1u) << all;
    EXPECT_EQ(lines_with(all, "cat "), 0u) << all;
}

TEST_F(display_on_terminal, goes_on_until_what_runs_has_finished_after_ctrl_c) {
    const tmux_terminal terminal(80, 24, command("-j2"));
    terminal.wait_for("cat two");
    terminal.press("C-c");
    const std::string told = terminal.wait_for("2 running will finish. Again to end them");
    EXPECT_EQ(lines_with(told, "cat two"), 1u) << told;
    release("one", "said by one\n");
    terminal.wait_for("said by one");
    release("two");
    const std::string end = terminal.wait_for("ended 130");
    EXPECT_EQ(lines_with(end, "cat "), 0u) << end;
    EXPECT_TRUE(terminal.shows_cursor());
}

TEST_F(display_on_terminal, leaves_a_clean_terminal_after_ctrl_c_twice) {
    const tmux_terminal terminal(80, 24, command("-j2"));
    terminal.wait_for("cat two");
    terminal.press("C-c");
    terminal.wait_for("Again to end them");
    terminal.press("C-c");
    const std::string end = terminal.wait_for("ended 130");
    EXPECT_EQ(lines_with(end, "cat "), 0u) << end;
    EXPECT_EQ(lines_with(end, "%"), 0u) << end;
    EXPECT_TRUE(terminal.shows_cursor());
}

// An interactive shell, in which a run is put into the background and taken back.
class display_in_a_shell : public display_on_terminal {
protected:
    const tmux_terminal terminal{80, 24, "export PS1='ready> '; exec bash --norc --noprofile -i"};
    void type(const std::string& line) const {
        terminal.press(line);
        terminal.press("Enter");
    }
};

TEST_F(display_in_a_shell, gives_the_terminal_back_when_it_is_stopped_and_when_it_is_in_the_background) {
    terminal.wait_for("ready>");
    type(command("-j3"));
    terminal.wait_for("0/3");
    terminal.press("C-z");
    const std::string stopped = terminal.wait_for("Stopped");
    EXPECT_EQ(lines_with(stopped, "0/3") + lines_with(stopped, "░"), 0u) << stopped;
    type("clear; bg");
    terminal.wait_for("&\nready>");  // what is typed before the prompt would be echoed twice
    terminal.press("half a line");
    release("one", "said by one\n");
    const std::string behind = terminal.wait_for("said by one");
    EXPECT_EQ(lines_with(behind, "half a line"), 1u) << behind;
    EXPECT_EQ(lines_with(behind, "1/3"), 0u) << behind;
    terminal.press("C-u");
    type("fg");
    EXPECT_EQ(lines_with(terminal.wait_for("1/3"), "cat three"), 1u);
    release("two");
    release("three");
    terminal.wait_for("3 jobs in");
    EXPECT_TRUE(terminal.shows_cursor());
}

TEST_F(display_on_terminal, everything_ends_with_the_terminal) {
    // The shell, the program and the commands all have the folder's name in their own.
    const tmux_terminal terminal(200, 24, command("-j3", "cat " + folder.path + "/{}"));
    terminal.wait_for("/three");
    ASSERT_TRUE(somebody_runs(folder.path));
    terminal.close();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (somebody_runs(folder.path) && std::chrono::steady_clock::now() < until) {
    }
    EXPECT_FALSE(somebody_runs(folder.path));
}

TEST_F(display_on_terminal, shows_failures_as_they_come) {
    const tmux_terminal terminal(80, 24, command("-j3", "read x < {}; [ $x != 2 ] && kill -SEGV $$; exit $x"));
    terminal.wait_for("read x < three");
    release("two", "2\n");
    EXPECT_EQ(lines_with(terminal.wait_for("✗ exit 2"), "1 failed"), 1u);
    release("one", "1\n");
    EXPECT_EQ(lines_with(terminal.wait_for("✗ SIGSEGV"), "2 failed"), 1u);
    release("three", "1\n");
    terminal.wait_for("ended 3");
    EXPECT_TRUE(terminal.shows_cursor());
}

TEST_F(display_on_terminal, commands_do_not_steer_the_terminal) {
    const tmux_terminal terminal(80, 24,
                                 "echo first; cd " + folder.path +
                                     "; " GRISTMILL_PROGRAM
                                     " run -j2 'cat one; : {}' ::: \"$(printf '\\033[2J\\033[HX\\n\\r\\267Y')\"");
    const std::string screen = terminal.wait_for("\\x1b[2J\\x1b[HX\\n\\r\\xb7Y");
    EXPECT_EQ(lines_with(screen, "first"), 1u) << screen;
    release("one");
    terminal.wait_for("ended 0");
}

TEST_F(display_on_terminal, colours_are_left_out_where_they_are_not_wanted) {
    const tmux_terminal plain(80, 24, "export NO_COLOR=1; " + command("-j3")), usual(80, 24, command("-j3"));
    plain.wait_for("0/3");
    EXPECT_EQ(plain.screen_with_colours().find('\x1b'), std::string::npos);
    usual.wait_for("0/3");
    EXPECT_NE(usual.screen_with_colours().find('\x1b'), std::string::npos);
}

TEST_F(display_on_terminal, is_left_out_where_it_is_not_wanted) {
    for (const char* before : {"export TERM=dumb", "export CI=true", "flags=--no-display", "flags=--ungroup"}) {
        const tmux_terminal terminal(80, 24, std::string(before) + "; " + command("-j3 $flags"));
        for (const char* name : {"one", "two", "three"}) release(name, std::string("said by ") + name + '\n');
        const std::string screen = terminal.wait_for("ended 0");
        EXPECT_EQ(lines_with(screen, "said by"), 3u) << screen;
        EXPECT_EQ(lines_with(screen, "%"), 0u) << screen;
    }
}

TEST_F(display_on_terminal, much_output_scrolls_by_whole_and_in_order) {
    const tmux_terminal terminal(80, 24,
                                 "cd " + folder.path +
                                     "; " GRISTMILL_PROGRAM
                                     " run -k -j2 'cat one; seq -f \"line %g of {}\" 1500' ::: a; echo over");
    terminal.wait_for("cat one");
    release("one");
    terminal.wait_for("ended 0");
    strings found = lines_of(terminal.history());
    std::erase_if(found, [](const std::string& line) { return line.find("line ") == line.npos; });
    ASSERT_EQ(found.size(), 1500u);
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i], "line " + std::to_string(i + 1) + " of a");
    }
}

}  // namespace
