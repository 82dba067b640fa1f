#pragma once
// Jobs that are commands: the kind "exec", whose arguments say what to run, and kinds of other names for which the operator
// of the worker says it.
//
//     {"command": ["gzip", "-9", "a.log"]}             run as it is: nothing in it is special
//     {"shell": "gzip -9 < a.log > a.gz"}              a line for /bin/sh
//     besides: "directory", "environment": {"NAME": "VALUE"}, "input": what stands on its standard input
//
//     exec_crew crew({.ladder = …, .mark = "GRISTMILL_JOB"});
//     crew.add_exec(kinds);                            // whoever may insert may run what they like here
//     crew.add_command(kinds, "image.resize", "./resize");   // the job's arguments come on standard input
//
// What a command writes goes to the log of its attempt, line by line. Its standard output is the job's result, too, if that is
// text of 32 KiB at most: as {"output": TEXT}; of a kind that add_command() made as the JSON that it is, if it is JSON. An exit
// status of 0 is success, any other, or a signal, is a failure that quotes the end of its standard error. A command finds
// its job in GRISTMILL_JOB_ID, GRISTMILL_KIND, GRISTMILL_QUEUE and GRISTMILL_ATTEMPT.
//
// A handler that is to stop (cancelled, out of time, the worker stops, the claim is lost) ends its command by the ladder,
// with all that descends from it, and returns when that is gone.
//
// No command has the terminal. One that asks there is stopped by the system, and waits for ever: its log says so, and whoever runs the
// crew is told, if the children's options have `tell_stops`.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include <gristmill/jobs/fields.hpp>
#include <gristmill/jobs/registry.hpp>

#include <gristmill/kinds/exec/children.hpp>

namespace gm::kinds::exec {

struct exec_args {
    std::optional<std::vector<std::string>> command;
    std::optional<std::string> shell;
    std::optional<std::string> directory;  // none: the worker's
    std::optional<std::map<std::string, std::string>> environment;
    std::optional<std::string> input;

    static constexpr auto fields =
        gm::jobs::fields("command", &exec_args::command, "shell", &exec_args::shell, "directory", &exec_args::directory,
                         "environment", &exec_args::environment, "input", &exec_args::input);
    bool valid(std::string& why) const;
    bool operator==(const exec_args&) const = default;
};

// Thread safety: handlers run on any thread. It outlives the runs of the registry that it was added to.
class exec_crew {
public:
    // The job's command is stopped, for it wants the terminal. Called once for a command, on the crew's thread; throws nothing.
    using stop_listener = std::function<void(const jobs::attempt&)>;

    explicit exec_crew(children_options how = {}, stop_listener wants_terminal = {});
    ~exec_crew();  // requires: none of its handlers runs
    exec_crew(const exec_crew&) = delete;
    exec_crew& operator=(const exec_crew&) = delete;

    void add_exec(jobs::registry& to, jobs::kind_options how = {});
    void add_command(jobs::registry& to, std::string kind, std::string shell_line, jobs::kind_options how = {});

    // What runs is ended by the last step of the ladder, at once; so is what is just being started, or starts from here on.
    void kill_all();

private:
    struct running;

    std::string run(command&& what, std::string_view input, jobs::attempt& self);
    std::uint64_t enter(const std::shared_ptr<running>& one);
    std::shared_ptr<running> find(std::uint64_t tag);
    void forget(std::uint64_t tag);
    void stopped(running& one, int signal);
    void watch();

    children children_;
    const stop_listener wants_terminal_;
    std::atomic<bool> killed_{false};
    std::mutex lock_;  // protects the next three
    std::unordered_map<std::uint64_t, std::shared_ptr<running>> running_;
    std::uint64_t last_tag_ = 0;
    bool quitting_ = false;
    std::jthread watcher_;  // deals with all events of all children
};

}  // namespace gm::kinds::exec
