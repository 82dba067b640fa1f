// gristmill run: a list of things to do becomes commands, several at a time.
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <new>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/run/command_words.hpp"
#include "program/run/descriptors.hpp"
#include "program/run/engine.hpp"
#include "program/run/failures.hpp"
#include "program/run/joblog_watcher.hpp"
#include "program/run/shell_scan.hpp"
#include "program/verbs/run_flags.hpp"
#include "program/verbs/run_journal.hpp"
#include "program/verbs/run_words.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

// What has failed according to the log becomes the input, and its numbers stay.
result<std::vector<std::uint64_t>, std::string> read_failed(run_options& options) {
    std::ifstream file(options.joblog, std::ios::binary);
    if (!file) return failure(options.joblog + ": " + std::strerror(errno));
    const std::string text(std::istreambuf_iterator<char>(file), {});
    const auto log = read_joblog(text);
    if (!log) return failure(options.joblog + ": " + log.error());
    std::vector<std::uint64_t> numbers;
    options.sources.assign(1, {});
    options.words.clear();
    options.input = {};
    options.joblog_goes_on = true;
    for (const joblog_entry& entry : *log) {
        if (!entry.failed()) continue;
        numbers.push_back(entry.number);
        options.sources[0].values.push_back(entry.command);
    }
    return numbers;
}

void prepare_process(const run_options& options) {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD}) sigaddset(&ours, signal);
    ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    make_room_for(options.slots.now());
    if (options.niceness) (void)::setpriority(PRIO_PROCESS, 0, *options.niceness);
}

// Ends by the signal that ended the run, as a shell expects of whoever was interrupted.
[[noreturn]] void die_by(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, signal);
    ::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    std::_Exit(128 + signal);
}

// The display that was asked for, or that suits the terminal. With --ungroup commands write to the terminal themselves, and nothing can
// keep them apart.
void make_display(const run_options& options, std::optional<display>& made) {
    const auto can = look_at_terminal();
    if (!can || options.dry_run || options.output == output_mode::ungrouped) return;
    const char* const ci = std::getenv("CI");
    const display_style style = options.shown.value_or(ci && *ci ? display_style::none : display_style::full);
    if (style != display_style::none) made.emplace(style, *can, display::clock::now());
}

std::string retry_command(const run_options& options, const run_journal* journal) {
    if (journal) return journal->retry_command();
    if (options.joblog.empty()) return {};
    std::string text = "gristmill run --retry-failed --joblog ";
    text += shell_word(options.joblog);
    return text;
}

int conclude(const run_options& options, const run_result& done, const failures& failed, const joblog_watcher* log,
             run_journal* journal) {
    const auto unwritten = journal ? journal->close() : std::nullopt;
    if (done.output_closed) die_by(SIGPIPE);
    std::fputs(failed.summary(retry_command(options, journal)).c_str(), stderr);
    // A run that was to end early, and did so with success, has nothing left that anybody wants.
    const bool as_wished =
        done.status == 0 && done.interrupted_by == 0 && options.halt.when != halt_policy::moment::never;
    if (journal && !as_wished) std::fputs(journal->what_is_left().c_str(), stderr);
    if (!done.error.empty()) return fail(run_verb, done.error);
    if (unwritten) return fail(run_verb, *unwritten);
    if (log && log->error()) return fail(run_verb, options.joblog + ": " + log->error().message());
    if (done.interrupted_by != 0) die_by(done.interrupted_by);
    return done.status;
}

struct opened_input {
    argument_tuples tuples;
    std::vector<std::string> names;      // of the columns
    std::optional<run_journal> journal;  // of the run that this one goes on with
};

result<opened_input, std::string> open_input(const run_options& options, std::optional<earlier_run> earlier, int stop) {
    std::vector<std::string> names;
    std::optional<run_journal> journal;
    if (earlier) {
        names = earlier->file->facts().names;
        journal = run_journal::go_on(std::move(*earlier), options);
    }
    const bool reads = !journal || journal->needs_input(options);
    auto tuples = argument_tuples::open(reads ? options.sources : std::vector<input_source>(),
                                        reads ? options.input : input_options(), stop);
    if (!tuples) return failure(std::move(tuples).error());
    if (!tuples->names().empty()) names = tuples->names();
    return opened_input{std::move(*tuples), std::move(names), std::move(journal)};
}

// Where the lines come from, by way of the journal if there is one. A new run's is begun here: nothing can go wrong any more.
result<std::unique_ptr<tuple_source>, std::string> open_lines(const run_options& options, opened_input& input,
                                                              run_facts facts) {
    if (!input.journal && options.has_journal) {
        facts.names = input.names;
        input.journal = run_journal::begin(facts);
    }
    if (input.journal) return input.journal->lines(std::move(input.tuples), options);
    return std::unique_ptr<tuple_source>(std::make_unique<argument_tuples>(std::move(input.tuples)));
}

