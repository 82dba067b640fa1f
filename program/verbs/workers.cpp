// gristmill workers, scale: the worker processes of a store, and the size of their crews.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "program/cli/columns.hpp"
#include "program/cli/moments.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/steering_json.hpp"
#include "program/run/values.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

using jobs::worker_report;

struct worker_options : store_options {};

constexpr flag_group groups[] = {{"Store", store_flags<worker_options>}};

std::vector<cell> row_of(const worker_report& of, jobs::wall_time now) {
    std::string queues, crew = std::to_string(of.how.workers);
    for (const std::string& each : of.queues) queues += (queues.empty() ? "" : ", ") + each;
    if (of.workers_wanted && *of.workers_wanted != of.how.workers)
        crew += " to be " + std::to_string(*of.workers_wanted);
    return {{std::to_string(of.number)},
            {of.name},
            {queues},
            {std::to_string(of.how.busy)},
            {crew},
            {std::to_string(of.how.completed)},
            {std::to_string(of.how.failed)},
            {age_text(of.started, now)},
            {of.alive ? "" : "not heard of for " + age_text(of.last_beat, now), colour::red}};
}

void print_table(const std::vector<worker_report>& all, jobs::wall_time now) {
    table_text table({{.title = "NUMBER", .right = true},
                      {.title = "NAME", .may_shrink = true},
                      {.title = "QUEUES", .may_shrink = true},
                      {.title = "BUSY", .right = true},
                      {.title = "CREW", .right = true},
                      {.title = "DONE", .right = true},
                      {.title = "FAILED", .right = true},
                      {.title = "UP", .right = true},
                      {.title = "STATE", .may_shrink = true}},
                     terminal_width(STDOUT_FILENO), shows_colours(STDOUT_FILENO));
    for (const worker_report& each : all) table.add(row_of(each, now));
    std::fputs(table.take().c_str(), stdout);
}

int workers(std::span<const std::string_view> words) {
    worker_options options;
    parsed_words given;
    if (const auto over = read_words(workers_verb, words, &options, given)) return *over;
    if (!given.words.empty()) return fail(workers_verb, "takes no words; `gristmill workers` lists all of them");
    const auto in = ask(options);
    if (!in) return fail(workers_verb, in.error());
    const auto all = (*in)->workers();
    if (!all) return fail(workers_verb, all.error().what);
    if (options.json)
        for (const worker_report& each : *all) print_json(json_of(each));
    else if (!all->empty())
        print_table(*all, in->store->now());
    else
        remark(workers_verb, "no worker is there; `gristmill work` is one");
    return printed(workers_verb);
}

// The numbers of those that `word` means: a number, or a name that several may have. Only the living can hear.
result<std::vector<std::int64_t>, trouble> meant(const std::vector<worker_report>& all, std::string_view word) {
    std::vector<std::int64_t> numbers;
    std::vector<std::string> known;
    for (const worker_report& each : all) {
        if (!each.alive) continue;
        known.push_back(each.name);
        if (word == each.name || word == std::to_string(each.number)) numbers.push_back(each.number);
    }
    if (!numbers.empty()) return numbers;
    return failure(trouble{"there is no worker '" + std::string(word) + "'" + hint_of_names(word, known) +
                               "; `gristmill workers` lists them",
                           not_all_done});
}

// How many were asked.
result<std::uint64_t, trouble> scale_to(const open_ledger& in, std::string_view whom, unsigned size) {
    const auto failed = [](const jobs::store_error& why) { return failure(trouble{why.what}); };
    const auto all = in->workers();
    if (!all) return failed(all.error());
    const auto alive = std::ranges::count_if(*all, &worker_report::alive);
    if (whom == "all" && alive != 0) {
        const auto asked = in->scale(0, size);
        if (!asked) return failed(asked.error());
        return static_cast<std::uint64_t>(alive);
    }
    if (alive == 0) return failure(trouble{"no worker is there to be asked; `gristmill work` is one", not_all_done});
    const auto numbers = meant(*all, whom);
    if (!numbers) return failure(trouble(numbers.error()));
    std::uint64_t count = 0;
    for (const std::int64_t number : *numbers) {
        const auto asked = in->scale(number, size);
        if (!asked) return failed(asked.error());
        count += *asked;
    }
    return count;
}

int scale(std::span<const std::string_view> words) {
    worker_options options;
    parsed_words given;
    if (const auto over = read_words(scale_verb, words, &options, given)) return *over;
    if (given.words.size() != 2) return fail(scale_verb, "write gristmill scale WORKER N, or gristmill scale all N");
    const auto size = read_count(given.words[1]);
    if (!size) return fail(scale_verb, size.error());
    if (*size == 0 || *size > 100'000)
        return fail(scale_verb, "a crew has 1 to 100000 workers; to stop jobs: gristmill pause QUEUE");
    const auto in = ask(options);
    if (!in) return fail(scale_verb, in.error());
    const auto asked = scale_to(*in, given.words[0], static_cast<unsigned>(*size));
    if (!asked) return fail(scale_verb, asked.error());
    if (options.json)
        print_json(jobs::json(jobs::json::object{{"asked", *asked}, {"workers", *size}}));
    else
        print_line(std::to_string(*asked) + (*asked == 1 ? " worker is" : " workers are") + " asked for a crew of " +
                   std::to_string(*size));
    return printed(scale_verb);
}

constexpr example workers_examples[] = {{"gristmill workers", "Who is there, and how busy?"}};
constexpr example scale_examples[] = {{"gristmill scale all 16", "Each worker process runs up to 16 jobs at a time:"},
                                      {"gristmill scale 3 1", "Worker 3 alone, one at a time:"}};

}  // namespace

const verb workers_verb = {
    .name = "workers",
    .summary = "list the worker processes of a store",
    .usage = "[FLAGS]",
    .about =
        "NUMBER is of this start of the process. CREW is how many jobs it runs at a time, BUSY how many it runs now.",
    .flags = groups,
    .examples = workers_examples,
    .more_title = {},
    .more = {},
    .run = workers,
};

const verb scale_verb = {
    .name = "scale",
    .summary = "change how many jobs a worker process runs at a time",
    .usage = "[FLAGS] WORKER N\n[FLAGS] all N",
    .about =
        "Asks a worker process, by its number or its name, for a crew of N; all of them with the word all. It hears of "
        "it at its next beat, within seconds. What runs is finished first. A process that starts later has the crew "
        "that it was started with.",
    .flags = groups,
    .examples = scale_examples,
    .more_title = {},
    .more = {},
    .run = scale,
};

}  // namespace gm::program
