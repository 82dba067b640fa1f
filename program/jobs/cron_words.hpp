#pragma once
// Cron entries out of words, and as people read them.

#include <optional>
#include <string_view>

#include <gristmill/jobs/ledger.hpp>

namespace gm::program {

std::string_view name_of(jobs::missed policy) noexcept;  // skip, once, all
std::optional<jobs::missed> missed_named(std::string_view name) noexcept;

// When it fires next: as it is planned, or as it will be once a worker has looked at it. None: never, or it is paused.
std::optional<jobs::wall_time> next_of(const jobs::cron_entry& entry, jobs::wall_time now);

}  // namespace gm::program