struct closed_at_the_end {
    run_journal* journal;
    ~closed_at_the_end() {
        if (journal) (void)journal->it().close();
    }
};

int run_parts_of(const run_options& options, run_parts parts, std::unique_ptr<tuple_source> lines,
                 kinds::exec::unique_fd stop, const joblog_watcher* log, run_journal* journal) {
    failures failed;
    parts.watchers.push_back(&failed);
    if (journal) {
        parts.watchers.insert(parts.watchers.begin(), &journal->it());  // it knows what the others tell
        parts.book = &journal->it();
    }
    std::optional<display> shown;
    make_display(options, shown);
    if (shown) {
        parts.watchers.push_back(&*shown);
        parts.shown = &*shown;
    }
    prepare_process(options);
    engine all(std::move(parts), std::move(lines), std::move(stop));
    const closed_at_the_end whatever_happens{journal};  // before the engine that it tells of its trouble
    if (journal)
        journal->it().start([&](const std::string& why) {
            all.stop_soon("the journal cannot be written, so nothing more was started: " + why);
        });
    const run_result done = all.run();
    if (shown) std::fputs(shown->farewell(all.now()).c_str(), stderr);
    return conclude(options, done, failed, log, journal);
}

int run_with(const run_options& options, const run_facts& facts, std::optional<earlier_run> earlier,
             std::vector<std::uint64_t> numbers) {
    kinds::exec::unique_fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    auto input = open_input(options, std::move(earlier), stop.get());
    if (!input) return fail(run_verb, input.error());
    auto command = read_command(options, input->names);
    if (!command) return fail(run_verb, command.error());

    run_parts parts{.options = options,
                    .command = std::move(*command),
                    .names = input->names,
                    .results = {},
                    .watchers = {},
                    .terminal = {}};
    if (options.takes_terminal) {
        parts.terminal = controlling_terminal::open();
        if (!parts.terminal)
            return fail(run_verb, "--tty: no terminal controls this process, so commands cannot have it");
    }
    if (!options.results.empty() && !options.dry_run) {
        auto folder = results_folder::open(options.results);
        if (!folder) return fail(run_verb, options.results + ": " + folder.error().message());
        parts.results = std::move(*folder);
    }
    std::optional<joblog_watcher> log;
    if (!options.joblog.empty()) {
        auto file = joblog_writer::open(options.joblog, options.joblog_goes_on || options.goes_on());
        if (!file) return fail(run_verb, options.joblog + ": " + file.error().message());
        log.emplace(std::move(*file), std::move(numbers));
        parts.watchers.push_back(&*log);
    }
    auto lines = open_lines(options, *input, facts);
    if (!lines) return fail(run_verb, lines.error());
    return run_parts_of(options, std::move(parts), std::move(*lines), std::move(stop), log ? &*log : nullptr,
                        input->journal ? &*input->journal : nullptr);
}

// What cannot be together, or nothing.
std::string contradiction(const run_options& options) {
    if (!options.run_name.empty() && !options.goes_on())
        return "--run says which run to go on with: it goes with --resume, --resume-failed or --retry-failed";
    if (options.goes_on() && !options.has_journal) return "without its journal nobody can go on with a run";
    if (options.goes_on() && options.dry_run) return "--dry-run cannot go on with a run";
    if (options.takes_terminal && options.says_slots && options.slots.now() != 1)
        return "with --tty one command at a time has the terminal: leave -j out";
    if (options.takes_terminal && (options.tag || options.keep_order || options.output == output_mode::lines))
        return "with --tty commands write to the terminal themselves: -k, --tag and --line-buffer do not go with it";
    return {};
}

// Without a command: the words of that run are given again, and what is given now is added to them.
int go_on_with_last(std::span<const std::string_view> words, const std::string& name) {
    auto found = find_run(name);
    if (!found) return fail(run_verb, found.error());
    const run_facts facts = found->file->facts();
    if (::chdir(facts.started_in.c_str()) != 0) return fail(run_verb, facts.started_in + ": " + std::strerror(errno));
    auto options = options_of(facts);
    if (!options) return fail(run_verb, "run " + found->where.name + ": " + options.error());
    (void)parse(run_verb, words, &*options);
    if (const std::string wrong = contradiction(*options); !wrong.empty()) return fail(run_verb, wrong);
    return run_with(*options, facts, std::move(*found), {});
}

