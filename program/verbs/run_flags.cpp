#include "program/verbs/run_flags.hpp"

#include "program/run/run_options.hpp"

namespace gm::program {

namespace {

using text = std::string_view;

run_options& options(void* o) { return *static_cast<run_options*>(o); }

// Puts what reader(argument) gives where `to` says, or tells what is wrong.
template <class Result, class To>
std::string take(Result&& got, To&& to) {
    if (!got) return got.error();
    to = std::move(*got);
    return {};
}

std::string take_timeout(void* o, text v) {
    if (!v.ends_with('%')) return take(read_time(v), options(o).timeout);
    return take(read_number(v.substr(0, v.size() - 1)), options(o).timeout_percent);
}

std::string take_slots(void* o, text v) {
    options(o).says_slots = true;
    return take(slot_count::parse(v), options(o).slots);
}

std::string take_tries(void* o, text v) {
    const auto count = read_count(v);
    if (!count) return count.error();
    if (*count == 0 || *count > 1'000'000) return "tries are counted from 1";
    options(o).tries = static_cast<unsigned>(*count);
    return {};
}

std::string take_most(void* o, text v) {
    const auto count = read_count(v);
    if (!count) return count.error();
    options(o).max_arguments = static_cast<unsigned>(std::min<std::uint64_t>(*count, 1'000'000'000));
    options(o).batched = true;
    return {};
}

std::string take_context(void* o, text) {
    if (options(o).max_arguments == 1) options(o).max_arguments = 1'000'000'000;
    options(o).batched = options(o).repeat_words = true;
    return {};
}

std::string take_header(void* o, text v) {
    if (v != ":") return "only the first line of the input can be a header; write --header :";
    options(o).input.header = true;
    return {};
}

std::string take_variable(void* o, text v) {
    const std::size_t equals = v.find('=');
    if (equals == 0 || v.empty()) return "write NAME=VALUE";
    // Without a value: what is in our environment is in a command's already.
    if (equals != text::npos) options(o).variables.emplace_back(v.substr(0, equals), v.substr(equals + 1));
    return {};
}

std::string show(void* o, display_style what) {
    options(o).shown = what;
    return {};
}

std::string take_joblog(void* o, text v) {
    options(o).joblog_goes_on = v.starts_with('+');
    options(o).joblog = v.substr(options(o).joblog_goes_on ? 1 : 0);
    return options(o).joblog.empty() ? "the name of a file is wanted" : "";
}

std::string take_nice(void* o, text v) {
    const bool negative = v.starts_with('-');
    const auto value = read_count(negative ? v.substr(1) : v);
    if (!value || *value > 20) return "niceness goes from -20 to 19";
    options(o).niceness = negative ? -static_cast<int>(*value) : static_cast<int>(*value);
    return {};
}

std::string take_file(void* o, text v) {
    options(o).sources.push_back({.values = {}, .file = std::string(v), .is_file = true});
    return {};
}

constexpr flag input[] = {
    {"--arg-file", "-a", "FILE",
     "Arguments from FILE, a line each; - is standard input. May be given several times, like :::: after the command.",
     take_file, completes::file},
    {"--null", "-0", "", "Arguments end with a zero byte, as find -print0 writes them.",
     [](void* o, text) {
         options(o).input.delimiter = '\0';
         return std::string();
     }},
    {"--delimiter", "-d", "C", "Arguments end with the character C; \\t, \\0 and \\x1f are understood.",
     [](void* o, text v) { return take(read_character(v), options(o).input.delimiter); }},
    {"--colsep", "-C", "REGEX",
     "Each line is split into columns, for {1}, {2} and so on. REGEX is a POSIX extended one; \\t and \\d are "
     "understood.",
     [](void* o, text v) {
         options(o).input.columns = v;
         return std::string();
     }},
    {"--header", "", ":", "The first line names the columns, for {name}.", take_header},
    {"--link", "--xapply", "",
     "Several inputs go in step (a 1, b 2) and not in all combinations (a 1, a 2, b 1, b 2). A shorter one starts "
     "again.",
     [](void* o, text) {
         options(o).input.link = true;
         return std::string();
     }},
    {"--no-run-if-empty", "-r", "", "Empty lines are passed over.",
     [](void* o, text) {
         options(o).input.skip_empty = true;
         return std::string();
     }},
    {"--shuf", "", "", "In a random order. The whole input is read first.",
     [](void* o, text) {
         options(o).shuffle = true;
         return std::string();
     }},
};

constexpr flag command[] = {
    {"--max-args", "-n -N", "N",
     "N arguments for each command: {} is all of them, {1} to {N} are single ones. With 0 the command gets none.",
     take_most},
    {"--context-replace", "-X", "",
     "As many arguments for each command as fit; a word with {} in it is repeated for each.", take_context},
    {"--max-chars", "-s", "N", "With -n and -X: no command is longer than N bytes.",
     [](void* o, text v) {
         options(o).batched = true;
         return take(read_size(v), options(o).max_size);
     }},
    {"--quote", "-q", "", "The words of the command are taken as they are: nothing in them is special to the shell.",
     [](void* o, text) {
         options(o).quote_words = true;
         return std::string();
     }},
    {"--shell", "", "FILE", "The shell for commands that need one. Default: /bin/sh.",
     [](void* o, text v) {
         options(o).shell = v;
         return std::string();
     },
     completes::file},
    {"--wd", "--workdir", "DIR", "Commands run in DIR.",
     [](void* o, text v) {
         options(o).directory = v;
         return std::string();
     },
     completes::folder},
    {"--tty", "-o --open-tty", "",
     "Commands may ask: one at a time has the terminal, reads from it, writes to it, and gets its Ctrl-C and Ctrl-Z.",
     [](void* o, text) {
         options(o).takes_terminal = true;
         options(o).output = output_mode::ungrouped;
         return options(o).says_slots ? std::string() : take(slot_count::parse("1"), options(o).slots);
     }},
    {"--env", "", "NAME=VALUE", "A variable for the commands.", take_variable},
    {"--nice", "", "N", "Commands run at this niceness.", take_nice},
};

constexpr flag crew[] = {
    {"--jobs", "-j -P --max-procs", "N",
     "How many commands run at a time: a number, a percentage of the CPUs (150%), more or fewer than CPUs (+2, -1), 0 "
     "for all at once, or a FILE that holds one of these and is read again every second. Default: auto, one for each "
     "CPU.",
     take_slots, completes::words, "auto 50% 100% 200% +1 -1"},
    {"--delay", "", "TIME", "At least TIME between two starts: 0.5, 200ms, 2s, 1m.",
     [](void* o, text v) { return take(read_time(v), options(o).delay); }},
    {"--load", "", "N", "Nothing is started while more than N processes want a CPU or wait for a disk.",
     [](void* o, text v) { return take(read_number(v), options(o).load); }},
    {"--memfree", "", "SIZE", "Nothing is started while less than SIZE of memory is available: 512M, 2G.",
     [](void* o, text v) { return take(read_size(v), options(o).free_memory); }},
};

constexpr flag failing[] = {
    {"--retries", "", "N", "A command that fails is run up to N times, the first included.", take_tries},
    {"--retry-delay", "", "TIME", "Before the second try; doubles with each further one, up to a minute. Default: 0.1.",
     [](void* o, text v) { return take(read_time(v), options(o).retry_delay); }},
    {"--timeout", "", "TIME",
     "A command that runs longer is ended, and has failed: 30, 1m, or 200% of the median of those that have succeeded.",
     take_timeout},
    {"--halt", "--halt-on-error", "WHEN",
     "Stop before the end: now,fail=1 ends what runs at the first failure; soon,fail=10% lets it finish; also success= "
     "and done=.",
     [](void* o, text v) { return take(halt_policy::parse(v), options(o).halt); }, completes::words,
     "never now,fail=1 soon,fail=1 now,success=1 soon,fail=10%"},
    {"--term-seq", "--termseq", "SEQ",
     "How a command is ended: signals, and milliseconds between them. Default: TERM,5000,KILL.",
     [](void* o, text v) { return take(kinds::exec::kill_ladder::parse(v), options(o).ladder); }},
};

constexpr flag going_on[] = {
    {"--resume", "", "",
     "Goes on with the last run of the same command; without a command, with the last one that was started in this "
     "folder. What was reported finished does not run again. Without its input it runs the lines that it knows.",
     [](void* o, text) {
         options(o).resume = true;
         return std::string();
     }},
    {"--resume-failed", "", "", "The same, and runs what has failed, too.",
     [](void* o, text) {
         options(o).resume_failed = true;
         return std::string();
     }},
    {"--retry-failed", "", "",
     "Runs only what has failed, and needs no input. With --joblog FILE: by that file, and adds to it.",
     [](void* o, text) {
         options(o).retry_failed = true;
         return std::string();
     }},
    {"--run", "", "NAME", "Which run to go on with: a name out of --list.",
     [](void* o, text v) {
         options(o).run_name = v;
         return std::string();
     }},
    {"--list", "", "", "Lists the runs whose journals are kept, the last one first.",
     [](void* o, text) {
         options(o).list = true;
         return std::string();
     }},
    {"--no-journal", "", "", "Keeps no journal: nobody can go on with this run.",
     [](void* o, text) {
         options(o).has_journal = false;
         return std::string();
     }},
};

constexpr flag output[] = {
    {"--keep-order", "-k", "", "Output comes in the order of the input.",
     [](void* o, text) {
         options(o).keep_order = true;
         return std::string();
     }},
    {"--group", "", "", "The output of a command comes when it has ended, in one piece. This is the default.",
     [](void* o, text) {
         options(o).output = output_mode::group;
         return std::string();
     }},
    {"--line-buffer", "--lb --linebuffer", "", "Output comes while commands run, a line at a time.",
     [](void* o, text) {
         options(o).output = output_mode::lines;
         return std::string();
     }},
    {"--ungroup", "-u", "", "Commands write where we do, as they like.",
     [](void* o, text) {
         options(o).output = output_mode::ungrouped;
         return std::string();
     }},
    {"--tag", "", "", "Each line of output begins with the arguments and a tab.",
     [](void* o, text) {
         options(o).tag = "{}";
         return std::string();
     }},
    {"--tagstring", "", "TEXT",
     "Each line of output begins with TEXT, in which {} and its like are replaced, and a tab.",
     [](void* o, text v) {
         options(o).tag = v;
         return std::string();
     }},
    {"--results", "", "DIR", "Output goes to files below DIR and is not printed: DIR/1/ARGUMENT/stdout and stderr.",
     [](void* o, text v) {
         options(o).results = v;
         return std::string();
     },
     completes::folder},
    {"--joblog", "", "FILE", "A line for each command that has ended goes to FILE; +FILE adds to it.", take_joblog,
     completes::file},
    {"--dry-run", "--dryrun", "", "Print the commands and run none.",
     [](void* o, text) {
         options(o).dry_run = true;
         return std::string();
     }},
    {"--verbose", "-t", "", "Print each command on standard error when it starts.",
     [](void* o, text) {
         options(o).verbose = true;
         return std::string();
     }},
    {"--display", "", "",
     "A bar, what each worker runs and for how long, the latest failures, at the bottom of the terminal. This is the "
     "default on a terminal, except with --ungroup and where CI is set.",
     [](void* o, text) { return show(o, display_style::full); }},
    {"--no-display", "", "", "Nothing of that.", [](void* o, text) { return show(o, display_style::none); }},
    {"--bar", "", "", "Of the display a line with a bar, and no more.",
     [](void* o, text) { return show(o, display_style::bar); }},
    {"--eta", "--progress", "", "The same line without the bar: how far it is, how long the rest will take, how fast.",
     [](void* o, text) { return show(o, display_style::eta); }},
    {"--tmpdir", "--tempdir", "DIR", "Where output is kept that is too large for memory. Default: $TMPDIR, or /tmp.",
     [](void* o, text v) {
         options(o).temporary_folder = v;
         return std::string();
     },
     completes::folder},
};

constexpr flag_group groups[] = {{"Input", input},
                                 {"Commands", command},
                                 {"How many at a time", crew},
                                 {"When commands fail", failing},
                                 {"Going on with a run", going_on},
                                 {"Output", output}};

}  // namespace

std::span<const flag_group> run_flags() { return groups; }

}  // namespace gm::program
