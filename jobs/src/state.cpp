#include <gristmill/jobs/state.hpp>

#include <array>

namespace gm::jobs {

namespace {
constexpr std::array<std::string_view, states> names{"waiting",  "scheduled", "available", "running",
                                                     "retrying", "completed", "cancelled", "dead"};
}

std::string_view name_of(state s) noexcept { return names[static_cast<std::size_t>(s)]; }

std::optional<state> state_named(std::string_view name) noexcept {
    for (std::size_t i = 0; i != names.size(); ++i)
        if (names[i] == name) return static_cast<state>(i);
    return std::nullopt;
}

}  // namespace gm::jobs
