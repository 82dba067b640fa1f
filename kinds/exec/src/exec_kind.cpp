#include <gristmill/kinds/exec/exec_kind.hpp>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include <gristmill/channel.hpp>
#include <gristmill/jobs/json.hpp>
#include <gristmill/kinds/exec/system_calls.hpp>

#include "job_output.hpp"

namespace gm::kinds::exec {

namespace {

bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// What cannot be put into a file in memory could not be held either.
unique_fd readable(std::string_view text) {
    unique_fd file(::memfd_create("gristmill-input", MFD_CLOEXEC));
    std::error_code failed = file ? write_all(file.get(), text) : last_error();
    if (!failed && ::lseek(file.get(), 0, SEEK_SET) != 0) failed = last_error();
    if (failed) throw std::system_error(failed, "the standard input");
    return file;
}

command shell_command(const std::string& line) {
    command made;
    made.arguments = {"/bin/sh", "-c", line};
    made.file = "/bin/sh";
    return made;
}

command command_of(const exec_args& from) {
    command made;
    if (from.shell)
        made = shell_command(*from.shell);
    else
        made.arguments = *from.command;
    if (from.directory) made.directory = *from.directory;
    if (from.environment)
        for (const auto& [name, value] : *from.environment) made.extra.push_back(name + '=' + value);
    return made;
}

void add_about_the_job(command& to, const jobs::attempt& self) {
    to.extra.push_back("GRISTMILL_JOB_ID=" + std::to_string(self.id().number));
    to.extra.push_back("GRISTMILL_KIND=" + self.kind());
    to.extra.push_back("GRISTMILL_QUEUE=" + self.queue());
    to.extra.push_back("GRISTMILL_ATTEMPT=" + std::to_string(self.number()));
}

std::string words_for(const outcome& how, const std::string& last_words) {
    std::string words =
        how.signal != 0 ? "killed by SIG" + signal_name(how.signal) : "exit " + std::to_string(how.exit_code);
    if (!last_words.empty()) words += ": " + last_words;
    return words;
}

jobs::body as_output(std::string output) {
    if (output.empty()) return {};
    jobs::json::object all;
    all.emplace_back("output", std::move(output));
    return {jobs::json(std::move(all)).text(), {}};
}

}  // namespace

bool exec_args::valid(std::string& why) const {
    const auto wrong = [&](const char* what) { return why = what, false; };
    if (command.has_value() == shell.has_value()) return wrong("either \"command\" or \"shell\" says what to run");
    if (command && (command->empty() || command->front().empty())) return wrong("\"command\" names no program");
    for (const std::string& each : command.value_or(std::vector<std::string>()))
        if (has_zero(each)) return wrong("an argument of a command cannot have a byte 0 in it");
    if (shell && (shell->empty() || has_zero(*shell))) return wrong("\"shell\" is a line of text");
    if (directory && has_zero(*directory)) return wrong("\"directory\" has a byte 0 in it");
    for (const auto& [name, value] : environment.value_or(std::map<std::string, std::string>()))
        if (name.empty() || name.find('=') != std::string::npos || has_zero(name) || has_zero(value))
            return wrong("a variable of \"environment\" has a name without =, and neither it nor its value a byte 0");
    return true;
}

// Owned by the handler's call and by the map; the watcher takes it from there.
struct exec_crew::running {
    explicit running(jobs::attempt& self) : of(self), output(self) {}
    jobs::attempt& of;
    job_output output;
    bool wanted_terminal = false;  // the watcher's
    gm::channel<outcome> ended{1};
};

exec_crew::exec_crew(children_options how, stop_listener wants_terminal)
    : children_(std::move(how)), wants_terminal_(std::move(wants_terminal)), watcher_([this] { watch(); }) {}

exec_crew::~exec_crew() {
    {
        const std::lock_guard hold(lock_);
        quitting_ = true;
    }
    children_.wake();
}

void exec_crew::add_exec(jobs::registry& to, jobs::kind_options how) {
    how.others = jobs::unknown_fields::refuse;  // a command without what it was meant to have may do harm
    to.add<exec_args>(
        "exec",
        [this](const exec_args& args, jobs::attempt& self) {
            return as_output(run(command_of(args), args.input.value_or(""), self));
        },
        std::move(how));
}

void exec_crew::add_command(jobs::registry& to, std::string kind, std::string shell_line, jobs::kind_options how) {
    to.add<jobs::body>(
        std::move(kind),
        [this, line = std::move(shell_line)](const jobs::body& args, jobs::attempt& self) {
            std::string output = run(shell_command(line), args.bytes, self);
            if (jobs::json::parse(output)) return jobs::body{std::move(output), {}};
            return as_output(std::move(output));
        },
        std::move(how));
}

// Gives the standard output, as far as it is a result; throws if the command failed.
std::string exec_crew::run(command&& what, std::string_view input, jobs::attempt& self) {
    unique_fd file;
    if (!input.empty()) file = readable(input);
    if (file) what.input = file.get();
    add_about_the_job(what, self);
    const std::string program = what.arguments.front();
    const auto one = std::make_shared<running>(self);
    const std::uint64_t tag = enter(one);
    const context ctx = self.context();
    if (const auto started = children_.start(std::move(what), tag); !started) {
        forget(tag);
        throw std::runtime_error(program + " cannot be started: " + started.error().message());
    }
    if (killed_.load()) children_.kill(tag);  // kill_all() may have come before there was a child for it
    auto how = one->ended.receive(ctx);
    if (!how) {
        children_.end(tag);
        how = one->ended.receive();
    }
    if (!how->success()) throw std::runtime_error(words_for(*how, one->output.last_words()));
    return one->output.result();
}

void exec_crew::kill_all() {
    killed_.store(true);
    children_.kill_all();
}

std::uint64_t exec_crew::enter(const std::shared_ptr<running>& one) {
    const std::lock_guard hold(lock_);
    running_.emplace(++last_tag_, one);
    return last_tag_;
}

std::shared_ptr<exec_crew::running> exec_crew::find(std::uint64_t tag) {
    const std::lock_guard hold(lock_);
    const auto found = running_.find(tag);
    return found == running_.end() ? nullptr : found->second;
}

void exec_crew::forget(std::uint64_t tag) {
    const std::lock_guard hold(lock_);
    running_.erase(tag);
}

// Commands that stop for other reasons were stopped by somebody who knows.
void exec_crew::stopped(running& one, int signal) {
    if ((signal != SIGTTIN && signal != SIGTTOU) || std::exchange(one.wanted_terminal, true)) return;
    one.of.log("gristmill: the command is stopped, for it wants the terminal, which no job has\n");
    if (wants_terminal_) wants_terminal_(one.of);
}

void exec_crew::watch() {
    children::watcher here(children_);
    while (true) {
        const event e = here.next();
        if (e.what == event::woken) {
            const std::lock_guard hold(lock_);
            if (quitting_) return;
            continue;
        }
        const auto one = find(e.tag);
        if (!one) continue;
        if (e.what == event::output || e.what == event::errors) {
            one->output.take(e.what, e.bytes);
        } else if (e.what == event::stopped) {
            stopped(*one, e.how.signal);
        } else if (e.what == event::finished) {
            one->output.finish();
            forget(e.tag);
            static_cast<void>(one->ended.try_send(e.how));  // from here on the attempt may be gone
        }
    }
}

}  // namespace gm::kinds::exec
