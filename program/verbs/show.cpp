// gristmill show: everything that is known about jobs.
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "program/cli/terminal.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/filter_words.hpp"
#include "program/jobs/job_text.hpp"
#include "program/jobs/waits.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct show_options : store_options {};

constexpr flag_group groups[] = {{"Store", store_flags<show_options>}};

jobs::json steps_json(const std::vector<jobs::step>& steps) {
    jobs::json::list all;
    for (const jobs::step& each : steps)
        all.emplace_back(jobs::json::object{{"name", each.name}, {"result", json_of(each.result)}});
    return all;
}

jobs::json reason_json(const wait_reason& of) {
    jobs::json::object all{{"for", std::string(of.what)}, {"says", of.says}};
    if (!of.advice.empty()) all.emplace_back("do", of.advice);
    return all;
}

// Whether it was there; the error is the store's.
result<bool, std::string> show_one(const open_ledger& from, jobs::job_id id, bool json) {
    const auto job = from->find(id);
    if (!job) return failure(std::string(job.error().what));
    if (!*job) return false;
    const auto steps = from->steps(id);
    if (!steps) return failure(std::string(steps.error().what));
    const auto why = why_it_waits(*from.store, **job);
    if (!why) return failure(std::string(why.error().what));
    if (json) {
        jobs::json::object all = *json_of(**job).as_object();
        if (*why) all.emplace_back("waits", reason_json(**why));
        if (!steps->empty()) all.emplace_back("steps", steps_json(*steps));
        return print_json(jobs::json(std::move(all))), true;
    }
    std::fputs(full_text(**job, *steps, *why, from.store->now(), shows_colours(STDOUT_FILENO)).c_str(), stdout);
    return true;
}

int show(std::span<const std::string_view> words) {
    show_options options;
    parsed_words given;
    if (const auto over = read_words(show_verb, words, &options, given)) return *over;
    job_filter which;
    for (const std::string_view word : given.words)
        if (const std::string wrong = take_ids(which, word); !wrong.empty()) return fail(show_verb, wrong);
    if (which.plain.ids.empty()) return fail(show_verb, "which job? Give its number; `gristmill ls` lists them");
    const auto from = ask(options);
    if (!from) return fail(show_verb, from.error());
    int status = all_done;
    for (const jobs::job_id id : which.plain.ids) {
        const auto there = show_one(*from, id, options.json);
        if (!there) return fail(show_verb, there.error());
        if (*there) continue;
        remark(show_verb, "there is no job " + std::to_string(id.number) + "; finished ones are kept for a time only");
        status = not_all_done;
    }
    return printed(show_verb, status);
}

constexpr example examples[] = {
    {"gristmill show 17", "One job, and what it waits for:"},
    {"gristmill show 17 --json | jq .result", "What it gave back:"},
};

}  // namespace

const verb show_verb = {
    .name = "show",
    .summary = "tell everything about a job",
    .usage = "[FLAGS] ID...",
    .about =
        "Tells what a job is, how it went, the error of each attempt, the steps that it has recorded, and why it does "
        "not run if it waits.\n\nExits with 0, or with 1 if a job is not there.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = show,
};

}  // namespace gm::program
