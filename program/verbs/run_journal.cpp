#include "program/verbs/run_journal.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>

#include "program/cli/safe_text.hpp"
#include "program/cli/say.hpp"
#include "program/journal/left_commands.hpp"
#include "program/run/command_words.hpp"
#include "program/run/shell_scan.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

namespace fs = std::filesystem;

std::string this_folder() {
    std::error_code failed;
    return fs::current_path(failed).string();
}

constexpr std::size_t most_columns = 200;

std::string shown(const std::string& text) { return one_line(text, most_columns); }

std::string progress_text(const run_facts& run) {
    const std::uint64_t done = run.succeeded + run.failed;
    std::string text = std::to_string(done) + " of " + std::to_string(run.lines) + (run.input_ended ? "" : " or more") +
                       (run.lines == 1 ? " line is done" : " lines are done");
    if (run.failed != 0) text += ", " + std::to_string(run.failed) + " of them failed";
    return text;
}

// None: nothing has been written there.
result<std::optional<earlier_run>, std::string> open_run(const journal_folder::entry& one) {
    auto file = journal_file::open(one.path);
    if (file) return std::optional(earlier_run{one, std::move(*file)});
    if (file.error().how == journal_error::empty) return std::optional<earlier_run>();
    if (file.error().how == journal_error::busy)
        return failure("run " + one.name + " is going on, in another process: wait for it, or end that first");
    return failure(std::move(file).error().what);
}

bool same_command(const run_facts& a, const run_facts& b) {
    return a.command == b.command && a.directory == b.directory;
}

bool is_there_input() {
    struct stat about{};
    return ::fstat(STDIN_FILENO, &about) == 0 && !S_ISCHR(about.st_mode);  // no terminal, and not /dev/null
}

bool reads_standard_input(const run_options& options) {
    return options.sources.size() == 1 && options.sources[0].is_file && options.sources[0].file == "-";
}

// The lines that the journal knows; or an input, and they in its place if it is empty.
class known_or_input final : public tuple_source {
public:
    known_or_input(journal& known, std::optional<argument_tuples> input) : known_(known), input_(std::move(input)) {}

    status next(std::vector<std::string>& tuple) override {
        if (input_) {
            const status got = input_->next(tuple);
            if (got != status::end || any_) {
                any_ = true;
                return got;
            }
            remark("the input is empty: going on with the lines that are known");
            input_.reset();
        }
        auto next = known_.next_known();
        if (!next) return status::end;
        tuple = std::move(*next);
        return status::record;
    }
    const std::string& error() const noexcept override { return input_ ? input_->error() : none_; }
    bool saw_nul() const noexcept override { return input_ && input_->saw_nul(); }

private:
    journal& known_;
    std::optional<argument_tuples> input_;
    const std::string none_;
    bool any_ = false;
};

void wait_for_left_commands(journal_file& file) {
    const auto left = file.left_running();
    if (!left) return;  // the first commit tells what is wrong with the file
    left_commands living(*left);
    const auto pids = living.pids();
    if (!pids.empty()) {
        std::string text;
        for (std::size_t i = 0; i < std::min<std::size_t>(pids.size(), 10); ++i)
            text += (i == 0 ? "" : ", ") + std::to_string(pids[i]);
        remark("waiting for " + std::to_string(pids.size()) +
               (pids.size() == 1 ? " command that was left running: process "
                                 : " commands that were left running: processes ") +
               text + (pids.size() > 10 ? ", ..." : ""));
        living.wait();
    }
    (void)file.forget_running();
}

}  // namespace

std::string shown(const run_facts& run) {
    std::string text;
    for (const std::string& word : run.words) {
        if (text.size() > most_columns) break;
        if (!text.empty()) text += ' ';
        text += begins_source(word) ? word : shell_word(word);
    }
    return one_line(text, most_columns);
}

