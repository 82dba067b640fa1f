// gristmill report: a page about a run.
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/plan/page.hpp"
#include "program/verbs/past_run.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct report_options {
    std::string file;
    std::string run_name;
};
report_options& options(void* o) { return *static_cast<report_options*>(o); }

constexpr flag report_flags[] = {
    {"--output", "-o", "FILE", "Where the page goes. Without it, or with -: standard output.",
     [](void* o, std::string_view v) {
         options(o).file = v;
         return std::string(v.empty() ? "the name of a file is wanted" : "");
     },
     completes::file},
    {"--run", "", "NAME", "Which run: a name out of `gristmill run --list`. Default: the last one of this folder.",
     [](void* o, std::string_view v) {
         options(o).run_name = v;
         return std::string(v.empty() ? "the name of a run is wanted" : "");
     }},
};
constexpr flag_group report_groups[] = {{"Flags", report_flags}};

// `log`: what the page is made of, if it is a file of the user's.
int write(const std::string& page, const std::string& file, std::string_view log) {
    if (file.empty() || file == "-") return print(report_verb, page);
    std::error_code ignored;
    if (!log.empty() && std::filesystem::equivalent(file, log, ignored))
        return fail(report_verb, file + " is the log itself");
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << page;
    out.close();
    return out ? 0 : fail(report_verb, file + ": " + std::strerror(errno));
}

int report(std::span<const std::string_view> words) {
    report_options wanted;
    const parsed_words flags = parse_mixed(report_verb, words, &wanted);
    if (flags.help) return print(report_verb, help_of(report_verb));
    if (!flags.error.empty()) return fail(report_verb, flags.error + "\n`gristmill report --help` tells more.");
    if (wanted.file.empty() && ::isatty(STDOUT_FILENO))
        return fail(report_verb, "a page is nothing to read on a terminal; say where it goes: -o page.html");
    std::vector<std::string_view> files = flags.words;
    files.insert(files.end(), flags.after.begin(), flags.after.end());
    try {
        const auto run = read_past_run(files, wanted.run_name, true);
        if (!run) return fail(report_verb, run.error());
        return write(page_of(run->history, {.title = run->title, .retry = run->retry}), wanted.file,
                     files.empty() ? std::string_view() : files[0]);
    } catch (const std::exception& wrong) {  // no memory
        return fail(report_verb, wrong.what());
    }
}

constexpr example examples[] = {
    {"gristmill report -o page.html", "The page of the last run in this folder:"},
    {"gristmill report log -o page.html", "The page of a run whose log is in the file `log`:"},
};

}  // namespace

const verb report_verb = {
    .name = "report",
    .summary = "make a page about a run: what ran when, how fast, what failed",
    .usage = "[--run NAME | FILE] -o PAGE",
    .about =
        "Reads the journal of the last run in this folder, or of the one that --run names, or a log (FILE is what "
        "--joblog of `gristmill run`, or of GNU parallel, has written), and makes an HTML page about it: lanes over "
        "time, throughput, how long jobs took, the failures with their commands. The page needs nothing besides "
        "itself, has no script in it, and can be sent to anybody.",
    .flags = report_groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = report,
};

}  // namespace gm::program
