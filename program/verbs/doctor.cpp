// gristmill doctor: what is reachable, what is low, and what to do about it.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <gristmill/jobs/store_url.hpp>
#include <gristmill/stores/open.hpp>

#include "program/cli/safe_text.hpp"
#include "program/cli/terminal.hpp"
#include "program/doctor/finding.hpp"
#include "program/jobs/asking.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct doctor_options : store_options {};

constexpr flag_group groups[] = {{"Store", store_flags<doctor_options>}};

std::string advice_for(jobs::store_fault what) {
    using enum jobs::store_fault;
    switch (what) {
        case unreachable: return "is the server up, and are its name and port right? Does something hold the file?";
        case refused: return "look at the rights of the file, or of the user in the URL";
        case full: return "make room where it is kept";
        case damaged: return "take the last good copy, and look at the disk";
        case too_new: return "a newer gristmill has written it: use that one";
        case too_old: return "gristmill migrate";
        case missing: return "gristmill push makes one";
        case invalid:
        case conflict:
        case unsupported:
        case stopped: break;
    }
    return "gristmill push --help tells how a store is named";
}

void look_at_named(findings& to, const doctor_options& options) {
    const auto given = store_url_of(options);
    if (!given) return to.push_back({"store", health::bad, given.error(), "--store sqlite:work.db"});
    const auto read = jobs::store_url::parse(*given);
    if (!read) return to.push_back({"store", health::bad, read.error().what, advice_for(read.error().fault)});
    if (read->scheme() == "sqlite") look_at_disk(to, read->path());
    const auto start = std::chrono::steady_clock::now();
    const auto store = stores::open(unchanged(*given));
    const auto took = std::chrono::steady_clock::now() - start;
    if (!store) return to.push_back({"store", health::bad, store.error().what, advice_for(store.error().fault)});
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(took).count();
    to.push_back({"store", health::good, (*store)->name() + ": open after " + std::to_string(ms) + " ms"});
    look_at_store(to, **store);
}

void print(const finding& one, bool colours) {
    constexpr colour shades[] = {colour::green, colour::yellow, colour::red};
    const std::string how(name_of(one.how));
    std::string line = colours ? coloured(how, shades[static_cast<std::size_t>(one.how)]) : how;
    line.append(6 - how.size(), ' ');
    std::string what = printable(one.what);
    what.resize(std::max<std::size_t>(what.size() + 2, 14), ' ');
    line += what + printable(one.says) + '\n';
    if (!one.advice.empty()) line += std::string(6, ' ') + "do: " + printable(one.advice) + '\n';
    std::fputs(line.c_str(), stdout);
}

jobs::json json_of(const finding& one) {
    jobs::json::object all{{"what", one.what}, {"health", std::string(name_of(one.how))}, {"says", one.says}};
    if (!one.advice.empty()) all.emplace_back("do", one.advice);
    return all;
}

int doctor(std::span<const std::string_view> words) {
    doctor_options options;
    parsed_words given;
    if (const auto over = read_words(doctor_verb, words, &options, given)) return *over;
    if (!given.words.empty()) return fail(doctor_verb, "takes no words; a store is named by --store");
    findings all;
    look_at_machine(all);
    look_at_named(all, options);
    const bool colours = shows_colours(STDOUT_FILENO);
    health worst = health::good;
    for (const finding& one : all) {
        worst = std::max(worst, one.how);
        if (options.json)
            print_json(json_of(one));
        else
            print(one, colours);
    }
    return printed(doctor_verb, static_cast<int>(worst));
}

constexpr example examples[] = {
    {"gristmill doctor", "How are this machine and your store?"},
    {"gristmill doctor --store postgres://worker@db/app --json | jq 'select(.health != \"good\")'",
     "What is not well on a server:"},
};

}  // namespace

const verb doctor_verb = {
    .name = "doctor",
    .summary = "look for what does not work, or soon will not",
    .usage = "[FLAGS]",
    .about =
        "Looks at the limits of this process and its cgroup, at the disk of a store's file and how fast it syncs, at "
        "the store, its clock, its workers and its queues, and says what to do where something is low. Changes "
        "nothing.\n\nExits with 0 if all is well, 1 if something is low, 2 if something does not work.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = doctor,
};

}  // namespace gm::program
