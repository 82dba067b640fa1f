#include "program/verbs/past_run.hpp"

#include <utility>

#include "program/run/command_words.hpp"
#include "program/run/shell_scan.hpp"
#include "program/verbs/run_journal.hpp"
#include "program/verbs/run_words.hpp"

namespace gm::program {

namespace {

result<past_run, std::string> read_log(const std::string& file) {
    auto history = read_history(file);
    if (!history) return failure(std::move(history).error());
    return past_run{.history = std::move(*history),
                    .name = {},
                    .title = file,
                    .retry = "gristmill run --retry-failed --joblog " + shell_word(file)};
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const std::string& word : words) (all += all.empty() ? "" : " ") += word;
    return all;
}

// The journal has the lines of each job, not its command: that is made of them again, as the run has made it.
result<command_maker, std::string> commands_of(const run_facts& facts) {
    const auto options = options_of(facts);
    if (!options) return failure(options.error());
    auto made = read_command(*options, facts.names);
    if (!made) return failure(std::move(made).error());
    return command_maker([command = std::move(*made)](const ended_job& one) {
        if (!command) return joined(one.arguments);
        return command->render({one.arguments, one.job, one.worker}).value_or(joined(one.arguments));
    });
}

result<past_run, std::string> read_journal(const std::string& name, bool with_commands) {
    auto run = find_run(name);
    if (!run) return failure(std::move(run).error());
    const std::string where = "run " + run->where.name;
    command_maker command_of;
    if (with_commands) {
        auto made = commands_of(run->file->facts());
        if (!made) return failure(where + ": " + made.error());
        command_of = std::move(*made);
    }
    auto history = read_history(*run->file, command_of);
    if (!history) return failure(where + ": " + history.error());
    return past_run{.history = std::move(*history),
                    .name = run->where.name,
                    .title = where + ": gristmill run " + shown(run->file->facts()),
                    .retry = "gristmill run --retry-failed --run " + run->where.name};
}

}  // namespace

result<past_run, std::string> read_past_run(std::span<const std::string_view> files, const std::string& name,
                                            bool with_commands) {
    if (files.size() > 1 || (!files.empty() && !name.empty()))
        return failure(std::string("one run at a time: either the FILE of a log, or --run NAME"));
    return files.empty() ? read_journal(name, with_commands) : read_log(std::string(files[0]));
}

}  // namespace gm::program
