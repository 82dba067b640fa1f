// run_storm --seconds N: kills `gristmill run`, its commands, or both, at random, and goes on with the run each time: with its input,
// or by what its journal knows. Then it is left in peace until it is done, and every line is accounted for, by what the commands
// themselves have written down:
//
//     accounted X of Y, lost 0, finished and run again 0, two at a time 0, unexplained reruns 0
//
// A rerun is explained if the command before it was killed, or if the program was killed while that command ran, or so shortly after
// its end that it may have been too late for a commit.

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gristmill/kinds/exec/process_table.hpp>
#include <gristmill/kinds/exec/unique_fd.hpp>

#include "program/journal/journal_file.hpp"
#include "program/journal/journal_folder.hpp"

extern char** environ;

namespace {

namespace program = gm::program;
namespace exec = gm::kinds::exec;
using namespace std::chrono_literals;
using ns = std::int64_t;

// 20 ms between two commits, and what a busy machine takes to see an end and to write it.
constexpr ns last_moment = 500'000'000;

ns now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// Lines of one write each: what a killed process has written stays whole.
void note(const std::string& folder, char what, long about, long process, long runner = 0) {
    char text[100];
    const int size = std::snprintf(text, sizeof(text), "%c %ld %ld %ld %lld\n", what, about, process, runner,
                                   static_cast<long long>(now()));
    const exec::unique_fd file(::open((folder + "/log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (::write(file.get(), text, static_cast<std::size_t>(size)) != size) std::exit(3);
}

// What each line of the run is: says when it begins and when it ends.
int be_a_command(long line, const std::string& folder) {
    const char* const runner = std::getenv("PARALLEL_PID");
    const long by = runner ? std::atol(runner) : 0;
    note(folder, 'S', line, ::getpid(), by);
    std::minstd_rand dice(static_cast<unsigned>(::getpid()));
    std::this_thread::sleep_for(std::chrono::milliseconds(dice() % 20 == 0 ? dice() % 200 : dice() % 10));
    note(folder, 'E', line, ::getpid(), by);
    return 0;
}

struct one_run {
    ns start = 0, end = 0;  // end 0: it never came to it
    long process = 0, runner = 0;
};

struct story {
    std::map<long, std::vector<one_run>> lines;
    std::map<long, ns> kills;     // by process; pids are not reused so soon
    std::map<long, ns> recorded;  // since when a line was in the journal as succeeded
};

story read_story(const std::string& folder) {
    story all;
    std::ifstream file(folder + "/log");
    for (std::string text; std::getline(file, text);) {
        char what = 0;
        long about = 0, process = 0, runner = 0;
        long long at = 0;
        if (std::sscanf(text.c_str(), "%c %ld %ld %ld %lld", &what, &about, &process, &runner, &at) != 5) continue;
        if (what == 'S') all.lines[about].push_back({.start = at, .process = process, .runner = runner});
        if (what == 'E')
            for (one_run& one : all.lines[about])
                if (one.process == process) one.end = at;
        if (what == 'K') all.kills[process] = at;
        if (what == 'R') all.recorded.emplace(about, at);
    }
    return all;
}

struct counts {
    std::size_t accounted = 0, lost = 0, reruns = 0, run_again = 0, two_at_a_time = 0, unexplained = 0;
    ns longest_forgotten = 0;  // between an end and the kill that made it forgotten
};

void judge_rerun(const story& all, long line, const one_run& before, const one_run& here, counts& said) {
    ++said.reruns;
    const auto recorded = all.recorded.find(line);
    if (recorded != all.recorded.end() && recorded->second < here.start) {
        ++said.run_again;
        std::printf("line %ld: was finished and ran again\n", line);
    }
    const auto killed = all.kills.find(before.process), left = all.kills.find(before.runner);
    const bool was_killed = killed != all.kills.end() && killed->second < here.start;
    const bool was_left = left != all.kills.end() && left->second < here.start &&
                          (before.end == 0 || before.end > left->second - last_moment);
    if (was_left && before.end != 0)
        said.longest_forgotten = std::max(said.longest_forgotten, left->second - before.end);
    if (!was_killed && !was_left) {
        ++said.unexplained;
        std::printf("line %ld: ran again without a reason\n", line);
    }
    const bool still_at_it = !was_killed && (before.end == 0 || before.end > here.start);
    const bool was_unknown = was_left && before.start > left->second - last_moment;
    if (still_at_it && !was_unknown) {
        ++said.two_at_a_time;
        std::printf("line %ld: ran twice at a time\n", line);
    }
}

counts judge(story& all, long lines) {
    counts said;
    for (long line = 1; line <= lines; ++line) {
        auto& runs = all.lines[line];
        std::ranges::sort(runs, {}, &one_run::start);
        const bool done = std::ranges::any_of(runs, [](const one_run& one) { return one.end != 0; });
        ++(done ? said.accounted : said.lost);
        for (std::size_t i = 1; i < runs.size(); ++i) judge_rerun(all, line, runs[i - 1], runs[i], said);
    }
    return said;
}

class storm {
public:
    storm(std::string folder, std::string self, long lines, unsigned seed)
        : folder_(std::move(folder)), self_(std::move(self)), dice_(seed) {
        std::ofstream list(folder_ + "/list");
        for (long line = 1; line <= lines; ++line) list << line << '\n';
        ::setenv("GRISTMILL_STATE", (folder_ + "/state").c_str(), 1);
    }

    void rage(std::chrono::seconds time) {
        const auto end = std::chrono::steady_clock::now() + time;
        while (std::chrono::steady_clock::now() < end) {
            start(dice_() % 3 != 0);
            while (pid_ > 0) {
                std::this_thread::sleep_for(std::chrono::milliseconds(20 + dice_() % 300));  // between two strikes
                strike();
            }
        }
    }

    // Until it says that all is done.
    bool finish() {
        for (int tries = 0; tries < 10; ++tries) {
            start(true);
            int status = 0;
            ::waitpid(pid_, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
        }
        return false;
    }

    int program_kills = 0, command_kills = 0;

private:
    // The same command again with its input; or nothing but the flag, and no input.
    void start(bool with_input) {
        std::vector<std::string> words{GRISTMILL_PROGRAM, "run", "--resume-failed", "-j4"};
        if (with_input) words.insert(words.end(), {self_, "--line", "{}", "--folder", folder_});
        std::vector<char*> pointers;
        for (std::string& word : words) pointers.push_back(word.data());
        pointers.push_back(nullptr);
        const exec::unique_fd in(::open(with_input ? (folder_ + "/list").c_str() : "/dev/null", O_RDONLY | O_CLOEXEC));
        const exec::unique_fd out(::open((folder_ + "/said").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in.get(), 0);
        posix_spawn_file_actions_adddup2(&actions, out.get(), 1);
        posix_spawn_file_actions_adddup2(&actions, out.get(), 2);
        if (::posix_spawn(&pid_, GRISTMILL_PROGRAM, &actions, nullptr, pointers.data(), environ) != 0) std::exit(2);
        posix_spawn_file_actions_destroy(&actions);
    }

    void strike() {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = -1;
            return;
        }
        const auto what = dice_() % 3;
        if (what != 0) kill_commands();
        if (what != 1) kill_program();
    }

    void kill_commands() {
        const auto table = exec::process_table::read({});
        for (const auto& one : table.children_of(pid_))
            if (dice_() % 2 == 0) {
                note(folder_, 'K', 0, one.pid);
                exec::signal_process(one, SIGKILL);
                ++command_kills;
            }
    }

    void kill_program() {
        note(folder_, 'K', 0, pid_);
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
        ++program_kills;
        write_down_what_is_recorded();
    }

    void write_down_what_is_recorded() const {
        const auto runs = program::journal_folder::open();
        if (!runs) return;
        for (const auto& one : runs->runs()) {
            const auto file = program::journal_file::open(one.path);
            if (!file) continue;  // nothing is in it yet
            for (std::uint64_t last = 0;;) {
                const auto some = (*file)->lines_after(last, (*file)->facts().lines, 10'000);
                if (!some || some->empty()) break;
                std::string text;
                for (const auto& line : *some)
                    if (line.state == program::line_state::succeeded)
                        text += "R " + std::to_string(line.number) + " 0 0 " + std::to_string(now()) + '\n';
                std::ofstream(folder_ + "/log", std::ios::app) << text;
                last = some->back().number;
            }
        }
    }

    const std::string folder_, self_;
    std::minstd_rand dice_;
    pid_t pid_ = -1;
};

[[noreturn]] void usage(const char* why) {
    std::fprintf(stderr, "run_storm: %s\nrun_storm [--seconds N] [--seed N]\n", why);
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    long seconds = 4, line = 0;
    unsigned seed = std::random_device()();
    std::string folder;
    if (const char* const given = std::getenv("GRISTMILL_STORM_SECONDS")) seconds = std::atol(given);
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (i + 1 == argc) usage(("no value for " + name).c_str());
        const char* const value = argv[++i];
        if (name == "--seconds")
            seconds = std::atol(value);
        else if (name == "--seed")
            seed = static_cast<unsigned>(std::strtoul(value, nullptr, 10));
        else if (name == "--line")
            line = std::atol(value);
        else if (name == "--folder")
            folder = value;
        else
            usage(("there is no " + name).c_str());
    }
    if (line != 0) return be_a_command(line, folder);
    if (seconds < 1) usage("a number is below 1");
    folder = (std::filesystem::temp_directory_path() / "gristmill-run-storm.XXXXXX").string();
    if (!::mkdtemp(folder.data())) usage("there is no temporary folder");

    const long lines = 300 * seconds;
    storm weather(folder, std::filesystem::absolute(argv[0]).string(), lines, seed);
    weather.rage(std::chrono::seconds(seconds));
    const bool finished = weather.finish();
    story all = read_story(folder);
    const counts said = judge(all, lines);
    std::printf(
        "%d kills of the program, %d of its commands; %zu lines were run again; the longest forgotten end was %.1f "
        "ms before the kill; seed %u\n",
        weather.program_kills, weather.command_kills, said.reruns, static_cast<double>(said.longest_forgotten) / 1e6,
        seed);
    std::printf(
        "accounted %zu of %ld, lost %zu, finished and run again %zu, two at a time %zu, unexplained reruns %zu\n",
        said.accounted, lines, said.lost, said.run_again, said.two_at_a_time, said.unexplained);
    const bool sound = finished && said.lost == 0 && said.run_again == 0 && said.two_at_a_time == 0 &&
                       said.unexplained == 0 && weather.program_kills != 0;
    if (sound)
        std::filesystem::remove_all(folder);
    else
        std::printf("what they wrote down: %s\n", folder.c_str());
    return sound ? 0 : 1;
}