int run_command(std::span<const std::string_view> words, run_options& options) {
    const run_facts facts = facts_of(options, words, command_text(options));
    if (options.retry_failed && !options.joblog.empty()) {
        auto failed = read_failed(options);
        if (!failed) return fail(run_verb, failed.error());
        options.has_journal = false;  // the log has all that is wanted
        return run_with(options, facts, std::nullopt, std::move(*failed));
    }
    if (!options.goes_on()) return run_with(options, facts, std::nullopt, {});
    auto earlier = find_run_of(facts, options.run_name);
    if (!earlier) return fail(run_verb, earlier.error());
    if (!*earlier && options.retry_failed) return fail(run_verb, "there is no earlier run of this command here");
    if (!*earlier) remark("there is no earlier run of this command here; this is the first");
    return run_with(options, facts, std::move(*earlier), {});
}

int run(std::span<const std::string_view> words) {
    run_options options = default_options();
    const parsed flags = parse(run_verb, words, &options);
    if (flags.help) return print(run_verb, help_of(run_verb));
    if (!flags.error.empty()) return fail(run_verb, flags.error + "\n`gristmill run --help` lists them all.");
    if (options.list) return list_runs();
    if (const std::string wrong = contradiction(options); !wrong.empty()) return fail(run_verb, wrong);
    if (options.dry_run) options.has_journal = false;
    const bool by_joblog = options.retry_failed && !options.joblog.empty();
    const bool says_nothing = flags.rest.empty() && options.sources.empty() && !by_joblog;
    try {
        if (options.goes_on() && says_nothing) return go_on_with_last(words, options.run_name);
        read_words(flags.rest, options);
        const bool from_terminal =
            options.sources.size() == 1 && options.sources[0].file == "-" && ::isatty(STDIN_FILENO);
        if (from_terminal && options.takes_terminal)
            return fail(run_verb,
                        "with --tty commands read from the terminal: the arguments have to come from elsewhere");
        if (from_terminal && !options.goes_on())
            remark(run_verb, "the arguments are read from the terminal; Ctrl-D ends them");
        return run_command(words, options);
    } catch (const std::exception& why) {  // no memory, no thread, no descriptor
        return fail(run_verb, why.what());
    }
}

constexpr example examples[] = {
    {"gristmill run gzip -9 ::: *.log", "Compress every log, one for each CPU at a time:"},
    {"find . -name '*.wav' -print0 | gristmill run -0 lame {} {.}.mp3",
     "Names with any characters in them, from find:"},
    {"gristmill run -j8 --bar --retries 3 curl -sSO {} :::: urls.txt",
     "Eight downloads at a time, each tried three times:"},
    {"gristmill run < commands.txt", "A file in which each line is a command:"},
    {"gristmill run -k echo {1}-{2} ::: a b ::: 1 2", "All combinations, output in order:"},
    {"gristmill run --halt now,fail=1 --timeout 1m ./test {} ::: tests/*",
     "Stop at the first failure, or when one takes too long:"},
    {"gristmill run --colsep , --header : convert {file} -resize {size} small/{file/} :::: list.csv",
     "Columns by name:"},
    {"gristmill run --resume", "Go on where the last run in this folder was killed, or stopped:"},
    {"gristmill run --dry-run mv {} {.}.bak ::: *.txt", "Look at what would be run:"},
};

constexpr std::string_view replacements =
    "    {}     the argument                 a/b.c       {1} {2}    the first, the second, of several\n"
    "    {.}    without its extension        a/b         {-1}       the last\n"
    "    {/}    its last part                b.c         {1.} {2/}  and so on\n"
    "    {//}   its folder                   a           {name}     the column of that name (--header)\n"
    "    {/.}   last part, no extension      b           {#} {%}    number of the job; of its slot\n"
    "\n"
    "A value stays one word, whatever is in it, also between \"…\" and '…'. Without any of these the argument goes to "
    "the end.\n";

}  // namespace

const verb run_verb = {
    .name = "run",
    .summary = "run a command for each argument, several at a time",
    .usage =
        "[FLAGS] COMMAND ::: ARGUMENT...\n[FLAGS] COMMAND :::: FILE...\n[FLAGS] COMMAND < arguments\n[FLAGS] < "
        "commands\n--resume | --resume-failed | --retry-failed [FLAGS] [COMMAND as before]\n--list",
    .about =
        "Runs COMMAND once for each argument, as many at a time as there are CPUs, and prints what each has written "
        "when it has ended. Several ::: give all combinations of their arguments; :::+ goes in step with the one "
        "before it. Without a COMMAND each line of the input is a command. The flags are GNU parallel's.\n\n"
        "A journal of the run is kept, in ~/.local/state/gristmill/runs (or below $XDG_STATE_HOME, or "
        "$GRISTMILL_STATE): whatever ends the run, --resume goes on with it.\n\n"
        "Exits with 0 if all went well, else with the number of commands that failed, 101 for more than 100 of them, "
        "and 255 if it could not do its work. Ctrl-C lets what runs finish; a second one ends it, with all the "
        "processes it has started.",
    .flags = run_flags(),
    .examples = examples,
    .more_title = "In the command",
    .more = replacements,
    .run = run,
};

}  // namespace gm::program
