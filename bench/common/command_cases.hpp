// D5: programs that run a command for each line of a list. A contender says which words start it; here it is started, fed, timed, and what
// it printed is checked.
#pragma once

#include "bench.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

namespace bench {

using words = std::vector<std::string>;

// How a contender runs a command for each line of its standard input, on threads() workers.
struct list_runner {
    words start;                 // before the command
    words in_batches;            // what makes it give 1,000 lines to a command
    words echo;                  // a command that needs a shell, and prints its argument
    words help;                  // the program with what makes it explain itself
    std::int64_t jobs = 20'000;  // fewer where it is slow: the rate is what counts
};

inline words operator+(words a, const words& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

// A folder of our own, on the disk that the build is on.
class scratch {
public:
    scratch() {
        std::string made = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "d5-XXXXXX";
        check(mkdtemp(made.data()) != nullptr, "no folder for the list");
        path_ = made;
    }
    ~scratch() { std::filesystem::remove_all(path_); }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    std::string operator/(const char* name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

inline std::string made_list(const scratch& folder, std::int64_t lines) {
    std::string file = folder / "list";
    std::ofstream out(file);
    for (std::int64_t line = 1; line <= lines; ++line) out << line << '\n';
    return file;
}

struct ended_program {
    std::string output;
    double seconds = 0;
    double peak_bytes = 0;  // no less than ours
    std::int64_t started = 0;
};

// Runs it with `input` as its standard input, and waits for it.
inline ended_program run_program(const words& all, const std::string& input) {
    int out[2];
    check(pipe2(out, O_CLOEXEC) == 0, "no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input.c_str(), O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    std::vector<char*> argv;
    for (const std::string& word : all) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    ended_program it;
    it.started = now_ns();
    pid_t pid = -1;
    const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    if (failed == ENOENT) not_available((all[0] + " is not installed").c_str());
    check(failed == 0, all[0] + " does not start");
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    char room[65536];
    for (ssize_t got; (got = read(out[0], room, sizeof room)) > 0;)
        it.output.append(room, static_cast<std::size_t>(got));
    close(out[0]);
    int status = 0;
    rusage used{};
    check(wait4(pid, &status, 0, &used) == pid, "it cannot be waited for");
    it.seconds = static_cast<double>(now_ns() - it.started) * 1e-9;
    it.peak_bytes = static_cast<double>(used.ru_maxrss) * 1024;
    check(status == 0, all[0] + " failed with wait status " + std::to_string(status));
    return it;
}

// Every number from 1 to `lines` once, in any order.
inline void check_numbers(const std::string& text, std::int64_t lines) {
    std::int64_t count = 0, sum = 0;
    for (const char* at = text.c_str(); *at != '\0'; ++count) {
        char* end = nullptr;
        sum += std::strtoll(at, &end, 10);
        check(*end == '\n', "no number in a line of the output");
        at = end + 1;
    }
    check(count == lines && sum == lines * (lines + 1) / 2, "the output has not every line once");
}

inline double median(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
}

inline double rate(std::int64_t lines, double seconds) { return static_cast<double>(lines) / seconds; }

// From the start of the program to that of its first command, which says when it was: this program as `PROGRAM stamp`.
inline double ms_to_first(const list_runner& it, const std::string& list) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    const ended_program ran = run_program(it.start + words{self, "stamp"}, list);
    return static_cast<double>(std::strtoll(ran.output.c_str(), nullptr, 10) - ran.started) * 1e-6;
}

inline void report_median(const std::string& metric, const std::function<double()>& measure) {
    std::vector<double> all;
    for (int turn = 0; turn != 15; ++turn) all.push_back(measure());
    report(metric, median(std::move(all)), "ms");
}

inline int list_contender(int argc, char** argv, const list_runner& it) {
    if (argc > 1 && std::string_view(argv[1]) == "stamp")
        return std::printf("%lld\n", static_cast<long long>(now_ns())) < 0;
    const scratch folder;
    return run_case(
        argc, argv,
        {{"true",
          [&] {
              const std::int64_t lines = scaled(it.jobs);
              const auto ran = run_program(it.start + words{"/bin/true"}, made_list(folder, lines));
              report("true", rate(lines, ran.seconds), "jobs/s");
          }},
         {"sh",
          [&] {
              const std::int64_t lines = scaled(it.jobs);
              const auto ran = run_program(it.start + it.echo, made_list(folder, lines));
              check_numbers(ran.output, lines);
              report("sh", rate(lines, ran.seconds), "jobs/s");
          }},
         {"first",
          [&] {
              const std::string list = made_list(folder, 1);
              report_median("first", [&] { return ms_to_first(it, list); });
          }},
         {"help", [&] { report_median("help", [&] { return run_program(it.help, "/dev/null").seconds * 1e3; }); }},
         {"stream", [&] {
              const std::int64_t lines = scaled(1'000'000);
              const auto ran = run_program(it.start + it.in_batches + words{"/bin/true"}, made_list(folder, lines));
              report("stream", rate(lines, ran.seconds), "lines/s");
              report("stream/peak", ran.peak_bytes / 1e6, "MB");
          }}});
}

}  // namespace bench
