// gristmill retry, cancel, rm, priority: what is done to many jobs at once. They share the words that say which, the count that is
// told first, and the question.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "program/jobs/asking.hpp"
#include "program/jobs/filter_words.hpp"
#include "program/store/arguments.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

using jobs::state;

struct change_options : store_options, job_filter {
    bool yes = false, dry_run = false;
    std::optional<int> priority;
};

change_options& options_of(void* o) { return *static_cast<change_options*>(o); }

std::string take_priority(void* o, std::string_view text) {
    return take_number(text, jobs::least_priority, jobs::greatest_priority, options_of(o).priority.emplace());
}

constexpr flag care_flags[] = {{"--all", "", "", "All of them: for when nothing else says which.",
                                [](void* o, std::string_view) { return options_of(o).all = true, std::string(); }},
                               {"--dry-run", "", "", "Only tell how many there are.",
                                [](void* o, std::string_view) { return options_of(o).dry_run = true, std::string(); }},
                               {"--yes", "-y", "", "Do not ask.",
                                [](void* o, std::string_view) { return options_of(o).yes = true, std::string(); }}};
constexpr flag to_flags[] = {{"--to", "", "N", "The new priority: -100 to 100, higher goes first.", take_priority}};

constexpr flag_group groups[] = {
    {"Which jobs", filter_flags<change_options>}, {"Care", care_flags}, {"Store", store_flags<change_options>}};
constexpr flag_group priority_groups[] = {{"Priority", to_flags},
                                          {"Which jobs", filter_flags<change_options>},
                                          {"Care", care_flags},
                                          {"Store", store_flags<change_options>}};

// What one of the verbs does.
struct change {
    const verb& by;
    std::vector<state> of;     // jobs in other states are left as they are, and are not counted
    std::vector<state> usual;  // what is meant where neither states nor numbers are said
    std::string_view done;     // "cancelled"
    result<std::uint64_t, jobs::store_error> (*act)(jobs::ledger& in, const jobs::filter& which,
                                                    const change_options& how);
};

std::string jobs_text(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " job" : " jobs"); }

// The filter of those that this change can do something to; none: it is for no job in the states that were asked for.
std::optional<jobs::filter> narrowed(jobs::filter which, const change& what) {
    if (which.states.empty())
        which.states = which.ids.empty() ? what.usual : what.of;
    else
        std::erase_if(which.states, [&](state each) { return std::ranges::find(what.of, each) == what.of.end(); });
    return which.states.empty() ? std::nullopt : std::optional(std::move(which));
}

// What is to be said of those that were named and will not be changed.
std::vector<std::string> told_of(std::span<const jobs::job_id> ids, const std::vector<jobs::record>& there,
                                 const change& what) {
    std::vector<std::string> others;
    auto next = there.begin();
    for (const jobs::job_id id : ids) {
        if (next == there.end() || next->id != id) {
            others.push_back("there is no job " + std::to_string(id.number));
            continue;
        }
        if (std::ranges::find(what.of, next->state) == what.of.end())
            others.push_back("job " + std::to_string(id.number) + " is " + std::string(name_of(next->state)) +
                             ", and is left as it is");
        ++next;
    }
    return others;
}

// In steps, for a record has its arguments with it.
std::optional<std::string> tell_of_others(const open_ledger& in, const change& what,
                                          std::span<const jobs::job_id> ids) {
    constexpr std::size_t step = 500, most_told = 20;
    std::size_t told = 0;
    for (; !ids.empty(); ids = ids.subspan(std::min(step, ids.size()))) {
        const auto some = ids.first(std::min(step, ids.size()));
        const auto there =
            in->list({.ids = {some.begin(), some.end()}}, {.by = jobs::order::oldest_first, .most = step});
        if (!there) return there.error().what;
        for (const std::string& each : told_of(some, *there, what))
            if (++told <= most_told) remark(what.by, each);
    }
    if (told > most_told) remark(what.by, "and " + std::to_string(told - most_told) + " more like these");
    return std::nullopt;
}

