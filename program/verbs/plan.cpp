// gristmill plan: how long a run would have taken with another crew.
#include <algorithm>
#include <cstdio>
#include <exception>

#include <gristmill/detail/os.hpp>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/plan/replay.hpp"
#include "program/run/values.hpp"
#include "program/verbs/past_run.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

constexpr std::size_t many_jobs = 200'000;        // a replay of so many takes a while
constexpr double most_work = 100 * 365 * 86400.;  // seconds
constexpr unsigned largest_crew = 100'000;
constexpr std::size_t most_sizes = 100;
constexpr std::size_t most_in_table = 1000;  // jobs
constexpr unsigned widest_table = 64;        // workers; each of them is a thread

struct plan_options {
    std::vector<unsigned> sizes;
    std::optional<unsigned> table;
    bool json = false;
    std::string run_name;
};
plan_options& options(void* o) { return *static_cast<plan_options*>(o); }

std::optional<unsigned> read_size_of_crew(std::string_view text) {
    const auto count = read_count(text);
    if (!count || *count == 0 || *count > largest_crew) return std::nullopt;
    return static_cast<unsigned>(*count);
}

// 4   1-16   2,4,8
std::string take_sizes(void* o, std::string_view text) {
    std::vector<unsigned>& all = options(o).sizes;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view part = text.substr(begin, end - begin);
        const std::size_t dash = part.find('-');
        const auto first = read_size_of_crew(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : read_size_of_crew(part.substr(dash + 1));
        if (!first || !last || *last < *first)
            return "'" + std::string(text) + "' is no list of sizes; write for example 4, 1-16 or 2,4,8";
        if (*last - *first >= most_sizes || all.size() + (*last - *first) >= most_sizes)
            return "more than " + std::to_string(most_sizes) + " sizes";
        for (unsigned size = *first; size <= *last; ++size) all.push_back(size);
        begin = end + 1;
    }
    std::ranges::sort(all);
    all.erase(std::ranges::unique(all).begin(), all.end());
    return {};
}

std::string take_table(void* o, std::string_view text) {
    options(o).table = read_size_of_crew(text);
    if (!options(o).table || *options(o).table > widest_table)
        return "a crew of 1 to " + std::to_string(widest_table) + " is wanted";
    return {};
}

constexpr flag plan_flags[] = {
    {"--crew", "-j", "SIZES",
     "Which sizes to try: 4, 1-16, 2,4,8. Default: from 1 to four times what the run had, or four for each CPU.",
     take_sizes},
    {"--table", "", "N",
     "What a crew of N would do moment by moment, as a table in Markdown. For runs of up to 1000 jobs.", take_table},
    {"--run", "", "NAME", "Which run: a name out of `gristmill run --list`. Default: the last one of this folder.",
     [](void* o, std::string_view v) {
         options(o).run_name = v;
         return std::string(v.empty() ? "the name of a run is wanted" : "");
     }},
    {"--json", "", "", "The figures as JSON, times in seconds.",
     [](void* o, std::string_view) {
         options(o).json = true;
         return std::string();
     }},
};
constexpr flag_group plan_groups[] = {{"Flags", plan_flags}};

// Ends early where a larger crew cannot be faster: when all jobs run at once, or wait for the longest of them.
std::vector<replayed> try_sizes(const run_history& run, std::vector<unsigned> sizes) {
    const auto durations = run.durations_by_number();
    const bool all_of_them = !sizes.empty();
    if (!all_of_them) {
        sizes = sizes_to_try(std::min(largest_crew, 4 * std::max(run.lanes, detail::os::usable_cpus())),
                             durations.size() > many_jobs);
        sizes.insert(std::ranges::lower_bound(sizes, run.lanes), run.lanes);
        sizes.erase(std::ranges::unique(sizes).begin(), sizes.end());
    }
    const double longest = run.duration_at(1);
    std::vector<replayed> all;
    for (const unsigned size : sizes) {
        all.push_back(replay(durations, size));
        const bool as_fast_as_can_be = all.back().seconds <= longest * 1.001 || size >= durations.size();
        if (!all_of_them && as_fast_as_can_be && size >= run.lanes) break;
    }
    return all;
}

std::string percent(double part) { return std::to_string(static_cast<int>(part * 100 + 0.5)) + " %"; }

std::string right(std::string text, std::size_t columns) {
    return text.insert(0, columns - std::min(columns, text.size()), ' ');
}

std::string why(std::span<const replayed> all, std::size_t chosen) {
    std::string text = "Choose " + std::to_string(all[chosen].crew) + ": ";
    if (chosen + 1 == all.size())
        return text + (all.size() == 1 ? "no other was tried.\n"
                                       : "of those that were tried the fastest that is still kept busy.\n");
    const replayed& next = all[chosen + 1];
    const double gain = 1 - next.seconds / all[chosen].seconds;
    if (!(gain >= 0.005)) return text + "more would not be faster.\n";  // also where nothing took any time
    return text + std::to_string(next.crew) + " would be " + percent(gain) + " faster, and busy for " +
           percent(next.busy) + " of the time.\n";
}

