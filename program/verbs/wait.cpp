// gristmill wait: until jobs are over; the exit status says how they ended.
#include <unistd.h>

#include <cstdio>
#include <optional>

#include <gristmill/jobs/client.hpp>
#include <gristmill/timer.hpp>

#include "program/cli/safe_text.hpp"
#include "program/jobs/asking.hpp"
#include "program/push/line_batches.hpp"
#include "program/store/arguments.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

constexpr int not_all_completed = 1;
constexpr int timed_out = 124;  // as timeout(1)

struct wait_options : store_options {
    std::optional<std::chrono::microseconds> timeout;
    bool quiet = false;
};

std::string read_all_ids(std::span<const std::string_view> words, std::vector<jobs::job_id>& to) {
    for (const std::string_view word : words) {
        if (word != "-") {
            if (std::string wrong = take_ids(word, to); !wrong.empty()) return wrong;
            continue;
        }
        line_batches input(STDIN_FILENO);
        for (std::vector<std::string> lines; input.next(lines);)
            for (const std::string& line : lines)
                if (std::string wrong = take_ids(line, to); !wrong.empty()) return wrong;
        if (!input.error().empty()) return input.error();
    }
    return {};
}

void tell(const wait_options& options, const jobs::record& job) {
    if (options.quiet) return;
    if (options.json) {
        print_json(json_of(job));
    } else {
        std::string line = std::to_string(job.id.number) + ' ' + std::string(name_of(job.state));
        if (job.state != jobs::state::completed && !job.errors.empty()) {
            const std::string& why = job.errors.back().error;
            line += ": " + printable(why.substr(0, why.find('\n')));
        }
        print_line(line);
    }
    std::fflush(stdout);
}

// They are waited for one after the other: it takes as long as the last of them.
int wait_for(const wait_options& options, jobs::store& store, const std::vector<jobs::job_id>& ids) {
    jobs::client client(store);
    const until limit = options.timeout ? until(gm::now() + *options.timeout) : until();
    int status = 0;
    for (const jobs::job_id id : ids) {
        const auto end = client.wait(id, limit);
        if (end) {
            if (end->state != jobs::state::completed) status = not_all_completed;
            tell(options, *end);
        } else if (end.error().why == jobs::wait_error::timed_out) {
            remark(wait_verb, "the time is up, and job " + std::to_string(id.number) + " is not over");
            return timed_out;
        } else if (end.error().why == jobs::wait_error::missing) {
            return fail(wait_verb, "there is no job " + std::to_string(id.number) +
                                       "; what is completed is kept for a day, if nothing else was asked for");
        } else {
            return fail(wait_verb, end.error().what);
        }
    }
    return status;
}

int wait(std::span<const std::string_view> words) {
    wait_options options;
    parsed_words given;
    if (const auto over = read_words(wait_verb, words, &options, given)) return *over;
    given.words.insert(given.words.end(), given.after.begin(), given.after.end());
    if (given.words.empty()) return fail(wait_verb, "for which jobs? Give their ids, or - for ids on standard input");
    std::vector<jobs::job_id> ids;
    if (const std::string wrong = read_all_ids(given.words, ids); !wrong.empty()) return fail(wait_verb, wrong);
    const auto store = open_store(options, if_missing::refuse);
    if (!store) return fail(wait_verb, store.error());
    return wait_for(options, **store, ids);
}

wait_options& options(void* of) { return *static_cast<wait_options*>(of); }

constexpr flag own_flags[] = {{"--timeout", "", "TIME", "Wait no longer than that: 30, 10m.",
                               [](void* o, std::string_view v) { return take_time(v, options(o).timeout.emplace()); }},
                              {"--quiet", "", "", "Print nothing.", [](void* o, std::string_view) {
                                   options(o).quiet = true;
                                   return std::string();
                               }}};

constexpr flag_group groups[] = {{"Flags", own_flags}, {"Store", store_flags<wait_options>}};

constexpr example examples[] = {
    {"gristmill wait 17 18", "Two jobs:"},
    {"gristmill push -- make test | gristmill wait -", "As if the job had been run here:"},
    {"gristmill push - < commands.txt | gristmill wait - --quiet --timeout 1h", "A whole list, for an hour at most:"},
};

}  // namespace

const verb wait_verb = {
    .name = "wait",
    .summary = "wait until jobs are over",
    .usage = "[FLAGS] [ID | ID-ID]...\n[FLAGS] - < ids",
    .about = "Prints for each job how it ended, in the order of the ids, as soon as that is known.",
    .flags = groups,
    .examples = examples,
    .more_title = "Exit status",
    .more =
        "    0      all are completed\n"
        "    1      some are dead or cancelled\n"
        "    124    the time was up\n"
        "    255    there is no such job, or the store cannot be asked\n",
    .run = wait,
};

}  // namespace gm::program
