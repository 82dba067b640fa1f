#include "program/push/job_options.hpp"

#include <filesystem>
#include <system_error>

#include "program/store/arguments.hpp"

namespace gm::program {

namespace {

jobs::unique_key& unique_of(job_options& of) { return of.each.unique ? *of.each.unique : of.each.unique.emplace(); }
jobs::retry_policy& retry_of(job_options& of) { return of.each.retry ? *of.each.retry : of.each.retry.emplace(); }

}  // namespace

std::string fault_of(const job_options& options, std::span<const std::string_view> command) {
    if (options.kind.empty() && options.arguments) return "--args belongs to --kind; a command follows as it is";
    if (!options.kind.empty() && !command.empty())
        return "a job of the kind '" + options.kind + "' has --args JSON, no command; did you forget --?";
    if (!options.kind.empty() && options.directory)
        return "--wd is where a command runs; a job of the kind '" + options.kind + "' has --args";
    return {};
}

void choose_directory(job_options& options, const jobs::store& store) {
    if (options.directory || store.can(jobs::feature::many_machines).how == jobs::support::yes) return;
    std::error_code failed;
    const auto here = std::filesystem::current_path(failed);
    if (!failed) options.directory = here.string();
}

std::string take_kind(job_options& to, std::string_view text) {
    to.kind = text;
    return text.empty() ? "an empty name" : "";
}

std::string take_priority(job_options& to, std::string_view text) {
    return take_number(text, jobs::least_priority, jobs::greatest_priority, to.each.priority);
}

std::string take_unique(job_options& to, std::string_view text) {
    unique_of(to).key = text;
    return text.empty() ? "an empty key" : "";
}

std::string take_unique_for(job_options& to, std::string_view text) {
    jobs::unique_key& key = unique_of(to);
    if (text == "started" || text == "finished") {
        key.until = text == "started" ? jobs::unique_for::started : jobs::unique_for::finished;
        return {};
    }
    key.until = jobs::unique_for::window;
    const std::string wrong = take_time(text, key.window);
    return wrong.empty() ? wrong : "'" + std::string(text) + "' is neither started, finished nor a time like 1h";
}

std::string take_timeout(job_options& to, std::string_view text) { return take_time(text, to.each.timeout); }
std::string take_retries(job_options& to, std::string_view text) {
    return take_number(text, 1, 1'000'000, retry_of(to).attempts);
}
std::string take_backoff(job_options& to, std::string_view text) { return take_time(text, retry_of(to).first); }

}  // namespace gm::program
