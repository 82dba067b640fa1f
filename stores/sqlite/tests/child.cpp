#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <string>

#include <gtest/gtest.h>

extern char** environ;

namespace gm::test {

namespace {

constexpr char variable[] = "GRISTMILL_SQLITE_TEST_ROLE";
constexpr char between = '\x1f';

std::map<std::string, role>& roles() {
    static std::map<std::string, role> all;
    return all;
}

// Before the first test is run: is this a child? Then it runs no test.
class role_or_tests final : public ::testing::Environment {
    void SetUp() override {
        const char* const told = std::getenv(variable);
        if (!told) return;
        std::vector<std::string> words(1);
        for (const char* c = told; *c; ++c) *c == between ? words.emplace_back() : words.back() += *c, void();
        const std::string name = words.front();
        words.erase(words.begin());
        roles().at(name)(words);
        std::cout.flush();
        std::_Exit(0);
    }
};
[[maybe_unused]] const auto* const asked = ::testing::AddGlobalTestEnvironment(new role_or_tests);

}  // namespace

bool define_role(const std::string& name, role what) { return roles().emplace(name, what).second; }

void answer(const std::string& line) { std::cout << '@' << line << std::endl; }

bool read_line(std::string& line) { return static_cast<bool>(std::getline(std::cin, line)); }

child::child(const std::string& name, const std::vector<std::string>& arguments) {
    std::array<int, 2> to{}, from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    std::string told = std::string(variable) + "=" + name;
    for (const std::string& each : arguments) told += between + each;
    std::vector<char*> environment;
    for (char** each = environ; *each; ++each) environment.push_back(*each);
    environment.push_back(told.data());
    environment.push_back(nullptr);
    std::string self = "/proc/self/exe";
    std::array<char*, 2> words{self.data(), nullptr};
    if (::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, words.data(), environment.data()) != 0) std::abort();
    posix_spawn_file_actions_destroy(&actions);
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = from[0];
}

child::~child() {
    kill();
    ::close(from_);
}

void child::tell(const std::string& line) const {
    const std::string whole = line + "\n";
    EXPECT_EQ(::write(to_, whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
}

std::string child::hear() {
    for (;;) {
        for (std::size_t end; (end = read_.find('\n')) != std::string::npos;) {
            const std::string line = read_.substr(0, end);
            read_.erase(0, end + 1);
            if (line.starts_with('@')) return line.substr(1);
        }
        std::array<char, 4096> some{};
        const ssize_t got = ::read(from_, some.data(), some.size());
        if (got <= 0) return {};
        read_.append(some.data(), static_cast<std::size_t>(got));
    }
}

void child::signal(int which) const { EXPECT_EQ(::kill(pid_, which), 0); }

void child::stop() {
    signal(SIGSTOP);
    int how = 0;
    EXPECT_EQ(::waitpid(pid_, &how, WUNTRACED), pid_);
    EXPECT_TRUE(WIFSTOPPED(how));
}

bool child::end() {
    if (to_ >= 0) ::close(std::exchange(to_, -1));
    if (pid_ < 0) return false;
    int how = 0;
    ::waitpid(std::exchange(pid_, -1), &how, 0);
    return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

void child::kill() {
    if (pid_ >= 0) ::kill(pid_, SIGKILL);
    end();
}

}  // namespace gm::test
