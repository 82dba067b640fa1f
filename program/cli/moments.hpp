#pragma once
// Times as people write and read them, in the zone of this machine (TZ). What programs read is UTC: store/json.hpp.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <gristmill/jobs/record.hpp>
#include <gristmill/result.hpp>

namespace gm::program {

// A time that may have been written as an age: "90m" is 90 minutes before whatever now is.
struct moment {
    std::optional<std::chrono::microseconds> ago;
    jobs::wall_time fixed{};  // without `ago`
    jobs::wall_time at(jobs::wall_time now) const { return ago ? now - *ago : fixed; }
    bool operator==(const moment&) const = default;
};

// "90m", "1d12h"; "2026-11-21", "2026-11-21 14:30", "…:05", "…:05.25" in the zone of this machine, or with Z or +01:00 at the
// end; a T may stand for the space. The error is a sentence that quotes the text.
result<moment, std::string> read_moment(std::string_view text);

// 2026-11-21 14:30:05, here.
std::string local_text(jobs::wall_time at);
// Here, with the age behind it: 2026-11-21 14:30:05 (3m20s ago), (in 2h).
std::string with_age(jobs::wall_time at, jobs::wall_time now);
// "3m20s"; what is not past yet is "0s".
std::string age_text(jobs::wall_time since, jobs::wall_time now);

}  // namespace gm::program
