#pragma once
// Runs the program that was built, or any other, and keeps what it said.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace program_tests {

struct answer {
    int status = -1;  // as a shell has it in $?
    std::string output, errors;
};

class scratch {
public:
    scratch() {
        std::string made = (std::filesystem::temp_directory_path() / "gm-program-XXXXXX").string();
        path = ::mkdtemp(made.data());
    }
    ~scratch() { std::filesystem::remove_all(path); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string operator/(const std::string& name) const { return path + "/" + name; }
    std::string path;
};

// Journals of the runs of a test lie in a folder of its own.
struct own_state {
    own_state() { ::setenv("GRISTMILL_STATE", folder.path.c_str(), 1); }
    const scratch folder;
};
inline const own_state state_of_this_test;

inline std::string text_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// A program that runs. What it reads is written by feed(); what it writes is read by whoever waits.
class running {
public:
    // In a process group of its own it can be stopped, as a job of a shell can.
    enum class group : bool { ours, own };
    explicit running(std::vector<std::string> arguments, group where = group::ours) {
        int in[2], out[2], err[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) std::abort();
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        posix_spawn_file_actions_adddup2(&actions, err[1], 2);
        std::vector<char*> words;
        for (std::string& one : arguments) words.push_back(one.data());
        words.push_back(nullptr);
        posix_spawnattr_t how;
        posix_spawnattr_init(&how);
        if (where == group::own) posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
        EXPECT_EQ(::posix_spawnp(&pid, words[0], &actions, &how, words.data(), environ), 0) << words[0];
        posix_spawnattr_destroy(&how);
        posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]), ::close(out[1]), ::close(err[1]);
        input_ = in[1], output_ = out[0], errors_ = err[0];
    }
    ~running() {
        close_input();
        close_output();
        if (errors_ >= 0) ::close(errors_);
    }
    running(const running&) = delete;
    running& operator=(const running&) = delete;

    void close_input() {
        if (input_ >= 0) ::close(std::exchange(input_, -1));
    }
    void close_output() {
        if (output_ >= 0) ::close(std::exchange(output_, -1));
    }
    void feed(std::string_view text) const {
        ASSERT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    int output_end() const noexcept { return output_; }
    void signal(int which) const { ASSERT_EQ(::kill(pid, which), 0); }

    // Two signals of a kind that are sent at once may come as one: the second goes when the first was answered.
    void interrupt_twice(int which) {
        signal(which);
        read_until([&] { return said.errors.find("Again to end them") != std::string::npos; });
        signal(which);
    }

    // Reads until what it has written says so, and returns that; all of `input` is written meanwhile.
    void read_until(const std::function<bool()>& enough, std::string_view input = {}) {
        while (!enough() && (output_ >= 0 || errors_ >= 0)) {
            std::array<pollfd, 3> wanted{
                {{output_, POLLIN, 0}, {errors_, POLLIN, 0}, {input.empty() ? -1 : input_, POLLOUT, 0}}};
            if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;
            take(wanted[0], output_, said.output);
            take(wanted[1], errors_, said.errors);
            if (wanted[2].revents == 0) continue;
            const ssize_t written = ::write(input_, input.data(), std::min<std::size_t>(input.size(), 4096));
            input.remove_prefix(written < 0 ? input.size() : static_cast<std::size_t>(written));
            if (input.empty()) close_input();
        }
    }
    void read_until_output(const std::string& text) {
        read_until([&] { return said.output.find(text) != std::string::npos; });
    }
    answer wait(std::string_view input = {}) {
        if (input.empty()) close_input();
        read_until([] { return false; }, input);
        int status = 0;
        while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return said;
    }

    pid_t pid = -1;
    answer said;

private:
    static void take(const pollfd& from, int& fd, std::string& to) {
        if (from.revents == 0) return;
        std::array<char, 65536> room;
        const ssize_t got = ::read(fd, room.data(), room.size());
        if (got > 0) return void(to.append(room.data(), static_cast<std::size_t>(got)));
        ::close(fd);
        fd = -1;
    }

    int input_ = -1, output_ = -1, errors_ = -1;
};

inline std::vector<std::string> run_command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {GRISTMILL_PROGRAM, "run"});
    return arguments;
}

inline answer gristmill_run(std::vector<std::string> arguments, std::string_view input = {}) {
    ::signal(SIGPIPE, SIG_IGN);  // when the program reads no more of its input
    return running(run_command(std::move(arguments))).wait(input);
}

// Whether any process has this in its command line: a word that nothing else has, no port and no name of a temporary file.
inline bool somebody_runs(const std::string& what) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream in(entry.path() / "cmdline");
        std::ostringstream line;
        line << in.rdbuf();  // whoever ends meanwhile cannot be read: no exception for that, as text_of() would throw
        if (line.str().find(what) != std::string::npos) return true;
    }
    return false;
}

}  // namespace program_tests
