// gristmill queues, pause, resume, limit: the queues of a store, and what holds them.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "program/cli/columns.hpp"
#include "program/cli/moments.hpp"
#include "program/cli/safe_text.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/steering_json.hpp"
#include "program/run/values.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

using jobs::queue_limits;
using jobs::queue_report;
using jobs::state;

struct queue_options : store_options {
    bool create = false, none = false;
    // What was said of limits; the others stay what they were.
    std::optional<unsigned> running, running_per_key, burst, burst_per_key;
    std::optional<double> rate, rate_per_key;
    std::optional<bool> fair;
    std::vector<std::pair<std::string, double>> weights;
};

queue_options& options_of(void* o) { return *static_cast<queue_options*>(o); }

std::string take_count(std::optional<unsigned>& to, std::string_view text) {
    const auto count = read_count(text);
    if (!count) return count.error();
    if (*count > 1'000'000'000) return "'" + std::string(text) + "' is too many";
    to = static_cast<unsigned>(*count);
    return {};
}

// 10, 2.5, 10/s, 600/m, 5/h.
std::string take_rate(std::optional<double>& to, std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto number = read_number(text.substr(0, slash));
    if (!number) return number.error();
    const std::string_view unit = slash == std::string_view::npos ? "s" : text.substr(slash + 1);
    const double span = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (span == 0) return "'" + std::string(text) + "' is no rate; write 10/s, 600/m or 5/h";
    to = *number / span;
    return {};
}

std::string take_weight(void* o, std::string_view text) {
    const std::size_t equals = text.rfind('=');
    const auto weight = equals == std::string_view::npos ? read_number("") : read_number(text.substr(equals + 1));
    if (!weight || equals == 0) return "write KEY=WEIGHT, for example customer-7=2";
    options_of(o).weights.emplace_back(text.substr(0, equals), *weight);
    return {};
}

std::string take_fair(void* o, std::string_view text) {
    if (text != "yes" && text != "no") return "yes or no";
    options_of(o).fair = text == "yes";
    return {};
}

constexpr flag create_flags[] = {
    {"--create", "", "", "Also where no job has been in that queue yet.",
     [](void* o, std::string_view) { return options_of(o).create = true, std::string(); }}};
constexpr flag limit_flags[] = {
    {"--running", "", "N", "So many jobs at a time, over all workers; 0: any number.",
     [](void* o, std::string_view v) { return take_count(options_of(o).running, v); }},
    {"--running-per-key", "", "N", "The same for each key.",
     [](void* o, std::string_view v) { return take_count(options_of(o).running_per_key, v); }},
    {"--rate", "", "RATE", "So many starts: 10/s, 600/m, 5/h; 0: any number.",
     [](void* o, std::string_view v) { return take_rate(options_of(o).rate, v); }},
    {"--burst", "", "N", "So many at once after a quiet time.",
     [](void* o, std::string_view v) { return take_count(options_of(o).burst, v); }},
    {"--rate-per-key", "", "RATE", "The same for each key.",
     [](void* o, std::string_view v) { return take_rate(options_of(o).rate_per_key, v); }},
    {"--burst-per-key", "", "N", "The same for each key.",
     [](void* o, std::string_view v) { return take_count(options_of(o).burst_per_key, v); }},
    {"--fair", "", "yes|no", "Keys take turns by what they have had.", take_fair, completes::words, "yes no"},
    {"--weight", "", "KEY=WEIGHT", "In fair shares this key counts so much; others count 1.", take_weight},
    {"--none", "", "", "First take away all limits there are.",
     [](void* o, std::string_view) { return options_of(o).none = true, std::string(); }}};

constexpr flag_group list_groups[] = {{"Store", store_flags<queue_options>}};
constexpr flag_group pause_groups[] = {{"Care", create_flags}, {"Store", store_flags<queue_options>}};
constexpr flag_group limit_groups[] = {
    {"Limits", limit_flags}, {"Care", create_flags}, {"Store", store_flags<queue_options>}};

std::string number_text(double number) { return jobs::json(number).text(); }

void add_part(std::string& to, const std::string& part) { to += (to.empty() ? "" : ", ") + part; }

std::string limits_text(const queue_limits& of) {
    std::string text;
    if (of.running != 0) add_part(text, std::to_string(of.running) + " at a time");
    if (of.running_per_key != 0) add_part(text, std::to_string(of.running_per_key) + " a key");
    if (of.rate != 0) add_part(text, number_text(of.rate) + "/s");
    if (of.rate_per_key != 0) add_part(text, number_text(of.rate_per_key) + "/s a key");
    if (of.fair) add_part(text, "fair");
    return text;
}

std::vector<cell> row_of(const queue_report& of, jobs::wall_time now) {
    const auto count = [&](state which) { return of.counts[static_cast<std::size_t>(which)]; };
    const auto shown = [](std::uint64_t number, colour how = colour::none) {
        return number == 0 ? cell{"-", colour::dim} : cell{std::to_string(number), how};
    };
    return {{of.name},
            shown(count(state::available)),
            shown(count(state::running)),
            shown(count(state::scheduled) + count(state::waiting)),
            shown(count(state::retrying), colour::yellow),
            shown(count(state::dead), colour::red),
            shown(of.completed),
            {of.oldest_available ? age_text(*of.oldest_available, now) : ""},
            {of.paused ? "paused" : "", colour::yellow},
            {limits_text(of.limits)}};
}

void print_table(const std::vector<queue_report>& all, jobs::wall_time now) {
    table_text table({{.title = "QUEUE", .may_shrink = true},
                      {.title = "READY", .right = true},
                      {.title = "RUNNING", .right = true},
                      {.title = "LATER", .right = true},
                      {.title = "RETRYING", .right = true},
                      {.title = "DEAD", .right = true},
                      {.title = "DONE", .right = true},
                      {.title = "OLDEST", .right = true},
                      {.title = "STATE"},
                      {.title = "LIMITS", .may_shrink = true}},
                     terminal_width(STDOUT_FILENO), shows_colours(STDOUT_FILENO));
    for (const queue_report& each : all) table.add(row_of(each, now));
    std::fputs(table.take().c_str(), stdout);
}

// The report of each name, in the order of the names.
result<std::vector<queue_report>, trouble> named(const std::vector<queue_report>& all,
                                                 const std::vector<std::string_view>& names) {
    std::vector<queue_report> wanted;
    for (const std::string_view name : names) {
        auto one = find_named(all, name, "queue");
        if (!one) return failure(std::move(one).error());
        wanted.push_back(*std::move(one));
    }
    return wanted;
}

int queues(std::span<const std::string_view> words) {
    queue_options options;
    parsed_words given;
    if (const auto over = read_words(queues_verb, words, &options, given)) return *over;
    const auto in = ask(options);
    if (!in) return fail(queues_verb, in.error());
    auto all = in->store->ledger()->queues();
    if (!all) return fail(queues_verb, all.error().what);
    if (!given.words.empty()) {
        auto wanted = named(*all, given.words);
        if (!wanted) return fail(queues_verb, wanted.error());
        all = *std::move(wanted);
    }
    if (options.json)
        for (const queue_report& each : *all) print_json(json_of(each));
    else if (!all->empty())
        print_table(*all, in->store->now());
    else
        remark(queues_verb, "no job has been put in yet");
    return printed(queues_verb);
}

// The queues that the words name, which have to be there unless --create is.
struct chosen {
    open_ledger in;
    std::vector<queue_report> queues;
};
result<chosen, trouble> choose(const queue_options& options, const std::vector<std::string_view>& names) {
    if (names.empty()) return failure(trouble{"which queue? `gristmill queues` lists them"});
    auto in = ask(options);
    if (!in) return failure(trouble{std::move(in).error()});
    auto all = (*in)->queues();
    if (!all) return failure(trouble{std::move(all).error().what});
    if (options.create)
        for (const std::string_view name : names)
            if (std::ranges::find(*all, name, &queue_report::name) == all->end()) {
                all->emplace_back();
                all->back().name = name;
            }
    auto wanted = named(*all, names);
    if (!wanted) return failure(trouble{wanted.error().what + "; --create makes one", wanted.error().status});
    return chosen{*std::move(in), *std::move(wanted)};
}

int set_paused(const verb& by, std::span<const std::string_view> words, bool paused) {
    queue_options options;
    parsed_words given;
    if (const auto over = read_words(by, words, &options, given)) return *over;
    const auto which = choose(options, given.words);
    if (!which) return fail(by, which.error());
    for (const queue_report& each : which->queues) {
        const auto changed = which->in->pause(each.name, paused);
        if (!changed) return fail(by, changed.error().what);
        if (options.json)
            print_json(jobs::json(jobs::json::object{{"name", each.name}, {"paused", paused}, {"changed", *changed}}));
        else if (!*changed)
            remark(by, each.name + (paused ? " is paused already" : " is not paused"));
    }
    return printed(by);
}

int pause(std::span<const std::string_view> words) { return set_paused(pause_verb, words, true); }
int resume(std::span<const std::string_view> words) { return set_paused(resume_verb, words, false); }

queue_limits changed(queue_limits limits, const queue_options& by) {
    if (by.none) limits = {};
    const auto put = [](auto& to, const auto& from) {
        if (from) to = *from;
    };
    put(limits.running, by.running);
    put(limits.running_per_key, by.running_per_key);
    put(limits.rate, by.rate);
    put(limits.burst, by.burst);
    put(limits.rate_per_key, by.rate_per_key);
    put(limits.burst_per_key, by.burst_per_key);
    put(limits.fair, by.fair);
    for (const auto& [key, weight] : by.weights) limits.weights[key] = weight;
    return limits;
}

int limit(std::span<const std::string_view> words) {
    queue_options options;
    parsed_words given;
    if (const auto over = read_words(limit_verb, words, &options, given)) return *over;
    const auto which = choose(options, given.words);
    if (!which) return fail(limit_verb, which.error());
    for (const queue_report& each : which->queues) {
        queue_report now = each;
        now.limits = changed(each.limits, options);
        const auto done = which->in->limit(each.name, now.limits);
        if (!done) return fail(limit_verb, done.error().what);
        if (options.json)
            print_json(jobs::json(jobs::json::object{{"name", now.name}, {"limits", json_of(now.limits)}}));
        else
            print_line(printable(now.name) + ": " +
                       (limits_text(now.limits).empty() ? "no limits" : limits_text(now.limits)));
    }
    return printed(limit_verb);
}

constexpr example queues_examples[] = {
    {"gristmill queues", "All of them:"},
    {"gristmill queues --json | jq 'select(.paused).name'", "Which are paused?"},
};
constexpr example pause_examples[] = {{"gristmill pause mail", "No job of this queue starts any more:"}};
constexpr example resume_examples[] = {{"gristmill resume mail", "Go on:"}};
constexpr example limit_examples[] = {
    {"gristmill limit mail --running 5 --rate 100/m", "Five at a time, a hundred a minute:"},
    {"gristmill limit convert --fair yes --weight customer-7=2", "Keys take turns, one of them twice as often:"},
    {"gristmill limit mail --none", "No limits:"},
};

}  // namespace

