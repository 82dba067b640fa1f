#pragma once
// The program at a terminal of its own, as wide as is said.

#include <fcntl.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "program_helpers.hpp"

namespace program_tests {

// All that it has shown there; `typed` is typed at once. Spawned, not forked: the tests have threads.
inline answer at_terminal(std::vector<std::string> arguments, std::string_view typed, unsigned short columns,
                          std::vector<std::string> variables = {"TERM=xterm"}) {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) std::abort();
    EXPECT_EQ(::ioctl(terminal, TIOCSWINSZ, &size), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, ::ptsname(terminal), O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, 0, 2);
    posix_spawnattr_t session;
    posix_spawnattr_init(&session);
    posix_spawnattr_setflags(&session, POSIX_SPAWN_SETSID);
    const auto pointers = [](std::vector<std::string>& of) {
        std::vector<char*> all;
        for (std::string& one : of) all.push_back(one.data());
        all.push_back(nullptr);
        return all;
    };
    pid_t pid = -1;
    EXPECT_EQ(::posix_spawn(&pid, arguments[0].c_str(), &actions, &session, pointers(arguments).data(),
                            pointers(variables).data()),
              0);
    posix_spawnattr_destroy(&session);
    posix_spawn_file_actions_destroy(&actions);
    EXPECT_EQ(::write(terminal, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    answer said;
    std::array<char, 4096> room;
    for (ssize_t got; (got = ::read(terminal, room.data(), room.size())) > 0;)
        said.output.append(room.data(), static_cast<std::size_t>(got));
    ::close(terminal);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    said.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return said;
}

}  // namespace program_tests
