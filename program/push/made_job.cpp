#include "program/push/made_job.hpp"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <gristmill/jobs/codec.hpp>
#include <gristmill/jobs/secrets.hpp>

#include <gristmill/kinds/exec/exec_kind.hpp>

#include "program/push/when.hpp"

namespace gm::program {

namespace {

using kinds::exec::exec_args;
using made = result<jobs::new_job, std::string>;

constexpr std::string_view exec = "exec";

// ---- the line of --jsonl: the names are those of `--json` ----

struct unique_line {
    std::string key;
    std::optional<std::string> until;
    std::optional<double> window;
    static constexpr auto fields =
        jobs::fields("key", &unique_line::key, "until", &unique_line::until, "window", &unique_line::window);
};

struct retry_line {
    std::optional<int> attempts;
    std::optional<double> first, factor, longest, jitter;
    static constexpr auto fields =
        jobs::fields("attempts", &retry_line::attempts, "first", &retry_line::first, "factor", &retry_line::factor,
                     "longest", &retry_line::longest, "jitter", &retry_line::jitter);
};

struct job_line {
    std::optional<std::string> kind, queue, key, run_at, orphaned;
    std::optional<jobs::json> arguments;
    std::optional<int> priority;
    std::optional<std::vector<std::string>> tags;
    std::optional<double> timeout;
    std::optional<retry_line> retry;
    std::optional<unique_line> unique;
    std::optional<std::vector<std::int64_t>> after;
    static constexpr auto fields =
        jobs::fields("kind", &job_line::kind, "arguments", &job_line::arguments, "queue", &job_line::queue, "key",
                     &job_line::key, "priority", &job_line::priority, "run_at", &job_line::run_at, "tags",
                     &job_line::tags, "timeout", &job_line::timeout, "retry", &job_line::retry, "unique",
                     &job_line::unique, "after", &job_line::after, "orphaned", &job_line::orphaned);
};

// Of seconds as JSON has them; false: beyond any sense.
bool read(const std::optional<double>& seconds, std::chrono::microseconds& to) {
    constexpr double longest = 1e9;
    if (!seconds) return true;
    if (!(*seconds >= 0) || *seconds > longest) return false;
    to = std::chrono::microseconds(std::llround(*seconds * 1e6));
    return true;
}

std::string read_retry(const retry_line& from, std::optional<jobs::retry_policy>& to) {
    jobs::retry_policy policy = to.value_or(jobs::retry_policy());
    if (from.attempts) policy.attempts = *from.attempts;
    if (from.factor) policy.factor = *from.factor;
    if (from.jitter) policy.jitter = *from.jitter;
    if (!read(from.first, policy.first) || !read(from.longest, policy.longest)) return "retry: a time is out of range";
    to = policy;
    return {};
}

std::string read_unique(const unique_line& from, std::optional<jobs::unique_key>& to) {
    jobs::unique_key key{.key = from.key};
    const std::string until = from.until.value_or(from.window ? "window" : "finished");
    if (until == "started")
        key.until = jobs::unique_for::started;
    else if (until == "window")
        key.until = jobs::unique_for::window;
    else if (until != "finished")
        return "unique: until is started, finished or window, not '" + until + "'";
    if (!read(from.window, key.window)) return "unique: the window is out of range";
    to = std::move(key);
    return {};
}

std::string read_orphaned(const std::string& text, jobs::when_parent_fails& to) {
    if (text == "hold")
        to = jobs::when_parent_fails::hold;
    else if (text == "cancel")
        to = jobs::when_parent_fails::cancel;
    else if (text == "run")
        to = jobs::when_parent_fails::run;
    else
        return "orphaned: hold, cancel or run, not '" + text + "'";
    return {};
}

// Everything of a line that is a value of its own.
std::string read_fields(job_line&& from, jobs::new_job& to) {
    if (from.queue) to.queue = *std::move(from.queue);
    if (from.key) to.key = *std::move(from.key);
    if (from.priority) to.priority = *from.priority;
    if (from.tags) to.tags = *std::move(from.tags);
    if (from.after) {
        to.after.clear();
        for (const std::int64_t id : *from.after) to.after.push_back({id});
    }
    if (!read(from.timeout, to.timeout)) return "timeout: is out of range";
    std::string wrong;
    if (from.retry) wrong = read_retry(*from.retry, to.retry);
    if (wrong.empty() && from.unique) wrong = read_unique(*from.unique, to.unique);
    if (wrong.empty() && from.orphaned) wrong = read_orphaned(*from.orphaned, to.orphaned);
    return wrong;
}

std::string words_of(const jobs::field_error& error) { return "arguments: " + error.path + ": " + error.what; }

// JSON writes bytes that are no UTF-8 as something else: such a command has to be refused, not changed.
result<jobs::body, std::string> body_of(const exec_args& args) {
    auto body = jobs::to_checked_body(args);
    if (!body) return failure(words_of(body.error()));
    const auto back = jobs::from_body<exec_args>(*body);
    if (!back || *back != args) return failure(std::string("a command is UTF-8; this one has other bytes in it"));
    return *std::move(body);
}

std::string fault_of_arguments(const std::string& kind, const jobs::json& arguments) {
    if (kind != exec) return {};  // its worker knows
    const auto read = jobs::from_body<exec_args>(jobs::with_names_of_secrets({arguments.text(), {}}));
    return read ? std::string() : words_of(read.error());
}

void fill_in(std::string& key, const std::string& text) {
    if (const std::size_t at = key.find("{}"); at != std::string::npos) key.replace(at, 2, text);
}

}  // namespace

result<job_maker, std::string> job_maker::make(const push_options& options, jobs::wall_time now) {
    job_maker maker(options, now);
    if (options.in) maker.run_at_ = now + *options.in;
    if (options.at) {
        const auto when = parse_when(*options.at, now);
        if (!when) return failure("--at: " + when.error());
        maker.run_at_ = *when;
    }
    return maker;
}

jobs::new_job job_maker::begun(const std::string& text) const {
    jobs::new_job job = options_->each;
    job.kind = options_->kind.empty() ? std::string(exec) : options_->kind;
    job.run_at = run_at_;
    if (job.unique) fill_in(job.unique->key, text);
    return job;
}

made job_maker::from_words(std::span<const std::string_view> words) const {
    if (words.empty()) return with_arguments(options_->arguments.value_or("{}"));
    exec_args args;
    args.directory = options_->directory;
    std::string text;
    for (const std::string_view word : words) (text += text.empty() ? "" : " ") += word;
    if (words.size() == 1)
        args.shell = text;
    else
        args.command.emplace(words.begin(), words.end());
    auto body = body_of(args);
    if (!body) return failure(std::string(body.error()));
    jobs::new_job job = begun(text);
    job.arguments = *std::move(body);
    return job;
}

made job_maker::from_line(const std::string& line) const {
    if (jsonl_) return from_json(line);
    if (!options_->kind.empty()) return with_arguments(line);
    const std::string_view word = line;
    return from_words(std::span(&word, 1));
}

made job_maker::with_arguments(const std::string& text) const {
    jobs::new_job job = begun(text);
    const auto read = jobs::json::parse(text);
    if (!read) return failure("arguments: " + read.error().what);
    if (std::string wrong = fault_of_arguments(job.kind, *read); !wrong.empty()) return failure(std::move(wrong));
    job.arguments = {read->text(), {}};
    return job;
}

made job_maker::from_json(const std::string& text) const {
    const auto value = jobs::json::parse(text);
    if (!value) return failure(std::string(value.error().what));
    auto line = jobs::decode<job_line>(*value);
    if (!line) return failure(line.error().path + ": " + line.error().what);
    jobs::new_job job = begun(text);
    if (line->kind) job.kind = *line->kind;
    const jobs::json arguments = line->arguments ? *line->arguments : jobs::json(jobs::json::object());
    if (std::string wrong = fault_of_arguments(job.kind, arguments); !wrong.empty()) return failure(std::move(wrong));
    job.arguments = {arguments.text(), {}};
    if (line->run_at) {
        const auto when = parse_when(*line->run_at, now_);
        if (!when) return failure("run_at: " + when.error());
        job.run_at = *when;
    }
    if (std::string wrong = read_fields(*std::move(line), job); !wrong.empty()) return failure(std::move(wrong));
    return job;
}

}  // namespace gm::program
