#include "program/jobs/cron_words.hpp"

#include <gristmill/jobs/schedule.hpp>

namespace gm::program {

std::string_view name_of(jobs::missed policy) noexcept {
    switch (policy) {
        case jobs::missed::skip: return "skip";
        case jobs::missed::once: return "once";
        case jobs::missed::all: return "all";
    }
    return "?";
}

std::optional<jobs::missed> missed_named(std::string_view name) noexcept {
    for (const auto each : {jobs::missed::skip, jobs::missed::once, jobs::missed::all})
        if (name_of(each) == name) return each;
    return std::nullopt;
}

std::optional<jobs::wall_time> next_of(const jobs::cron_entry& entry, jobs::wall_time now) {
    if (entry.paused) return std::nullopt;
    if (entry.next != jobs::wall_time()) return entry.next;
    const auto next = jobs::next_after(entry, now);
    return next ? *next : std::nullopt;
}

}  // namespace gm::program
