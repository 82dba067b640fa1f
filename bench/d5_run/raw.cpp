// What the system itself allows: a loop around posix_spawn on each thread. A child has a process group of its own and two pipes, which
// are read to their end; then it is waited for. What it printed goes out in one piece.
#include "common/command_cases.hpp"

#include <csignal>

#include <poll.h>

namespace {

void spawn_and_wait(std::vector<char*>& argv) {
    int out[2], err[2];
    bench::check(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0, "no pipes");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = -1;
    bench::check(posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ) == 0, "it does not start");
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]), close(err[1]);
    pollfd both[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    std::string said;
    char room[4096];
    while (both[0].fd >= 0 || both[1].fd >= 0) {
        poll(both, 2, -1);
        for (pollfd& one : both) {
            if (one.fd < 0 || one.revents == 0) continue;
            const ssize_t got = read(one.fd, room, sizeof room);
            if (got > 0) said.append(room, static_cast<std::size_t>(got));
            if (got <= 0) one.fd = -1;
        }
    }
    close(out[0]), close(err[0]);
    int status = -1;
    bench::check(waitpid(pid, &status, 0) == pid && status == 0, "a child failed");
    bench::check(write(1, said.data(), said.size()) == static_cast<ssize_t>(said.size()),
                 "its output cannot be written");
}

// raw loop true|sh LINES: the loop, as a program that the bench starts like the others.
int loop(const std::string& what, std::int64_t lines) {
    std::atomic<std::int64_t> next{1};
    const auto work = [&] {
        for (std::int64_t line; (line = next.fetch_add(1)) <= lines;) {
            std::string text = std::to_string(line);
            if (what == "sh") text = "echo " + text + " && :";
            char path[] = "/bin/true", shell[] = "/bin/sh", dash_c[] = "-c";
            std::vector<char*> argv{path, text.data(), nullptr};
            if (what == "sh") argv = {shell, dash_c, text.data(), nullptr};
            spawn_and_wait(argv);
        }
    };
    std::vector<std::thread> workers;
    for (int i = 0; i != bench::threads(); ++i) workers.emplace_back(work);
    for (std::thread& worker : workers) worker.join();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 4 && std::string_view(argv[1]) == "loop") return loop(argv[2], std::atoll(argv[3]));
    const std::string name = bench::only_case(argc, argv);
    if (name != "true" && name != "sh") bench::not_available("it reads no list");
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    const std::int64_t lines = bench::scaled(20'000);
    const auto ran = bench::run_program({self, "loop", name, std::to_string(lines)}, "/dev/null");
    if (name == "sh") bench::check_numbers(ran.output, lines);
    bench::report(name, bench::rate(lines, ran.seconds), "jobs/s");
}