// Whether somebody at the terminal says yes.
bool agrees(const change& what, std::uint64_t count, const change_options& options) {
    std::string question = std::string(what.by.name) + ' ' + jobs_text(count);
    std::string which;
    for (const std::string& word : words_of(options)) which += ' ' + word;
    if (!which.empty()) question += " (" + which.substr(1) + ')';
    remark(what.by, question + "? Type y for yes.");
    const int first = std::getchar();
    for (int c = first; c != '\n' && c != EOF;) c = std::getchar();
    return first == 'y' || first == 'Y';
}

void tell_count(const change_options& options, const char* name, std::uint64_t count, const std::string& text) {
    if (options.json)
        print_json(jobs::json(jobs::json::object{{name, count}}));
    else
        print_line(text);
}

int carry_out(const open_ledger& in, const change& what, const jobs::filter& which, const change_options& options) {
    const auto count = in->count(which);
    if (!count) return fail(what.by, count.error().what);
    if (options.dry_run) {
        tell_count(options, "matching", *count, jobs_text(*count) + " would be " + std::string(what.done));
        return printed(what.by);
    }
    if (*count != 0 && !options.yes && !options.only_ids()) {
        if (!::isatty(STDIN_FILENO) || !::isatty(STDERR_FILENO))
            return fail(what.by, jobs_text(*count) + " would be " + std::string(what.done) +
                                     "; nothing was done, for there is nobody to ask: say --yes");
        if (!agrees(what, *count, options)) return remark(what.by, "nothing was done"), not_all_done;
    }
    const auto changed = what.act(*in, which, options);
    if (!changed) {
        const bool conflict = changed.error().fault == jobs::store_fault::conflict;
        return remark(what.by, changed.error().what), conflict ? not_all_done : own_failure;
    }
    tell_count(options, "changed", *changed, std::string(what.done) + ": " + jobs_text(*changed));
    const bool left = options.only_ids() && *changed < options.plain.ids.size();
    return printed(what.by, left ? not_all_done : all_done);
}

int change_jobs(const change& what, std::span<const std::string_view> words) {
    change_options options;
    parsed_words given;
    if (const auto over = read_words(what.by, words, &options, given)) return *over;
    given.words.insert(given.words.end(), given.after.begin(), given.after.end());
    for (const std::string_view word : given.words)
        if (const std::string wrong = take_ids(options, word); !wrong.empty()) return fail(what.by, wrong);
    if (options.says_nothing())
        return fail(what.by, "which jobs? Give their numbers, or say which by --state, --queue and the like, or --all");
    if (&what.by == &priority_verb && !options.priority) return fail(what.by, "which priority? Say --to N");
    const auto in = ask(options);
    if (!in) return fail(what.by, in.error());
    const jobs::filter named = options.at(in->store->now());
    const auto which = narrowed(named, what);
    if (!which) return fail(what.by, "jobs in that state are left as they are");
    if (options.only_ids())
        if (const auto wrong = tell_of_others(*in, what, named.ids)) return fail(what.by, *wrong);
    return carry_out(*in, what, *which, options);
}

constexpr auto waits = {state::waiting, state::scheduled, state::available, state::retrying};

int cancel(std::span<const std::string_view> words) {
    const std::vector<state> open{state::waiting, state::scheduled, state::available, state::running, state::retrying};
    const auto act = [](jobs::ledger& in, const jobs::filter& which, const change_options&) {
        return in.cancel(which);
    };
    return change_jobs({cancel_verb, open, open, "cancelled", act}, words);
}

// What is planned for next week is not brought forward because it is in the same queue as what has failed.
int retry(std::span<const std::string_view> words) {
    const auto act = [](jobs::ledger& in, const jobs::filter& which, const change_options&) { return in.retry(which); };
    return change_jobs({retry_verb,
                        {state::scheduled, state::retrying, state::cancelled, state::dead},
                        {state::retrying, state::dead},
                        "tried again",
                        act},
                       words);
}