run_facts facts_of(const run_options& options, std::span<const std::string_view> words, std::string command) {
    const std::string here = this_folder();
    std::error_code failed;
    const fs::path where = fs::weakly_canonical(fs::path(here) / options.directory, failed);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {.words = {words.begin(), words.end()},
            .command = std::move(command),
            .directory = failed || options.directory.empty() ? here : where.string(),
            .started_in = here,
            .names = {},
            .started = std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

result<earlier_run, std::string> find_run(const std::string& name) {
    auto folder = journal_folder::open();
    if (!folder) return failure(std::move(folder).error());
    const std::string here = this_folder();
    for (const journal_folder::entry& one : folder->runs()) {
        if (name.empty() ? !journal_folder::is_started_in(one, here) : one.name != name) continue;
        auto run = open_run(one);
        if (!run) return failure(std::move(run).error());
        if (*run && (!name.empty() || (*run)->file->facts().started_in == here)) return std::move(**run);
    }
    return failure((name.empty() ? "no earlier run was started in this folder" : "there is no run " + name) +
                   "; `gristmill run --list` shows those there are");
}

result<std::optional<earlier_run>, std::string> find_run_of(const run_facts& like, const std::string& name) {
    auto folder = journal_folder::open();
    if (!folder) return failure(std::move(folder).error());
    for (const journal_folder::entry& one : folder->runs()) {
        if (name.empty() ? !journal_folder::is_of(one, like) : one.name != name) continue;
        auto run = open_run(one);
        if (!run) return failure(std::move(run).error());
        if (!*run) continue;
        const run_facts& facts = (*run)->file->facts();
        if (same_command(facts, like)) return run;
        if (!name.empty())
            return failure("run " + name + " is of another command, or for another folder: " + shown(facts) + " (in " +
                           shown(facts.directory) + ")");
    }
    if (!name.empty()) return failure("there is no run " + name + "; `gristmill run --list` shows those there are");
    return std::optional<earlier_run>();
}

std::optional<run_journal> run_journal::begin(const run_facts& facts) {
    const auto folder = journal_folder::open();
    const auto file =
        folder ? folder->make(facts) : result<journal_folder::entry, std::string>(failure(folder.error()));
    if (!file) {
        remark("no journal is kept, so this run cannot be gone on with: " + file.error() +
               "\ngristmill: (--no-journal keeps none, and says nothing)");
        return std::nullopt;
    }
    folder->prune(*file);
    return run_journal(*file, std::make_unique<journal>(file->path, facts), false);
}

run_journal run_journal::go_on(earlier_run run, const run_options& options) {
    remark("going on with run " + run.where.name + ": " + progress_text(run.file->facts()));
    wait_for_left_commands(*run.file);
    const wanted_lines wanted{.waiting = !options.retry_failed,
                              .failed = options.retry_failed || options.resume_failed};
    auto it = std::make_unique<journal>(std::move(run.file), wanted);
    return run_journal(std::move(run.where), std::move(it), true);
}

bool run_journal::needs_input(const run_options& options) const {
    if (!goes_on_) return true;
    return !options.retry_failed && (!reads_standard_input(options) || is_there_input());
}

result<std::unique_ptr<tuple_source>, std::string> run_journal::lines(argument_tuples input,
                                                                      const run_options& options) {
    using source = std::unique_ptr<tuple_source>;
    if (!goes_on_) return source(std::make_unique<argument_tuples>(std::move(input)));
    if (!needs_input(options)) return source(std::make_unique<known_or_input>(*it_, std::nullopt));
    if (auto failed = it_->match_input()) return failure(std::move(*failed));
    if (!reads_standard_input(options)) return source(std::make_unique<argument_tuples>(std::move(input)));
    return source(std::make_unique<known_or_input>(*it_, std::move(input)));
}

std::optional<std::string> run_journal::close() {
    const auto failed = it_->close();
    journal_folder::mark(where_, !failed && it_->facts().all_done());
    if (!failed) return std::nullopt;
    return "the journal cannot be written, so what has ended last may run again: " + *failed;
}

std::string run_journal::what_is_left() const {
    const run_facts& now = it_->facts();
    const std::uint64_t left = now.lines - now.succeeded - now.failed;
    if (left == 0 && now.input_ended) return {};
    std::string text = "gristmill: ";
    text += left == 0 ? "the known lines are done"
                      : std::to_string(left) + (left == 1 ? " line is left" : " lines are left");
    text += now.input_ended
                ? ". To go on:\n"
                : "; the rest of the input was not read. To go on, with that input again if it came from a pipe:\n";
    return text + "    gristmill run --resume --run " + where_.name + '\n';
}

int list_runs() {
    const auto folder = journal_folder::open();
    if (!folder) return fail(run_verb, folder.error());
    for (const journal_folder::entry& one : folder->runs()) {
        const auto file = journal_file::open(one.path);
        if (!file) {
            const std::string how = file.error().how == journal_error::busy    ? "going on"
                                    : file.error().how == journal_error::empty ? "nothing is written yet"
                                                                               : file.error().what;
            std::printf("%s  %s\n", one.name.c_str(), shown(how).c_str());
            continue;
        }
        const run_facts& run = (*file)->facts();
        std::printf("%s  %s, in %s\n    gristmill run %s\n", one.name.c_str(), progress_text(run).c_str(),
                    shown(run.started_in).c_str(), shown(run).c_str());
    }
    return printed(run_verb);
}

}  // namespace gm::program
