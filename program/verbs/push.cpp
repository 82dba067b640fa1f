// gristmill push: jobs go into a store, one, or one for each line of standard input, or for each value of a list.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <gristmill/jobs/client.hpp>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/push/job_batches.hpp"
#include "program/push/made_job.hpp"
#include "program/push/push_options.hpp"
#include "program/run/command_words.hpp"
#include "program/store/arguments.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

bool tell(const push_options& options, const jobs::inserted& put) {
    if (options.quiet) return true;
    if (!options.json) return print_line(std::to_string(put.id.number));
    jobs::json::object all;
    all.emplace_back("id", put.id.number);
    if (put.duplicate) all.emplace_back("duplicate", true);
    return print_json(std::move(all));
}

std::string words_for(const jobs::insert_error& error) {
    return error.perhaps_there ? error.what + "; it may have been inserted or not: look with `gristmill ls`"
                               : error.what;
}

int push_one(const push_options& options, jobs::client& client, const job_maker& maker,
             std::span<const std::string_view> words) {
    auto job = maker.from_words(words);
    if (!job) return fail(push_verb, job.error());
    const auto put = client.insert(*std::move(job));
    if (!put) return fail(push_verb, words_for(put.error()));
    if (put->duplicate)
        remark(push_verb,
               "its unique key is taken by job " + std::to_string(put->id.number) + "; nothing was inserted");
    (void)tell(options, *put);
    return printed(push_verb);
}

// Each batch is one transaction; what was told is there. What is wrong ends it, with all before that inserted.
int push_many(const push_options& options, jobs::client& client, job_batches& input) {
    std::uint64_t inserted = 0, duplicates = 0;
    std::string wrong;
    for (job_batch batch; wrong.empty() && input.next(batch);) {
        wrong = std::move(batch.wrong);
        if (batch.jobs.empty()) break;
        const auto put = client.insert_all(std::move(batch.jobs));
        if (!put) {
            wrong = std::string(input.unit()) + "s " + std::to_string(batch.numbers.front()) + " to " +
                    std::to_string(batch.numbers.back()) + ": " + words_for(put.error());
            break;
        }
        for (const jobs::inserted& each : *put) {
            ++(each.duplicate ? duplicates : inserted);
            if (!tell(options, each)) wrong = "standard output cannot be written";
        }
        if (std::fflush(stdout) != 0) wrong = "standard output cannot be written";
    }
    if (!wrong.empty())
        return fail(push_verb, wrong + "\n" + std::to_string(inserted) + " jobs were inserted before that");
    if (duplicates != 0)
        remark(push_verb, std::to_string(inserted) + " inserted; the unique keys of " + std::to_string(duplicates) +
                              " were taken");
    return all_done;
}

int push_lines(const push_options& options, jobs::client& client, const job_maker& maker) {
    if (::isatty(STDIN_FILENO)) remark(push_verb, "the jobs are read from the terminal; Ctrl-D ends them");
    jobs_of_lines input(STDIN_FILENO, maker);
    return push_many(options, client, input);
}

int push_values(const push_options& options, jobs::client& client, const job_maker& maker, const run_options& given) {
    auto values = argument_tuples::open(given.sources, given.input, -1);
    if (!values) return fail(push_verb, values.error());
    auto command = read_command(given, {});
    if (!command) return fail(push_verb, command.error());
    if (*command && (*command)->has_slot())
        return fail(push_verb, "{%} is the slot that a command runs in; a job that waits has none yet");
    if (::isatty(STDIN_FILENO) && std::ranges::any_of(given.sources, [](const auto& from) { return from.file == "-"; }))
        remark(push_verb, "the values are read from the terminal; Ctrl-D ends them");
    jobs_of_values input(*std::move(values), *std::move(command), maker);
    return push_many(options, client, input);
}

// `words`: of the command, without what comes after :::.
std::string fault_of_all(const push_options& options, std::span<const std::string_view> words, bool has_values) {
    if (has_values && (options.lines || options.arguments))
        return "the jobs come either from standard input, or from --args, or from what is after :::";
    if (options.zero_ends && !has_values) return "-0 is for the values of files, which come after ::::";
    if (options.lines && !words.empty())
        return "besides -, which reads jobs from standard input, there can be no command";
    if (options.lines && options.arguments) return "with - the arguments come on standard input, not from --args";
    if (options.at && options.in) return "either --at or --in says when";
    if (options.lines) return {};
    if (std::string wrong = fault_of(static_cast<const job_options&>(options), words); !wrong.empty()) return wrong;
    if (options.kind.empty() && words.empty() && !has_values)
        return "what is to be done? Give a command, --kind, or - for lines on standard input";
    return {};
}

