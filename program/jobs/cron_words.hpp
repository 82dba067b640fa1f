#pragma once
// Cron entries out of words, and as people read them.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <gristmill/jobs/ledger.hpp>
#include <gristmill/result.hpp>

namespace gm::program {

std::string_view name_of(jobs::missed policy) noexcept;  // skip, once, all
std::optional<jobs::missed> missed_named(std::string_view name) noexcept;

// The arguments of an exec job: several words are a command and its words, one alone is a line for the shell. The error is a
// sentence; words that are no UTF-8 cannot be kept.
result<jobs::body, std::string> command_arguments(std::span<const std::string_view> words);

// When it fires next: as it is planned, or as it will be once a worker has looked at it. None: never, or it is paused.
std::optional<jobs::wall_time> next_of(const jobs::cron_entry& entry, jobs::wall_time now);

}  // namespace gm::program