std::string text_of(const past_run& of, std::span<const replayed> all) {
    const run_history& run = of.history;
    const std::size_t chosen = choice(all);
    std::string text = of.name.empty() ? std::string() : of.title + '\n';
    text += std::to_string(run.jobs.size()) + (run.jobs.size() == 1 ? " job, " : " jobs, ") + time_text(run.work) +
            " of work: half of them took up to " + time_text(run.duration_at(0.5)) + ", the longest " +
            time_text(run.duration_at(1)) + ".\nThe run took " + time_text(run.took()) + ", with up to " +
            std::to_string(run.lanes) + " at a time.\n\n   crew  would take   busy\n";
    for (std::size_t i = 0; i != all.size(); ++i)
        text += (i == chosen ? "*" : " ") + right(std::to_string(all[i].crew), 6) +
                right(time_text(all[i].seconds), 12) + right(percent(all[i].busy), 7) + '\n';
    return text + '\n' + why(all, chosen) +
           "That is so if a job takes as long in any crew. Jobs that need a CPU all the time do not, beyond one for "
           "each CPU (here " +
           std::to_string(detail::os::usable_cpus()) + ").\n";
}

std::string number(double value) {
    char text[40];
    std::snprintf(text, sizeof(text), "%.3f", value);
    return text;
}

std::string json_of(const past_run& of, std::span<const replayed> all) {
    const run_history& run = of.history;
    std::string text = of.name.empty() ? "{" : "{\"run\":\"" + of.name + "\",";  // digits, letters, dashes
    text += "\"jobs\":" + std::to_string(run.jobs.size()) + ",\"work\":" + number(run.work) +
            ",\"median\":" + number(run.duration_at(0.5)) + ",\"longest\":" + number(run.duration_at(1)) +
            ",\"took\":" + number(run.took()) + ",\"lanes\":" + std::to_string(run.lanes) +
            ",\"choose\":" + std::to_string(all[choice(all)].crew) + ",\"crews\":[";
    for (const replayed& one : all)
        text += (&one == all.data() ? "" : ",") + ("{\"crew\":" + std::to_string(one.crew)) +
                ",\"seconds\":" + number(one.seconds) + ",\"busy\":" + number(one.busy) + '}';
    return text + "]}\n";
}

int plan(std::span<const std::string_view> words) {
    plan_options wanted;
    const parsed_words flags = parse_mixed(plan_verb, words, &wanted);
    if (flags.help) return print(plan_verb, help_of(plan_verb));
    if (!flags.error.empty()) return fail(plan_verb, flags.error + "\n`gristmill plan --help` tells more.");
    std::vector<std::string_view> files = flags.words;
    files.insert(files.end(), flags.after.begin(), flags.after.end());
    try {
        const auto of = read_past_run(files, wanted.run_name, false);
        if (!of) return fail(plan_verb, of.error());
        const run_history* const run = &of->history;
        if (run->work > most_work) return fail(plan_verb, "more than a hundred years of work: no clock goes so far");
        if (!wanted.table) {
            const auto all = try_sizes(*run, std::move(wanted.sizes));
            return print(plan_verb, wanted.json ? json_of(*of, all) : text_of(*of, all));
        }
        if (run->jobs.size() > most_in_table)
            return fail(plan_verb, "a table of " + std::to_string(run->jobs.size()) +
                                       " jobs is not to be read; it has up to " + std::to_string(most_in_table));
        return print(plan_verb, replay_table(run->durations_by_number(), *wanted.table));
    } catch (const std::exception& wrong) {  // no memory, no thread
        return fail(plan_verb, wrong.what());
    }
}

constexpr example examples[] = {
    {"gristmill run ./resize {} ::: *.jpg; gristmill plan", "After a run, what another -j would have made of it:"},
    {"gristmill plan --crew 8-12", "Only some sizes:"},
    {"gristmill plan log", "Of a run whose log (--joblog) is in the file `log`:"},
    {"gristmill plan --table 3", "A crew of three, moment by moment:"},
};

}  // namespace

const verb plan_verb = {
    .name = "plan",
    .summary = "tell how long a run would have taken with another crew",
    .usage = "[FLAGS] [FILE]",
    .about =
        "Reads the journal of the last run in this folder, or of the one that --run names, or a log (FILE is what "
        "--joblog of `gristmill run`, or of GNU parallel, has written), and lets a pool of each size go through its "
        "jobs again on virtual time, in the order of the input. For each size it tells how long that takes and for "
        "what part of the time the crew is busy, and which to choose: the largest that is busy for 80 %, or a smaller "
        "one that takes at most 5 % longer.\n\n"
        "Nothing is run. All jobs are taken to be there from the beginning, and to take as long as they took.",
    .flags = plan_groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = plan,
};

}  // namespace gm::program
