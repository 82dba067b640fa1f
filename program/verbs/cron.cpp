// gristmill cron: the entries that put jobs in again and again. What comes after the verb says what is done with them.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <gristmill/jobs/schedule.hpp>

#include "program/cli/columns.hpp"
#include "program/cli/moments.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/cron_words.hpp"
#include "program/jobs/job_text.hpp"
#include "program/jobs/steering_json.hpp"
#include "program/push/made_job.hpp"
#include "program/run/command_words.hpp"
#include "program/store/arguments.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

using jobs::cron_entry;
using strings = std::vector<std::string_view>;

struct cron_options : store_options, job_options {
    std::string zone = "UTC";
    jobs::missed policy = jobs::missed::once;
    bool paused = false;
    int times = 5;
};

cron_options& options_of(void* o) { return *static_cast<cron_options*>(o); }

std::string take_missed(void* o, std::string_view text) {
    const auto policy = missed_named(text);
    if (!policy) return "skip, once or all";
    options_of(o).policy = *policy;
    return {};
}

constexpr flag when_flags[] = {
    {"--zone", "-z", "ZONE", "Whose clock it goes by: Europe/Berlin. Default: UTC.",
     [](void* o, std::string_view v) { return options_of(o).zone = v, std::string(); }},
    {"--missed", "", "POLICY",
     "Of the times that passed while no worker was there: skip them, run the latest once, or all.", take_missed,
     completes::words, "skip once all"},
    {"--paused", "", "", "It does not fire until `gristmill cron resume`.",
     [](void* o, std::string_view) { return options_of(o).paused = true, std::string(); }},
    {"--times", "-n", "N", "Of next: so many times. Default: 5.",
     [](void* o, std::string_view v) { return take_number(v, 1, 1000, options_of(o).times); }}};
constexpr flag_group groups[] = {{"When (of put)", when_flags},
                                 {"What (of put)", kind_flags<cron_options>},
                                 {"How (of put)", job_flags<cron_options>},
                                 {"Store", store_flags<cron_options>}};

using entries = std::vector<cron_entry>;

std::vector<cell> row_of(const cron_entry& of, jobs::wall_time now) {
    const auto next = next_of(of, now);
    return {{of.name},
            {of.line},
            {of.zone},
            {of.paused ? "paused"
             : next    ? with_age(*next, now)
                       : "never",
             of.paused ? colour::yellow : colour::none},
            {of.last ? local_text(*of.last) : ""},
            {of.job.queue},
            {of.job.kind},
            {line_of(of.job.arguments).substr(0, 200)}};
}

int list(const open_ledger& in, const cron_options& options, const entries& all) {
    const jobs::wall_time now = in.store->now();
    if (options.json) {
        for (const cron_entry& each : all) print_json(json_of(each, next_of(each, now)));
        return printed(cron_verb);
    }
    if (all.empty()) return remark(cron_verb, "there are no entries; `gristmill cron put` makes one"), all_done;
    table_text table({{.title = "NAME", .may_shrink = true},
                      {.title = "LINE"},
                      {.title = "ZONE", .may_shrink = true},
                      {.title = "NEXT", .may_shrink = true},
                      {.title = "LAST", .may_shrink = true},
                      {.title = "QUEUE", .may_shrink = true},
                      {.title = "KIND", .may_shrink = true},
                      {.title = "ARGUMENTS", .may_shrink = true}},
                     terminal_width(STDOUT_FILENO), shows_colours(STDOUT_FILENO));
    for (const cron_entry& each : all) table.add(row_of(each, now));
    std::fputs(table.take().c_str(), stdout);
    return printed(cron_verb);
}

void tell_next(const cron_entry& of, const cron_options& options, jobs::wall_time now) {
    const auto next = next_of(of, now);
    if (options.json) return void(print_json(json_of(of, next)));
    remark(cron_verb, of.name + (of.paused ? ": paused" : next ? ": next " + with_age(*next, now) : ": never"));
}

int store_entry(const open_ledger& in, const cron_options& options, const cron_entry& entry) {
    const auto put = in->put_cron(entry);
    if (!put) return fail(cron_verb, put.error().what);
    const auto all = in->crons();  // with the plan that it has kept
    if (!all) return fail(cron_verb, all.error().what);
    const auto now = find_named(*all, entry.name, "entry");
    tell_next(now ? *now : entry, options, in.store->now());
    return printed(cron_verb);
}

std::string fault_of_put(const cron_options& options, const strings& words, std::span<const std::string_view> command) {
    if (words.size() != 2) return "write gristmill cron put NAME 'LINE' [FLAGS] -- COMMAND...";
    if (command.empty() && options.kind.empty()) return "what is to be done? -- COMMAND, or --kind and --args";
    if (std::ranges::any_of(command, begins_source)) return "an entry is one job: a list after ::: cannot be put in";
    return fault_of(options, command);
}

