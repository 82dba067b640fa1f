// gristmill help [VERB], version, completion SHELL.
#include <cstdio>

#include <gristmill/version.hpp>

#include "program/cli/help.hpp"
#include "program/cli/parse.hpp"
#include "program/cli/say.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

struct help_options {
    std::string man;
};

constexpr flag help_flags[] = {
    {"--man", "", "PAGE", "A page for man(1): gristmill, or gristmill-VERB.", [](void* o, std::string_view v) {
         static_cast<help_options*>(o)->man = v;
         return std::string();
     }}};
constexpr flag_group help_groups[] = {{"Flags", help_flags}};

int help(std::span<const std::string_view> words) {
    help_options options;
    const parsed flags = parse(help_verb, words, &options);
    if (!flags.error.empty()) return fail(help_verb, flags.error);
    if (flags.help) return print(help_verb, help_of(help_verb));
    if (!options.man.empty()) {
        const auto page = man_page(options.man);
        return page ? print(help_verb, *page) : fail(help_verb, "there is no page " + options.man);
    }
    if (flags.rest.empty()) return print(help_verb, help_of_program());
    const verb* const wanted = find_verb(flags.rest[0]);
    return wanted ? print(help_verb, help_of(*wanted))
                  : fail(help_verb, "there is no verb '" + std::string(flags.rest[0]) + "'");
}

int version(std::span<const std::string_view> words) {
    const parsed flags = parse(version_verb, words, nullptr);
    if (!flags.error.empty()) return fail(version_verb, flags.error);
    return print(version_verb, flags.help ? help_of(version_verb) : std::string("gristmill ") + gm::version() + '\n');
}

int complete(std::span<const std::string_view> words) {
    const parsed flags = parse(completion_verb, words, nullptr);
    if (!flags.error.empty()) return fail(completion_verb, flags.error);
    if (flags.help) return print(version_verb, help_of(completion_verb));
    const auto script = completion(flags.rest.empty() ? "" : flags.rest[0]);
    return script ? print(version_verb, *script) : fail(completion_verb, "for which shell? bash, zsh or fish");
}

constexpr example completion_examples[] = {
    {"eval \"$(gristmill completion bash)\"", "In ~/.bashrc:"},
    {"gristmill completion zsh > ~/.zfunc/_gristmill", "For zsh, in a folder of $fpath:"},
    {"gristmill completion fish > ~/.config/fish/completions/gristmill.fish", "For fish:"},
};

}  // namespace

const verb help_verb = {
    .name = "help",
    .summary = "tell about gristmill, or about a verb",
    .usage = "[VERB]",
    .about = "Tells what `gristmill VERB --help` tells.",
    .flags = help_groups,
    .examples = {},
    .more_title = {},
    .more = {},
    .run = help,
};

const verb version_verb = {
    .name = "version",
    .summary = "tell the version",
    .usage = "",
    .about = "Prints one line.",
    .flags = {},
    .examples = {},
    .more_title = {},
    .more = {},
    .run = version,
};

const verb completion_verb = {
    .name = "completion",
    .summary = "print a script that teaches a shell the verbs and flags",
    .usage = "bash | zsh | fish",
    .about =
        "The script completes verbs, flags and their values; what comes after them is completed as the shell does for "
        "any command.",
    .flags = {},
    .examples = completion_examples,
    .more_title = {},
    .more = {},
    .run = complete,
};

}  // namespace gm::program
