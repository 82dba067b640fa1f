#pragma once
// What can be said of a job, by the same flags wherever one is made: `push`, `cron put`.

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gristmill/jobs/record.hpp>
#include <gristmill/jobs/store.hpp>

#include "program/cli/table.hpp"

namespace gm::program {

struct job_options {
    jobs::new_job each{};  // all but kind, arguments and run_at; {} in its unique key is the command or arguments
    std::string kind;      // empty: exec
    std::optional<std::string> arguments;  // of --args
    std::optional<std::string> directory;  // of commands
};

// What is wrong with these and the words of a command together, or nothing.
std::string fault_of(const job_options& options, std::span<const std::string_view> command);

// A command runs where it was put in, if only processes of this machine can run it.
void choose_directory(job_options& options, const jobs::store& store);

std::string take_kind(job_options& to, std::string_view text);
std::string take_priority(job_options& to, std::string_view text);
std::string take_unique(job_options& to, std::string_view text);
std::string take_unique_for(job_options& to, std::string_view text);
std::string take_timeout(job_options& to, std::string_view text);
std::string take_retries(job_options& to, std::string_view text);
std::string take_backoff(job_options& to, std::string_view text);

template <std::derived_from<job_options> Options>
constexpr job_options& job_of(void* options) {
    return *static_cast<Options*>(options);
}

template <std::derived_from<job_options> Options>
inline constexpr flag kind_flags[] = {
    {"--kind", "-k", "KIND", "What sort of job it is; its worker knows it by this name. Default: exec, a command.",
     [](void* o, std::string_view v) { return take_kind(job_of<Options>(o), v); }},
    {"--args", "-a", "JSON", "The arguments of a job of that kind. Default: {}.",
     [](void* o, std::string_view v) { return job_of<Options>(o).arguments = v, std::string(); }},
    {"--wd", "--workdir", "DIR",
     "The command runs in DIR. Default: here, if the store is a file; else wherever its worker is.",
     [](void* o, std::string_view v) { return job_of<Options>(o).directory = v, std::string(); }, completes::folder},
};

template <std::derived_from<job_options> Options>
inline constexpr flag job_flags[] = {
    {"--queue", "-q", "NAME", "Default: default.",
     [](void* o, std::string_view v) { return job_of<Options>(o).each.queue = v, std::string(); }},
    {"--priority", "-p", "N", "From -100 to 100. Each step puts it a minute ahead in its queue.",
     [](void* o, std::string_view v) { return take_priority(job_of<Options>(o), v); }},
    {"--key", "", "KEY", "Whose job it is: a queue's limits for each key, and fair shares, go by it.",
     [](void* o, std::string_view v) { return job_of<Options>(o).each.key = v, std::string(); }},
    {"--unique", "", "KEY",
     "Nothing is inserted while there is a job of this kind with the same unique KEY. {} in it is the line or the "
     "arguments.",
     [](void* o, std::string_view v) { return take_unique(job_of<Options>(o), v); }},
    {"--unique-for", "", "WHAT",
     "How long the KEY is taken: until the job is started, until it is finished, or for a time like 1h from its "
     "insert. Default: finished.",
     [](void* o, std::string_view v) { return take_unique_for(job_of<Options>(o), v); }, completes::words,
     "started finished 1h"},
    {"--tag", "-t", "TAG", "To find it by. May be given several times.",
     [](void* o, std::string_view v) { return job_of<Options>(o).each.tags.emplace_back(v), std::string(); }},
    {"--timeout", "", "TIME", "An attempt that takes longer is ended, and has failed: 30, 10m.",
     [](void* o, std::string_view v) { return take_timeout(job_of<Options>(o), v); }},
    {"--retries", "", "N", "It is tried N times, the first included. Default: as its worker has it, 20.",
     [](void* o, std::string_view v) { return take_retries(job_of<Options>(o), v); }},
    {"--backoff", "", "TIME",
     "Before the second try; doubles with each further one, up to an hour. Default: as its worker has it, 5s.",
     [](void* o, std::string_view v) { return take_backoff(job_of<Options>(o), v); }},
};

}  // namespace gm::program