// requires: there is no fault.
int put(const open_ledger& in, cron_options& options, const strings& words, std::span<const std::string_view> command) {
    choose_directory(options, *in.store);
    auto job = job_maker(options).from_words(command);
    if (!job) return fail(cron_verb, job.error());
    return store_entry(in, options,
                       {.name = std::string(words[0]),
                        .line = std::string(words[1]),
                        .zone = options.zone,
                        .job = *std::move(job),
                        .policy = options.policy,
                        .paused = options.paused});
}

int set_paused(const open_ledger& in, const cron_options& options, cron_entry entry, bool paused) {
    entry.paused = paused;
    return store_entry(in, options, entry);
}

int next(const cron_options& options, const cron_entry& entry, jobs::wall_time now) {
    const auto plan = jobs::schedule::of(entry);
    if (!plan) return fail(cron_verb, plan.error());
    std::optional<jobs::wall_time> time = now;
    for (int i = 0; i != options.times && (time = plan->next_after(*time)); ++i)
        if (options.json)
            print_json(jobs::json(jobs::json::object{{"name", entry.name}, {"time", time_text(*time)}}));
        else
            print_line(with_age(*time, now));
    return printed(cron_verb);
}

int remove(const open_ledger& in, const cron_entry& entry) {
    const auto done = in->remove_cron(entry.name);
    return done ? printed(cron_verb) : fail(cron_verb, done.error().what);
}

int on_named(const open_ledger& in, const cron_options& options, std::string_view what, const entries& all,
             const strings& names) {
    if (names.empty()) return fail(cron_verb, "which entry? `gristmill cron ls` lists them");
    for (const std::string_view name : names) {
        const auto entry = find_named(all, name, "entry");
        if (!entry) return fail(cron_verb, entry.error());
        const int status = what == "rm"     ? remove(in, *entry)
                           : what == "next" ? next(options, *entry, in.store->now())
                                            : set_paused(in, options, *entry, what == "pause");
        if (status != all_done) return status;
    }
    return all_done;
}

int cron(std::span<const std::string_view> given_words) {
    cron_options options;
    parsed_words given;
    if (const auto over = read_words(cron_verb, given_words, &options, given)) return *over;
    static constexpr std::string_view doings[] = {"ls", "put", "rm", "pause", "resume", "next"};
    const std::string_view what = given.words.empty() ? "ls" : given.words[0];
    if (std::ranges::find(doings, what) == std::end(doings)) {
        const auto near = nearest(what, doings);
        return fail(cron_verb,
                    "there is no '" + std::string(what) + "'" +
                        (near ? "; did you mean " + std::string(*near) + "?" : ": ls, put, rm, pause, resume, next"));
    }
    const strings words(given.words.begin() + (given.words.empty() ? 0 : 1), given.words.end());
    if (what == "put")
        if (const std::string wrong = fault_of_put(options, words, given.after); !wrong.empty())
            return fail(cron_verb, wrong);
    const auto in = ask(options, what == "put" ? if_missing::make : if_missing::refuse);
    if (!in) return fail(cron_verb, in.error());
    if (what == "put") return put(*in, options, words, given.after);
    const auto all = (*in)->crons();
    if (!all) return fail(cron_verb, all.error().what);
    return what == "ls" ? list(*in, options, *all) : on_named(*in, options, what, *all, words);
}

constexpr example examples[] = {
    {"gristmill cron put nightly '30 2 * * mon-fri' --zone Europe/Berlin -- pg_dump -f app.dump app",
     "A command at half past two, on the clock of Berlin:"},
    {"gristmill cron put reports @hourly --kind report --args '{\"all\": true}' --unique report",
     "A job of another kind, never two at a time:"},
    {"gristmill cron", "What there is, and when it fires next:"},
    {"gristmill cron next nightly -n 10", "Its next ten times:"},
};

constexpr std::string_view line_help =
    "    minute  hour  day of the month  month  day of the week\n"
    "    */15    8-18  *                 *      mon-fri              every quarter of an hour while people work\n"
    "    @hourly @daily @weekly @monthly @yearly\n";

}  // namespace

const verb cron_verb = {
    .name = "cron",
    .summary = "list and change the entries that put jobs in by the clock",
    .usage =
        "[ls]\nput NAME 'LINE' [FLAGS] -- COMMAND...\nput NAME 'LINE' [FLAGS] --kind NAME --args JSON\n"
        "rm | pause | resume | next NAME...",
    .about =
        "An entry puts a job in whenever its line says so; workers do that, any of them. One that is put again is "
        "replaced, and keeps its plan if line and zone stay what they were.\n\nA COMMAND of one word is a line for the "
        "shell. `gristmill work` runs commands only with --allow-exec.",
    .flags = groups,
    .examples = examples,
    .more_title = "The line",
    .more = line_help,
    .run = cron,
};

}  // namespace gm::program