const verb queues_verb = {
    .name = "queues",
    .summary = "list the queues, with what waits in each and what limits it",
    .usage = "[FLAGS] [QUEUE]...",
    .about =
        "READY waits for a worker, OLDEST since when. LATER waits for its time or for other jobs. DONE counts what was "
        "ever completed; the other counts are of the jobs that are kept.",
    .flags = list_groups,
    .examples = queues_examples,
    .more_title = {},
    .more = {},
    .run = queues,
};

const verb pause_verb = {
    .name = "pause",
    .summary = "let no job of a queue start",
    .usage = "[FLAGS] QUEUE...",
    .about = "From now on no job of the queue starts, on any worker. What runs goes on, and jobs can be put in.",
    .flags = pause_groups,
    .examples = pause_examples,
    .more_title = {},
    .more = {},
    .run = pause,
};

const verb resume_verb = {
    .name = "resume",
    .summary = "let the jobs of a paused queue start again",
    .usage = "[FLAGS] QUEUE...",
    .about = "Takes back what `gristmill pause` did.",
    .flags = pause_groups,
    .examples = resume_examples,
    .more_title = {},
    .more = {},
    .run = resume,
};

const verb limit_verb = {
    .name = "limit",
    .summary = "limit how many jobs of a queue run, and how often they start",
    .usage = "[FLAGS] QUEUE...",
    .about =
        "Changes the limits of a queue, which hold over all workers. What is not said stays as it was; without any "
        "flag the limits are only told.",
    .flags = limit_groups,
    .examples = limit_examples,
    .more_title = {},
    .more = {},
    .run = limit,
};

}  // namespace gm::program
