// gristmill work: a crew that takes jobs out of a store for as long as it is let; gristmill drain: until there are none.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <ranges>

#include <gristmill/kinds/exec/guardian.hpp>
#include <gristmill/kinds/exec/process_table.hpp>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/run/controlling_terminal.hpp"
#include "program/store/arguments.hpp"
#include "program/verbs/verbs.hpp"
#include "program/work/service.hpp"

namespace gm::program {

namespace {

constexpr const char* mark = "GRISTMILL_JOB";  // as `run` marks what it starts
constexpr int some_are_dead = 1;
constexpr unsigned most_workers = 10'000;

void add_kinds(const work_options& options, kinds::exec::exec_crew& crew, jobs::registry& to) {
    jobs::kind_options how;
    how.timeout = options.timeout;
    if (options.retries) how.retry.attempts = *options.retries;
    if (options.allow_exec) crew.add_exec(to, how);
    for (const auto& [kind, line] : options.handlers) crew.add_command(to, kind, line, how);
}

// What the end of a run means for the exit status; the words go to standard error.
int conclude(const work_options& options, const jobs::runner_report& done, reporter& tell) {
    tell.say(summary_of(done.counts));
    if (done.unfinished != 0)
        tell.say(std::to_string(done.unfinished) +
                 " did not come to an end in time; they run again when the lease is over");
    if (done.error) tell.say(done.error->what);
    tell.close();
    if (!done) return own_failure;
    return options.until_idle && done.counts.dead + done.counts.cancelled != 0 ? some_are_dead : 0;
}

int serve(const verb& of, const work_options& options) {
    block_service_signals();
    const notifier systemd;
    auto guardian = kinds::exec::guardian::start(mark);  // while there is one thread
    if (!guardian) return fail(of, "no process to guard the commands: " + guardian.error().message());
    const bool orphans_come_here = kinds::exec::become_subreaper();
    const auto store = open_store(options, if_missing::make);
    if (!store) return fail(of, store.error());
    const bool terminal = ::isatty(STDOUT_FILENO) && ::isatty(STDERR_FILENO) && !options.json;
    reporter tell({.verb = std::string(of.name),
                   .store = store->get(),
                   .terminal = terminal,
                   .quiet = options.quiet,
                   .json = options.json});
    kinds::exec::exec_crew crew({.ladder = options.ladder,
                                 .mark = orphans_come_here ? mark : "",
                                 .tell_stops = controlling_terminal::open().has_value()},
                                [&tell](const jobs::attempt& job) { tell.wants_terminal(job); });
    jobs::registry kinds;
    add_kinds(options, crew, kinds);
    const jobs::runner_report done = service(options, **store, kinds, crew, systemd, tell).run();
    const int status = conclude(options, done, tell);
    // A handler that has not come back still uses all of this.
    if (done.unfinished != 0) std::_Exit(status);
    return status;
}

std::string fault_of(const work_options& options) {
    if (!options.allow_exec && options.handlers.empty())
        return "what may it do? --allow-exec runs the commands that jobs bring along; --on KIND=COMMAND runs yours for "
               "a kind of job";
    if (options.workers.now() == 0 || options.workers.now() > most_workers)
        return "--jobs: a crew has from 1 to " + std::to_string(most_workers) + " workers";
    if (options.lease < std::chrono::seconds(1)) return "--lease: at least a second";
    return {};
}

int work_or_drain(const verb& of, bool until_idle, std::span<const std::string_view> words) {
    work_options options;
    options.workers = *slot_count::parse("auto");
    options.until_idle = until_idle;
    const parsed flags = parse(of, words, &options);
    if (flags.help) return print(of, help_of(of));
    std::string wrong = flags.error;
    if (wrong.empty() && !flags.rest.empty())
        wrong = "it takes no arguments, but got '" + std::string(flags.rest[0]) + "'; a queue is named by --queue";
    if (!wrong.empty()) return fail(of, wrong + "\n`gristmill " + std::string(of.name) + " --help` lists the flags.");
    if (wrong = fault_of(options); !wrong.empty()) return fail(of, wrong);
    try {
        return serve(of, options);
    } catch (const std::exception& why) {  // no memory, no thread, no descriptor
        return fail(of, why.what());
    }
}

// ---- flags ----

using text = std::string_view;
work_options& options(void* of) { return *static_cast<work_options*>(of); }

std::string take_queues(void* o, text value) {
    for (std::size_t begin = 0; begin <= value.size();) {
        const std::size_t end = std::min(value.find(',', begin), value.size());
        if (end == begin) return "a queue without a name";
        options(o).queues.emplace_back(value.substr(begin, end - begin));
        begin = end + 1;
    }
    return {};
}

// A name that is not set is a slip of the pen, or of the unit's: better told now than by jobs that die.
std::string take_env_secrets(void* o, text value) {
    for (const auto part : std::views::split(value, ',')) {
        std::string name(part.begin(), part.end());
        if (name.empty() || !std::getenv(name.c_str())) return "there is no variable '" + name + "' in the environment";
        options(o).env_secrets.push_back(std::move(name));
    }
    return {};
}

std::string take_handler(void* o, text value) {
    const std::size_t equals = value.find('=');
    if (equals == text::npos || equals == 0 || equals + 1 == value.size()) return "write KIND=COMMAND";
    const std::string kind(value.substr(0, equals));
    if (kind == "exec") return "exec is the kind whose jobs bring their command along: --allow-exec";
    for (const auto& [known, command] : options(o).handlers)
        if (known == kind) return "there are two commands for '" + kind + "'";
    options(o).handlers.emplace_back(kind, value.substr(equals + 1));
    return {};
}

constexpr flag what_flags[] = {
    {"--allow-exec", "", "",
     "Run the commands that jobs bring along, as this user: whoever may put jobs into the store may then run anything "
     "here.",
     [](void* o, text) {
         options(o).allow_exec = true;
         return std::string();
     }},
    {"--on", "", "KIND=COMMAND",
     "Jobs of that kind run COMMAND, a line for the shell, with their arguments as JSON on standard input. What it "
     "prints is the result. May be given several times.",
     take_handler},
    {"--env-secrets", "", "NAME,...",
     "Variables of this worker's environment that jobs may refer to in their arguments, as {\"$env\": \"NAME\"}: the "
     "value is there when the job runs, and is stored nowhere. Without it none.",
     take_env_secrets},
    {"--queue", "-q", "NAME",
     "The queue to work on; several times, or with commas, for several, which take turns. Default: default.",
     take_queues},
};

constexpr flag crew_flags[] = {
    {"--jobs", "-j", "N",
     "How many jobs run at a time: a number, a percentage of the CPUs (150%), more or fewer than CPUs (+2, -1), or a "
     "FILE that holds one of these and is read again every second. Default: auto, one for each CPU.",
     [](void* o, text v) {
         auto made = slot_count::parse(v);
         if (!made) return std::string(made.error());
         options(o).workers = std::move(*made);
         return std::string();
     },
     completes::words, "auto 50% 100% 200% +1 -1"},
    {"--timeout", "", "TIME", "An attempt that takes longer is ended, and has failed, if its job says nothing else.",
     [](void* o, text v) { return take_time(v, options(o).timeout); }},
    {"--retries", "", "N", "A job is tried N times, the first included, if it says nothing else. Default: 20.",
     [](void* o, text v) {
         const auto count = read_count(v);
         if (!count || *count == 0 || *count > 1'000'000) return "'" + std::string(v) + "' is no number of tries";
         options(o).retries = static_cast<int>(*count);
         return std::string();
     }},
    {"--term-seq", "--termseq", "SEQ",
     "How a command is ended: signals, and milliseconds between them. Default: TERM,5000,KILL.",
     [](void* o, text v) {
         auto made = kinds::exec::kill_ladder::parse(v);
         if (!made) return std::string(made.error());
         options(o).ladder = std::move(*made);
         return std::string();
     }},
    {"--grace", "", "TIME", "When it is to stop, what runs may go on so long before it is ended. Default: 25s.",
     [](void* o, text v) { return take_time(v, options(o).grace); }},
    {"--lease", "", "TIME", "When a worker has not been heard of for so long, its jobs go to others. Default: 15s.",
     [](void* o, text v) { return take_time(v, options(o).lease); }},
    {"--name", "", "NAME", "Of this worker, for people. Default: host and process.",
     [](void* o, text v) {
         options(o).name = v;
         return std::string();
     }},
};

constexpr flag output_flags[] = {{"--quiet", "", "", "No lines about jobs.", [](void* o, text) {
                                      options(o).quiet = true;
                                      return std::string();
                                  }}};

constexpr flag_group groups[] = {
    {"What", what_flags}, {"Crew", crew_flags}, {"Output", output_flags}, {"Store", store_flags<work_options>}};

constexpr example work_examples[] = {
    {"gristmill work --allow-exec", "Run what `gristmill push -- COMMAND` puts in, one for each CPU at a time:"},
    {"gristmill work --on image.resize=./resize.sh -j 8", "Eight at a time of one kind, by a program of yours:"},
    {"gristmill work --allow-exec --queue mail,reports --store postgres://app@db/app", "Two queues of a server:"},
};

constexpr example drain_examples[] = {
    {"gristmill drain --allow-exec", "Run what there is, and end:"},
    {"gristmill drain --on order.ship=./ship --queue orders --quiet || echo some are dead", "In a script:"},
};

constexpr std::string_view when_it_ends =
    "    0      it was told to stop, or (drain) the queue is empty and all went well\n"
    "    1      (drain) some of its jobs are dead or cancelled: `gristmill ls --state dead`\n"
    "    255    it could not do its work, or something was still running when it had to end\n";

int work(std::span<const std::string_view> words) { return work_or_drain(work_verb, false, words); }
int drain(std::span<const std::string_view> words) { return work_or_drain(drain_verb, true, words); }

}  // namespace

const verb work_verb = {
    .name = "work",
    .summary = "run the jobs of a queue, several at a time, until told to stop",
    .usage = "[FLAGS] --allow-exec\n[FLAGS] --on KIND=COMMAND",
    .about =
        "Takes jobs out of the store and runs them. What they write is kept with the job (`gristmill logs ID`). A job "
        "that fails is tried again, after 5 seconds, then 10, and so on, and is dead when its tries are used up. When "
        "this process is killed its jobs run again elsewhere, and what it had started is killed, too.\n\n"
        "Commands have no terminal: one that asks there is stopped, and the worker says so.\n\n"
        "Jobs that it may not run, for it has no --allow-exec or no --on for their kind, are left to other workers. "
        "That is said once.\n\n"
        "SIGTERM, Ctrl-C or a closed terminal: nothing more is started, and what runs may finish within --grace; "
        "then, or at a second signal, it is ended with all that it has started, and its job goes back. A third signal "
        "kills it at once.\n\n"
        "On a terminal a line tells how it goes; elsewhere there is a line for each attempt that has ended. As a "
        "service of systemd it says when it is ready and feeds the watchdog; the package has a unit, "
        "gristmill-work@.service.",
    .flags = groups,
    .examples = work_examples,
    .more_title = "Exit status",
    .more = when_it_ends,
    .run = work,
};

const verb drain_verb = {
    .name = "drain",
    .summary = "run the jobs of a queue until none is left",
    .usage = "[FLAGS] --allow-exec\n[FLAGS] --on KIND=COMMAND",
    .about =
        "As `gristmill work`, but it ends when there is nothing more to do in its queues, now or later: it waits for "
        "jobs that are scheduled or to be tried again, and for what other workers run there; not for jobs that only "
        "they may run, nor for paused queues.",
    .flags = groups,
    .examples = drain_examples,
    .more_title = "Exit status",
    .more = when_it_ends,
    .run = drain,
};

}  // namespace gm::program
