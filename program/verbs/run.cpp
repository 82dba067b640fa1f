// gristmill run: a list of things to do becomes commands, several at a time.
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
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
#include "program/run/engine.hpp"
#include "program/run/failures.hpp"
#include "program/run/joblog_watcher.hpp"
#include "program/verbs/run_flags.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

constexpr int our_error = 255;  // as GNU parallel says that the failure is its own

int fail(const std::string& text) {
    std::fprintf(stderr, "gristmill run: %s\n", text.c_str());
    return our_error;
}

// ::: and its like begin a source; what follows, up to the next of them, belongs to it.
void read_sources(std::span<const std::string_view> words, run_options& options) {
    while (!words.empty()) {
        const bool linked = words[0].ends_with('+'), files = words[0].starts_with("::::");
        words = words.subspan(1);
        input_source source{.values = {}, .file = {}, .is_file = false, .linked = linked};
        for (; !words.empty() && !words[0].starts_with(":::"); words = words.subspan(1)) {
            if (files)
                options.sources.push_back(
                    {.values = {}, .file = std::string(words[0]), .is_file = true, .linked = linked});
            else
                source.values.emplace_back(words[0]);
        }
        if (!files) options.sources.push_back(std::move(source));
    }
}

bool begins_source(std::string_view word) {
    return word == ":::" || word == ":::+" || word == "::::" || word == "::::+";
}

void read_words(std::span<const std::string_view> words, run_options& options) {
    std::size_t end = 0;
    while (end < words.size() && !begins_source(words[end])) options.words.emplace_back(words[end++]);
    read_sources(words.subspan(end), options);
    if (options.sources.empty()) options.sources.push_back({.values = {}, .file = "-", .is_file = true});
}

std::string command_text(const run_options& options) {
    std::string text;
    for (const std::string& word : options.words) {
        if (!text.empty()) text += ' ';
        if (options.quote_words)
            (void)quote(word, place::bare, text);
        else
            text += word;
    }
    return text;
}

result<std::optional<command_template>, std::string> read_command(const run_options& options,
                                                                  const std::vector<std::string>& names) {
    if (options.words.empty()) return std::optional<command_template>();
    const std::string text = command_text(options);
    auto made = command_template::parse(text, names, options.repeat_words);
    if (made && !made->has_arguments() && options.max_arguments != 0)
        made = command_template::parse(text + " {}", names, options.repeat_words);
    if (!made) return failure(std::string(made.error()));
    return std::optional(std::move(*made));
}

// What has failed according to the log becomes the input, and its numbers stay.
result<std::vector<std::uint64_t>, std::string> read_failed(run_options& options) {
    if (options.joblog.empty()) return failure(std::string("--retry-failed wants --joblog FILE"));
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

// 0, 1 and 2 have to be something, or a file that we open gets the number.
void open_standard_streams() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

// Three descriptors for each command that runs. The soft limit is raised only where it has to be: commands inherit it.
void make_room_for(unsigned slots) {
    rlimit now{};
    const rlim_t wanted = rlim_t{slots} * 3 + 100;
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= wanted) return;
    now.rlim_cur = std::min(wanted, now.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &now);
}

void prepare_process(const run_options& options) {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&ours, signal);
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

int conclude(const run_options& options, const run_result& done, const failures& failed, const joblog_watcher* log) {
    if (done.output_closed) die_by(SIGPIPE);
    std::fputs(failed.summary(options.joblog).c_str(), stderr);
    if (!done.error.empty()) return fail(done.error);
    if (log && log->error()) return fail(options.joblog + ": " + log->error().message());
    if (done.interrupted_by != 0) die_by(done.interrupted_by);
    return done.status;
}

int run_with(run_options& options) {
    std::vector<std::uint64_t> numbers;
    if (options.retry_failed) {
        auto failed = read_failed(options);
        if (!failed) return fail(failed.error());
        numbers = std::move(*failed);
    }
    kinds::exec::unique_fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    auto input = argument_tuples::open(options.sources, options.input, stop.get());
    if (!input) return fail(input.error());
    auto command = read_command(options, input->names());
    if (!command) return fail(command.error());

    failures failed;
    run_parts parts{.options = options,
                    .command = std::move(*command),
                    .names = input->names(),
                    .results = {},
                    .watchers = {&failed}};
    if (!options.results.empty() && !options.dry_run) {
        auto folder = results_folder::open(options.results);
        if (!folder) return fail(options.results + ": " + folder.error().message());
        parts.results = std::move(*folder);
    }
    std::optional<joblog_watcher> log;
    if (!options.joblog.empty()) {
        auto file = joblog_writer::open(options.joblog, options.joblog_goes_on);
        if (!file) return fail(options.joblog + ": " + file.error().message());
        log.emplace(std::move(*file), std::move(numbers));
        parts.watchers.push_back(&*log);
    }
    std::optional<display> shown;
    make_display(options, shown);
    if (shown) {
        parts.watchers.push_back(&*shown);
        parts.shown = &*shown;
    }
    prepare_process(options);
    const run_result done = engine(std::move(parts), std::move(*input), std::move(stop)).run();
    if (shown) std::fputs(shown->farewell(display::clock::now()).c_str(), stderr);
    return conclude(options, done, failed, log ? &*log : nullptr);
}

int run(std::span<const std::string_view> words) {
    open_standard_streams();
    run_options options;
    options.slots = *slot_count::parse("auto");
    const char* const temporary = std::getenv("TMPDIR");
    options.temporary_folder = temporary && *temporary ? temporary : "/tmp";
    const parsed flags = parse(run_verb, words, &options);
    if (flags.help) return std::fputs(help_of(run_verb).c_str(), stdout) < 0 ? our_error : 0;
    if (!flags.error.empty()) return fail(flags.error + "\n`gristmill run --help` lists them all.");
    read_words(flags.rest, options);
    const bool from_terminal = options.sources.size() == 1 && options.sources[0].file == "-" && ::isatty(STDIN_FILENO);
    if (from_terminal && !options.retry_failed)
        std::fputs("gristmill run: the arguments are read from the terminal; Ctrl-D ends them\n", stderr);
    try {
        return run_with(options);
    } catch (const std::exception& why) {  // no memory, no thread, no descriptor
        return fail(why.what());
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
        "commands",
    .about =
        "Runs COMMAND once for each argument, as many at a time as there are CPUs, and prints what each has written "
        "when it has "
        "ended. Several ::: give all combinations of their arguments; :::+ goes in step with the one before it. "
        "Without a COMMAND each "
        "line of the input is a command. The flags are GNU parallel's.\n\n"
        "Exits with 0 if all went well, else with the number of commands that failed, 101 for more than 100 of them, "
        "and 255 if it "
        "could not do its work. Ctrl-C lets what runs finish; a second one ends it, with all the processes it has "
        "started.",
    .flags = run_flags(),
    .examples = examples,
    .more_title = "In the command",
    .more = replacements,
    .run = run,
};

}  // namespace gm::program