int push(std::span<const std::string_view> words) {
    push_options options;
    const parsed flags = parse(push_verb, words, &options);
    if (flags.help) return print(push_verb, help_of(push_verb));
    if (!flags.error.empty()) return fail(push_verb, flags.error + "\n`gristmill push --help` lists them all.");
    auto rest = flags.rest;
    if (!rest.empty() && rest[0] == "-") {
        options.lines = true;
        rest = rest.subspan(1);
    }
    options.lines = options.lines || options.jsonl;
    const auto values = std::ranges::find_if(rest, begins_source);
    const auto command = rest.first(static_cast<std::size_t>(values - rest.begin()));
    const bool has_values = values != rest.end();
    if (const std::string wrong = fault_of_all(options, command, has_values); !wrong.empty())
        return fail(push_verb, wrong);
    const auto store = open_store(options, if_missing::make);
    if (!store) return fail(push_verb, store.error());
    choose_directory(options, **store);
    const auto maker = job_maker::make(options, (*store)->now());
    if (!maker) return fail(push_verb, maker.error());
    jobs::client client(**store);
    if (options.lines) return push_lines(options, client, *maker);
    if (!has_values) return push_one(options, client, *maker, command);
    run_options given;
    read_words(rest, given);
    if (options.zero_ends) given.input.delimiter = '\0';
    return push_values(options, client, *maker, given);
}

// ---- flags ----

using text = std::string_view;
push_options& options(void* of) { return *static_cast<push_options*>(of); }

std::string take_orphaned(void* o, text value) {
    using enum jobs::when_parent_fails;
    if (value != "hold" && value != "cancel" && value != "run") return "hold, cancel or run";
    options(o).each.orphaned = value == "hold" ? hold : value == "cancel" ? cancel : run;
    return {};
}

constexpr flag input_flags[] = {
    {"--jsonl", "", "",
     "Each line of standard input is a job as a JSON object: kind, arguments, queue, key, priority, run_at, tags, "
     "timeout, retry, unique, after, orphaned, all of which may be left out; then the flags hold.",
     [](void* o, text) {
         options(o).jsonl = true;
         return std::string();
     }},
    {"--null", "-0", "", "In the files after :::: values end with a zero byte, as find -print0 writes them.",
     [](void* o, text) {
         options(o).zero_ends = true;
         return std::string();
     }},
};

constexpr flag when_flags[] = {
    {"--at", "", "TIME", "Not before TIME: 15:00, '2026-11-21 15:00', 2026-11-21T15:00:00Z.",
     [](void* o, text v) {
         options(o).at = v;
         return std::string();
     }},
    {"--in", "", "TIME", "Not before TIME has passed: 10m, 1h30m.",
     [](void* o, text v) { return take_time(v, options(o).in.emplace()); }},
    {"--after", "", "ID", "Not before that job is completed; several times, or with commas, for several.",
     [](void* o, text v) { return take_ids(v, options(o).each.after); }},
    {"--orphaned", "", "WHAT",
     "When one of those dies or is cancelled: hold waits until it is revived, cancel, or run all the same. Default: "
     "hold.",
     take_orphaned, completes::words, "hold cancel run"},
};

constexpr flag output_flags[] = {{"--quiet", "", "", "Print no ids.", [](void* o, text) {
                                      options(o).quiet = true;
                                      return std::string();
                                  }}};

constexpr flag_group groups[] = {
    {"What", kind_flags<push_options>}, {"Input", input_flags},   {"When", when_flags},
    {"How", job_flags<push_options>},   {"Output", output_flags}, {"Store", store_flags<push_options>}};

constexpr example examples[] = {
    {"gristmill push -- gzip -9 access.log", "A command, as it is:"},
    {"gristmill push 'gzip -dc access.log.gz | sort | uniq -c > counts'", "One word is a line for the shell:"},
    {"gristmill push gzip -9 ::: *.log", "One for each file:"},
    {"find . -name '*.log' -print0 | gristmill push -0 gzip -9 :::: -",
     "Names with any characters in them, from find:"},
    {"gristmill push - < commands.txt", "A file in which each line is a command:"},
    {"gristmill push --kind image.resize --args '{\"path\": \"a.jpg\", \"width\": 800}'",
     "A job of a kind that your own worker knows:"},
    {"jq -c .[] orders.json | gristmill push --kind order.ship --unique {} -", "One for each line, and none twice:"},
    {"gristmill push --in 1h --retries 3 --backoff 1m -- curl -fsS https://example.com/ping",
     "In an hour, and tried three times:"},
};

}  // namespace

const verb push_verb = {
    .name = "push",
    .summary = "put jobs into a queue",
    .usage =
        "[FLAGS] [--] COMMAND...\n[FLAGS] [--] COMMAND... ::: VALUES\n[FLAGS] --kind KIND [--args JSON]\n[FLAGS] - < "
        "lines",
    .about =
        "Puts a job into the store and prints its id. It stays there until `gristmill work`, or a worker of your own, "
        "has done it, whatever crashes meanwhile.\n\n"
        "After ::: come values, after :::: files of them, one a line (- is standard input), and there is a job for "
        "each: a line for the shell, made as `gristmill run` makes it, with the value, as one word, at {} or at the "
        "end. Several lists make all combinations; :::+ and ::::+ go in step with the list before. With --kind each "
        "value is the arguments as JSON.\n\n"
        "With - there is a job for each line of standard input, inserted as they come: a command for the shell, or "
        "with --kind arguments as JSON, or with --jsonl a whole job. A line that is wrong ends it; those before it are "
        "inserted.\n\n"
        "Commands are run only by a worker that was started with --allow-exec. Exits with 0 if all is inserted (or its "
        "unique key was taken), 255 if not.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = push,
};

}  // namespace gm::program