int remove(std::span<const std::string_view> words) {
    std::vector<state> all(waits);
    all.insert(all.end(), {state::completed, state::cancelled, state::dead});
    const auto act = [](jobs::ledger& in, const jobs::filter& which, const change_options&) {
        return in.remove(which);
    };
    return change_jobs({rm_verb, all, all, "removed", act}, words);
}

int set_priority(std::span<const std::string_view> words) {
    const auto act = [](jobs::ledger& in, const jobs::filter& which, const change_options& how) {
        return in.set_priority(which, *how.priority);
    };
    return change_jobs({priority_verb, waits, waits, "changed", act}, words);
}

constexpr example cancel_examples[] = {
    {"gristmill cancel 17 20-29", "Some, by their numbers:"},
    {"gristmill cancel --queue mail --tag import-7 --dry-run", "How many would it be?"},
    {"gristmill cancel --queue mail --tag import-7 --yes", "Then do it:"},
};
constexpr example retry_examples[] = {
    {"gristmill retry 17", "One:"},
    {"gristmill retry --state dead --kind mail --text 'connection refused'", "All that failed for one reason:"},
};
constexpr example rm_examples[] = {
    {"gristmill rm --state over --ended-before 1h", "What has been over for an hour:"},
    {"gristmill rm --queue test --all", "A whole queue, but for what runs:"},
};
constexpr example priority_examples[] = {
    {"gristmill priority --to 10 17", "Before those that were due ten minutes earlier:"},
    {"gristmill priority --to -50 --tag import-7", "After nearly everybody:"},
};

constexpr std::string_view usage = "[FLAGS] ID...\n[FLAGS] --state STATE --queue NAME ...";
#define GRISTMILL_CARE                                                                                               \
    "\n\nJobs that are named by their numbers are changed at once. Otherwise the count is told first, and you are "  \
    "asked; without a terminal nothing happens unless --yes is there.\n\nExits with 0, or with 1 if a job that was " \
    "named by its number was not changed, or the answer was no."

}  // namespace

const verb cancel_verb = {
    .name = "cancel",
    .summary = "cancel jobs",
    .usage = usage,
    .about =
        "Cancels jobs that are not over. What waits is cancelled at once; what runs is asked to stop, which its worker "
        "hears at its next beat. A job that succeeds all the same is completed." GRISTMILL_CARE,
    .flags = groups,
    .examples = cancel_examples,
    .more_title = {},
    .more = {},
    .run = cancel,
};

const verb retry_verb = {
    .name = "retry",
    .summary = "try jobs again, now",
    .usage = usage,
    .about =
        "Makes dead and cancelled jobs available again, with all their attempts before them, and makes due what waits "
        "for its time or its next attempt. Where neither --state nor a number is said, these are the retrying and dead "
        "ones. A dead job whose unique key another one has now stays dead." GRISTMILL_CARE,
    .flags = groups,
    .examples = retry_examples,
    .more_title = {},
    .more = {},
    .run = retry,
};

const verb rm_verb = {
    .name = "rm",
    .summary = "remove jobs for good",
    .usage = usage,
    .about =
        "Removes jobs and all that is known about them. What runs stays: cancel it first. So does a job that another "
        "one waits for." GRISTMILL_CARE,
    .flags = groups,
    .examples = rm_examples,
    .more_title = {},
    .more = {},
    .run = remove,
};

const verb priority_verb = {
    .name = "priority",
    .summary = "let jobs go earlier or later",
    .usage = "--to N [FLAGS] ID...\n--to N [FLAGS] --state STATE --queue NAME ...",
    .about =
        "Changes the priority of jobs that wait. One step is worth a minute: a job of priority 5 goes before those "
        "that were due less than five minutes earlier." GRISTMILL_CARE,
    .flags = priority_groups,
    .examples = priority_examples,
    .more_title = {},
    .more = {},
    .run = set_priority,
};

#undef GRISTMILL_CARE

}  // namespace gm::program
