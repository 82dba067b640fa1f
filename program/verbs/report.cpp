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
#include "program/plan/history.hpp"
#include "program/plan/page.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct report_options {
    std::string file;
};

constexpr flag report_flags[] = {{"--output", "-o", "FILE",
                                  "Where the page goes. Without it, or with -: standard output.",
                                  [](void* o, std::string_view v) {
                                      static_cast<report_options*>(o)->file = v;
                                      return std::string(v.empty() ? "the name of a file is wanted" : "");
                                  },
                                  completes::file}};
constexpr flag_group report_groups[] = {{"Flags", report_flags}};

int write(const std::string& page, const std::string& file, const std::string& log) {
    if (file.empty() || file == "-") return print(report_verb, page);
    std::error_code ignored;
    if (std::filesystem::equivalent(file, log, ignored)) return fail(report_verb, file + " is the log itself");
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << page;
    out.close();
    return out ? 0 : fail(report_verb, file + ": " + std::strerror(errno));
}

int report(std::span<const std::string_view> words) {
    report_options wanted;
    const parsed flags = parse(report_verb, words, &wanted);
    if (flags.help) return print(report_verb, help_of(report_verb));
    if (!flags.error.empty()) return fail(report_verb, flags.error + "\n`gristmill report --help` tells more.");
    // Flags may also stand behind the file: `report log -o page.html` is how people write it.
    const parsed more = parse(report_verb, flags.rest.subspan(flags.rest.empty() ? 0 : 1), &wanted);
    if (!more.error.empty()) return fail(report_verb, more.error);
    if (flags.rest.empty() || !more.rest.empty())
        return fail(report_verb,
                    "the log of one run is wanted: gristmill report FILE -o page.html\n`gristmill run --joblog FILE` "
                    "writes it.");
    if (wanted.file.empty() && ::isatty(STDOUT_FILENO))
        return fail(report_verb, "a page is nothing to read on a terminal; say where it goes: -o page.html");
    const std::string log(flags.rest[0]);
    try {
        const auto run = read_history(log);
        if (!run) return fail(report_verb, run.error());
        return write(page_of(*run, log), wanted.file, log);
    } catch (const std::exception& wrong) {  // no memory
        return fail(report_verb, wrong.what());
    }
}

constexpr example examples[] = {
    {"gristmill report log -o page.html", "The page of a run whose log is in the file `log`:"},
};

}  // namespace

const verb report_verb = {
    .name = "report",
    .summary = "make a page about a run: what ran when, how fast, what failed",
    .usage = "FILE -o PAGE",
    .about =
        "Reads the log of a run (FILE is what --joblog of `gristmill run`, or of GNU parallel, has written) and makes "
        "an HTML page about it: lanes over time, throughput, how long jobs took, the failures with their commands. The "
        "page needs nothing besides itself, has no script in it, and can be sent to anybody.",
    .flags = report_groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = report,
};

}  // namespace gm::program
