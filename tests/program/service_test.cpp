// The systemd unit that is installed, without systemd: its own command line, its example of settings, what it would hear.
#include <regex>

#include "jobs_helpers.hpp"
#include "notify_socket.hpp"

namespace {

using namespace program_tests;

// What a line `name=…` of a file says; there is exactly one.
std::string value_in(const std::string& text, const std::string& name) {
    std::string value;
    int found = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name + '=')) {
            value = line.substr(name.size() + 1);
            ++found;
        }
    EXPECT_EQ(found, 1) << name;
    return value;
}

const std::string unit = text_of(GRISTMILL_PACKAGING "/gristmill-work@.service");

// The unit's command line: systemd puts a variable's value into it word by word, with its quotes understood, as eval does.
strings service(const std::string& settings, const strings& variables) {
    strings words{"env", "PATH=" + std::filesystem::path(GRISTMILL_PROGRAM).parent_path().string() + ":/usr/bin:/bin",
                  "GRISTMILL_WORK=" + settings};
    words.insert(words.end(), variables.begin(), variables.end());
    words.insert(words.end(), {"sh", "-c", "eval \"exec " + value_in(unit, "ExecStart") + '"'});
    return words;
}

TEST(service, the_unit_runs_a_crew_that_is_ready_feeds_the_watchdog_and_stops) {
    const jobs_folder jobs;
    const std::string store = "sqlite:" + jobs / "jobs.db";
    ASSERT_EQ(jobs.line_of("push", {"--kind", "mail", "--queue", "post", "--args", "{}"}), "1");
    const notify_socket systemd(jobs / "notify");
    ASSERT_EQ(value_in(unit, "Type"), "notify");
    ASSERT_GT(std::stoi(value_in(unit, "WatchdogSec")), 30) << "a call of the store may hang for so long";
    running crew(service("--queue post --on 'mail=echo to all; true' -j 2",
                         {"GRISTMILL_STORE=" + store, "NOTIFY_SOCKET=" + jobs / "notify", "WATCHDOG_USEC=40000"}));
    systemd.read_until("READY=1");
    for (int fed = 0; fed < 3; ++fed) systemd.read_until("WATCHDOG=1");
    EXPECT_TRUE(contains(jobs.run("wait", {"1", "--json"}).output, "to all"));
    crew.signal(SIGTERM);
    systemd.read_until("STOPPING=1");
    EXPECT_EQ(crew.wait().status, 0) << crew.said.errors;
}

TEST(service, without_settings_it_says_what_is_missing) {
    const answer it = running(service("", {})).wait();
    EXPECT_EQ(it.status, 255);
    EXPECT_TRUE(contains(it.errors, "--allow-exec")) << it.errors;
}

TEST(service, the_example_of_settings_is_taken) {
    const jobs_folder jobs;
    const std::string settings = value_in(text_of(GRISTMILL_PACKAGING "/worker.conf"), "GRISTMILL_WORK");
    const notify_socket systemd(jobs / "notify");
    running crew(service(settings, {"GRISTMILL_STORE=sqlite:" + jobs / "jobs.db", "NOTIFY_SOCKET=" + jobs / "notify"}));
    systemd.read_until("STATUS=0 completed, 0 running of 4");
    crew.signal(SIGTERM);
    EXPECT_EQ(crew.wait().status, 0) << crew.said.errors;
}

// Else systemd kills what the worker would have ended by itself, and the worker with it.
TEST(service, the_unit_waits_longer_than_the_grace_and_the_ladder_take) {
    const std::string help = running({GRISTMILL_PROGRAM, "work", "--help"}).wait().output;
    std::smatch grace, ladder;
    ASSERT_TRUE(std::regex_search(help, grace, std::regex("Default: ([0-9]+)s\\.\\s+--lease")));
    ASSERT_TRUE(std::regex_search(help, ladder, std::regex("Default: TERM,([0-9]+),KILL")));
    EXPECT_GT(std::stoi(value_in(unit, "TimeoutStopSec")), std::stoi(grace[1]) + std::stoi(ladder[1]) / 1000 + 10);
    EXPECT_EQ(value_in(unit, "KillMode"), "mixed");
}

}  // namespace
