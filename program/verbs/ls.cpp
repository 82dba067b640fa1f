// gristmill ls: the jobs of a store, the newest first, a page at a time.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "program/cli/safe_text.hpp"
#include "program/cli/terminal.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/filter_words.hpp"
#include "program/jobs/job_text.hpp"
#include "program/run/values.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct ls_options : store_options, job_filter {
    std::uint64_t limit = 50;  // 0: all
    jobs::page part;
    bool count = false;
};

ls_options& options_of(void* o) { return *static_cast<ls_options*>(o); }

std::string take_limit(void* o, std::string_view text) {
    const auto count = read_count(text);
    if (!count) return count.error();
    options_of(o).limit = *count;
    return {};
}

std::string take_beyond(void* o, std::string_view text) {
    const auto number = read_count(text);
    if (!number || *number == 0 || *number > INT64_MAX) return "'" + std::string(text) + "' is no number of a job";
    options_of(o).part.beyond.number = static_cast<std::int64_t>(*number);
    return {};
}

constexpr flag page_flags[] = {
    {"--limit", "-n", "N", "At most so many: 50 unless told otherwise; 0 is all.", take_limit},
    {"--beyond", "", "ID", "Go on after this one, the last of the page before.", take_beyond},
    {"--oldest", "-r", "", "The oldest first.",
     [](void* o, std::string_view) { return options_of(o).part.by = jobs::order::oldest_first, std::string(); }},
    {"--count", "-c", "", "Only how many there are.",
     [](void* o, std::string_view) { return options_of(o).count = true, std::string(); }}};

constexpr flag_group groups[] = {
    {"Which jobs", filter_flags<ls_options>}, {"How many", page_flags}, {"Store", store_flags<ls_options>}};

// Rows for people, or lines of JSON.
class printer {
public:
    printer(bool json, jobs::wall_time now)
        : json_(json), now_(now), table_(job_columns(), terminal_width(STDOUT_FILENO), shows_colours(STDOUT_FILENO)) {}

    bool print(const std::vector<jobs::record>& some) {
        if (json_) return std::ranges::all_of(some, [](const jobs::record& job) { return print_json(json_of(job)); });
        for (const jobs::record& job : some) table_.add(job_row(job, now_));
        return some.empty() || std::fputs(table_.take().c_str(), stdout) >= 0;
    }

private:
    const bool json_;
    const jobs::wall_time now_;
    table_text table_;
};

// Memory is bounded by a step, however long the list is.
int list(const open_ledger& from, ls_options& options, const jobs::filter& which) {
    constexpr std::uint64_t step = 500;
    printer out(options.json, from.store->now());
    const std::uint64_t most = options.limit == 0 ? UINT64_MAX : options.limit;
    for (std::uint64_t shown = 0;;) {
        // One more than is shown, to know whether there are more.
        options.part.most = static_cast<std::size_t>(std::min(step, most - shown) + 1);
        auto some = from->list(which, options.part);
        if (!some) return fail(ls_verb, some.error().what);
        const bool more = some->size() == options.part.most;
        if (more) some->pop_back();
        if (!out.print(*some)) return printed(ls_verb);
        shown += some->size();
        if (!some->empty()) options.part.beyond = some->back().id;
        if (shown == 0 && !options.json) remark(ls_verb, "there are none");
        if (!more) return printed(ls_verb);
        if (shown >= most) break;
    }
    if (!options.json)
        remark(ls_verb, "there are more: the same with --beyond " + std::to_string(options.part.beyond.number));
    return printed(ls_verb);
}

int ls(std::span<const std::string_view> words) {
    ls_options options;
    parsed_words given;
    if (const auto over = read_words(ls_verb, words, &options, given)) return *over;
    given.words.insert(given.words.end(), given.after.begin(), given.after.end());
    for (const std::string_view word : given.words)
        if (const std::string wrong = take_ids(options, word); !wrong.empty()) return fail(ls_verb, wrong);
    const auto from = ask(options);
    if (!from) return fail(ls_verb, from.error());
    const jobs::filter which = options.at(from->store->now());
    if (!options.count) return list(*from, options, which);
    const auto count = (*from)->count(which);
    if (!count) return fail(ls_verb, count.error().what);
    if (options.json)
        print_json(jobs::json(jobs::json::object{{"count", *count}}));
    else
        print_line(std::to_string(*count));
    return printed(ls_verb);
}

constexpr example examples[] = {
    {"gristmill ls", "The newest fifty:"},
    {"gristmill ls --state dead --queue mail --newer 1d", "What has failed for good since yesterday:"},
    {"gristmill ls --state running --json | jq -r '[.id, .worker] | @tsv'", "Who runs what:"},
    {"gristmill ls --text 'no such user' --limit 0", "All whose arguments or last error say so:"},
    {"gristmill ls --state available --count", "How many wait for a worker:"},
};

}  // namespace

const verb ls_verb = {
    .name = "ls",
    .summary = "list jobs",
    .usage = "[FLAGS] [ID | ID-ID]...",
    .about =
        "Lists the jobs that meet all that is said of them, the newest first. Without any flag these are all.\n\n"
        "AGE is the time since a job was put in. On a terminal long columns are cut; `gristmill show ID` and --json "
        "tell everything.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = ls,
};

}  // namespace gm::program
