#pragma once
// What a job holds that is no number and no name, to and from its column. JSON, so that a person with the sqlite3 program can
// read it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/jobs/record.hpp>

#include "clock.hpp"

namespace gm::stores::sqlite {

std::optional<std::string> text_of(const std::vector<std::string>& tags);  // none: NULL
std::vector<std::string> tags_from(std::string_view text);

std::optional<std::string> text_of(const std::optional<jobs::retry_policy>& retry);
std::optional<jobs::retry_policy> retry_from(std::string_view text);

inline micros micros_of(jobs::wall_time time) noexcept { return time.time_since_epoch().count(); }
inline jobs::wall_time time_of(micros time) noexcept { return jobs::wall_time(std::chrono::microseconds(time)); }

inline micros rank_of(micros run_at, int priority) noexcept { return run_at - priority * jobs::priority_step.count(); }

// The end of a text that is too long is cut, at a whole character.
std::string cut(std::string_view text, std::size_t most);

}  // namespace gm::stores::sqlite
