// Ctrl-Z, without a terminal: what it sends is a signal to the group.
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include <gristmill/kinds/exec/process_table.hpp>

#include "program_helpers.hpp"

namespace {

using namespace program_tests;
using clock = std::chrono::steady_clock;
using group = running::group;

// As the terminal does it; returns when all of it stands.
void press_ctrl_z(const running& program) {
    ASSERT_EQ(::kill(-program.pid, SIGTSTP), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(program.pid, &status, WUNTRACED), program.pid);
    ASSERT_TRUE(WIFSTOPPED(status)) << status;
    ASSERT_EQ(WSTOPSIG(status), SIGTSTP);
}

void bring_back(const running& program) { ASSERT_EQ(::kill(-program.pid, SIGCONT), 0); }

// The signal that a process was sent may still be on its way.
bool comes_to_stand(pid_t pid, bool wanted = true) {
    const auto until = clock::now() + std::chrono::seconds(30);
    while (clock::now() < until) {
        const auto now = gm::kinds::exec::look_at(pid);
        if (now && now->stopped == wanted) return true;
    }
    return false;
}

double run_time_in(const std::string& joblog) {
    std::istringstream in(text_of(joblog));
    std::string line, word;
    std::getline(in, line);  // the heading
    in >> word >> word >> word >> word;
    return std::stod(word);
}

class paused_run : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::mkfifo((folder / "gate").c_str(), 0600), 0); }
    void open_gate() const { std::ofstream(folder / "gate") << "open\n"; }
    // Its command says its number, waits at the gate, and says that it is over.
    std::vector<std::string> waiting(std::vector<std::string> flags) const {
        flags.insert(flags.end(), {"--line-buffer", "echo $$; read x < " + folder / "gate; echo over", ":::", "1"});
        return run_command(std::move(flags));
    }
    const scratch folder;
};

TEST_F(paused_run, commands_stand_and_go_on_with_the_run) {
    running program(waiting({}), group::own);
    program.read_until_output("\n");
    const pid_t command = std::stoi(program.said.output);
    press_ctrl_z(program);
    EXPECT_TRUE(comes_to_stand(command));
    bring_back(program);
    EXPECT_TRUE(comes_to_stand(command, false));
    open_gate();
    const answer it = program.wait();
    EXPECT_NE(it.output.find("over"), std::string::npos);
    EXPECT_EQ(it.status, 0);
}

// What the run measured lies between the moments that the test saw, however slow the machine is.
TEST_F(paused_run, no_time_passes_for_a_command) {
    const std::string log = folder / "log";
    const auto begin = clock::now();
    running program(waiting({"--joblog", log}), group::own);
    program.read_until_output("\n");
    press_ctrl_z(program);
    const auto stopped = clock::now();
    while (clock::now() - stopped < std::chrono::milliseconds(300)) {
    }
    const auto went_on = clock::now();
    bring_back(program);
    open_gate();
    EXPECT_EQ(program.wait().status, 0);
    const std::chrono::duration<double> ran = (clock::now() - begin) - (went_on - stopped);
    EXPECT_LE(run_time_in(log), ran.count());
}

TEST_F(paused_run, a_kill_is_heard_when_it_goes_on_and_a_second_one_ends_everything) {
    running program(waiting({}), group::own);
    program.read_until_output("\n");
    const pid_t command = std::stoi(program.said.output);
    press_ctrl_z(program);
    program.signal(SIGTERM);  // kill %1 sends both
    program.signal(SIGCONT);
    program.read_until([&] { return program.said.errors.find("Again to end them") != std::string::npos; });
    press_ctrl_z(program);
    program.signal(SIGTERM);
    program.signal(SIGCONT);
    EXPECT_EQ(program.wait().status, 128 + SIGTERM);
    EXPECT_FALSE(gm::kinds::exec::look_at(command));
}

// Nobody reads what it prints: whoever writes it stands still, and the shell would wait for ever for the run to stop.
TEST(run_paused, a_reader_that_stands_still_does_not_hold_it) {
    running program(run_command({"head -c 1000000 /dev/zero; : {}", ":::", "1"}), group::own);
    const auto is_full = [&] {
        pollfd readable{program.output_end(), POLLIN, 0};
        return ::poll(&readable, 1, -1) == 1;
    };
    ASSERT_TRUE(is_full());
    press_ctrl_z(program);
    bring_back(program);
    const answer it = program.wait();
    EXPECT_EQ(it.output.size(), 1000000u);
    EXPECT_EQ(it.status, 0);
}

// A command that is being started is still in the run's group: the terminal's signal may stop it there, before it executes anything, and
// the run could then neither stop nor go on.
TEST(run_paused, starts_that_are_under_way_do_not_hold_it) {
    std::string lines;
    for (int i = 0; i != 3000; ++i) lines += std::to_string(i) + '\n';
    running program(run_command({"--no-journal", "-j3", "/bin/echo"}), group::own);
    program.feed(lines);
    program.read_until_output("\n");
    for (int i = 0; i != 25; ++i) {
        press_ctrl_z(program);
        bring_back(program);
        const std::size_t before = program.said.output.size();
        program.read_until([&] { return program.said.output.size() > before; });
    }
    const answer it = program.wait();
    EXPECT_EQ(it.status, 0);
    EXPECT_EQ(std::ranges::count(it.output, '\n'), 3000);
}

}  // namespace
