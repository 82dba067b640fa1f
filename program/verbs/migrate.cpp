// gristmill migrate: the tables of a store are brought up to what this program needs.
#include <cstdio>

#include <gristmill/jobs/store_url.hpp>

#include <gristmill/stores/open.hpp>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/safe_text.hpp"
#include "program/cli/say.hpp"
#include "program/store/json.hpp"
#include "program/store/open.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

constexpr int to_be_migrated = 1;

struct migrate_options : store_options {
    bool check = false;
};

int tell(const migrate_options& options, const std::string& store, bool was_behind, const std::string& words) {
    if (options.json) {
        jobs::json::object all;
        all.emplace_back("store", store);
        all.emplace_back("was_behind", was_behind);
        if (was_behind) all.emplace_back("what", words);
        print_json(std::move(all));
    } else {
        print_line(printable(words));
    }
    return printed(migrate_verb);
}

int migrate_at(const migrate_options& options, const std::string& url) {
    // Looked at first without a change: only then it can be said what there was.
    const auto before = stores::open(unchanged(url));
    if (before) return tell(options, (*before)->name(), false, (*before)->name() + ": up to date");
    if (before.error().fault != jobs::store_fault::too_old) return fail(migrate_verb, before.error().what);
    if (options.check) {
        const int told = tell(options, jobs::store_url::parse(url)->shown(), true, before.error().what);
        return told != 0 ? told : to_be_migrated;
    }
    const auto after = stores::open(url);
    if (!after) return fail(migrate_verb, after.error().what);
    return tell(options, (*after)->name(), true, before.error().what + "; done");
}

int migrate(std::span<const std::string_view> words) {
    migrate_options options;
    const parsed flags = parse(migrate_verb, words, &options);
    if (flags.help) return print(migrate_verb, help_of(migrate_verb));
    std::string wrong = flags.error;
    if (wrong.empty() && !flags.rest.empty())
        wrong = "it takes no arguments, but got '" + std::string(flags.rest[0]) + "'";
    if (!wrong.empty()) return fail(migrate_verb, wrong + "\n`gristmill migrate --help` lists the flags.");
    const auto url = store_url_of(options);
    return url ? migrate_at(options, with(*url, if_missing::refuse)) : fail(migrate_verb, url.error());
}

constexpr flag own_flags[] = {
    {"--check", "", "", "Change nothing; exit with 1 if there is something to migrate.", [](void* o, std::string_view) {
         static_cast<migrate_options*>(o)->check = true;
         return std::string();
     }}};

constexpr flag_group groups[] = {{"Flags", own_flags}, {"Store", store_flags<migrate_options>}};

constexpr example examples[] = {
    {"gristmill migrate --store postgres://app@db/app", "Before the new workers are started:"},
    {"gristmill migrate --check || echo to be migrated", "Only look:"},
};

}  // namespace

const verb migrate_verb = {
    .name = "migrate",
    .summary = "bring a store's tables up to date",
    .usage = "[FLAGS]",
    .about =
        "Every verb does this by itself when it opens a store, unless its URL says migrate=no. Here it can be done at "
        "a time of its own, and by a role that may change tables. Workers of the version before go on meanwhile. Exits "
        "with 0, with 1 if --check finds something to do, and with 255 if the store cannot be opened.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = migrate,
};

}  // namespace gm::program
