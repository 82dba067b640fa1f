// gristmill logs: what the attempts of a job have written, and what they go on writing.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "program/cli/safe_text.hpp"
#include "program/jobs/asking.hpp"
#include "program/jobs/filter_words.hpp"
#include "program/jobs/log_reader.hpp"
#include "program/store/json.hpp"
#include "program/verbs/verbs.hpp"

namespace gm::program {

namespace {

using namespace std::chrono_literals;

struct logs_options : store_options {
    bool follow = false, raw = false, last = false;
};

logs_options& options_of(void* o) { return *static_cast<logs_options*>(o); }

constexpr flag log_flags[] = {
    {"--follow", "-f", "", "Go on until the job is over, through its retries.",
     [](void* o, std::string_view) { return options_of(o).follow = true, std::string(); }},
    {"--last", "-l", "", "Only of the latest attempt.",
     [](void* o, std::string_view) { return options_of(o).last = true, std::string(); }},
    {"--raw", "", "", "Send a terminal what was written as it is. Colours come through, and so does all else.",
     [](void* o, std::string_view) { return options_of(o).raw = true, std::string(); }}};

constexpr flag_group groups[] = {{"Flags", log_flags}, {"Store", store_flags<logs_options>}};

class printer {
public:
    explicit printer(const logs_options& options)
        : json_(options.json), safe_(!options.raw && ::isatty(STDOUT_FILENO) != 0) {}

    void print(const log_piece& piece) {
        if (json_) return print_as_json(piece);
        if (piece.first && std::exchange(begun_, true)) remark(logs_verb, "the next attempt");
        if (piece.left_out != 0) remark(logs_verb, std::to_string(piece.left_out) + " bytes are left out here");
        const std::string shown = safe_ ? printable(piece.text, lines::many) : std::string(piece.text);
        std::fwrite(shown.data(), 1, shown.size(), stdout);
    }

private:
    static void print_as_json(const log_piece& piece) {
        jobs::json::object all{{"epoch", piece.epoch}};
        if (piece.left_out != 0) all.emplace_back("left_out", piece.left_out);
        all.emplace_back("log", json_of(jobs::body{std::string(piece.text), "text/plain"}));
        print_json(jobs::json(std::move(all)));
    }

    const bool json_, safe_;
    bool begun_ = false;
};

// One look; whether the job is over. It is found before its logs are read, so that what is over has nothing to add.
result<bool, trouble> look(const open_ledger& from, jobs::job_id id, bool only_last, log_reader& reader, printer& out,
                           bool& news) {
    const auto job = from->find(id);
    if (!job) return failure(trouble{job.error().what});
    if (!*job) return failure(trouble{"there is no job " + std::to_string(id.number), not_all_done});
    const auto parts = from->logs(id);
    if (!parts) return failure(trouble{parts.error().what});
    std::span<const jobs::log_part> wanted(*parts);
    if (only_last && !wanted.empty()) wanted = wanted.last(1);
    const auto pieces = reader.news(wanted);
    for (const log_piece& each : pieces) out.print(each);
    news = !pieces.empty();
    return is_over((*job)->state);
}

// Looks again soon while something comes, and less often while nothing does.
int tell(const open_ledger& from, jobs::job_id id, const logs_options& options) {
    log_reader reader;
    printer out(options);
    auto pause = 50ms;
    for (;;) {
        bool news = false;
        const auto over = look(from, id, options.last, reader, out, news);
        if (!over) return fail(logs_verb, over.error());
        if (*over || !options.follow) return printed(logs_verb);
        if (const int status = printed(logs_verb); status != all_done) return status;
        pause = news ? 50ms : std::min(pause * 2, 1'000ms);
        std::this_thread::sleep_for(pause);
    }
}

int logs(std::span<const std::string_view> words) {
    logs_options options;
    parsed_words given;
    if (const auto over = read_words(logs_verb, words, &options, given)) return *over;
    job_filter which;
    for (const std::string_view word : given.words)
        if (const std::string wrong = take_ids(which, word); !wrong.empty()) return fail(logs_verb, wrong);
    if (which.plain.ids.size() != 1) return fail(logs_verb, "of which job? Give one number; `gristmill ls` lists them");
    const auto from = ask(options);
    if (!from) return fail(logs_verb, from.error());
    return tell(*from, which.plain.ids.front(), options);
}

constexpr example examples[] = {
    {"gristmill logs 17", "What it has written, all attempts:"},
    {"gristmill logs -f 17", "The same while it runs, until it is over:"},
};

}  // namespace

const verb logs_verb = {
    .name = "logs",
    .summary = "print what a job has written, and follow it",
    .usage = "[FLAGS] ID",
    .about =
        "Prints the logs of a job's attempts, the oldest first. Of a long log the store keeps the first and the last "
        "half. On a terminal control characters are shown as what they are, unless --raw says otherwise.",
    .flags = groups,
    .examples = examples,
    .more_title = {},
    .more = {},
    .run = logs,
};

}  // namespace gm::program
