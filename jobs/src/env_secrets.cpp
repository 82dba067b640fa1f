#include "env_secrets.hpp"

#include <algorithm>
#include <cstdlib>

#include "utf8.hpp"

namespace gm::jobs::detail {

namespace {

constexpr std::size_t least_masked = 4;  // shorter ones stand in any text

}  // namespace

env_secrets::env_secrets(const std::vector<std::string>& allowed) {
    for (const std::string& name : allowed) {
        const char* const value = std::getenv(name.c_str());
        all_.push_back({name, value ? std::optional<std::string>(value) : std::nullopt});
    }
    std::ranges::sort(all_, std::ranges::greater(),
                      [](const variable& each) { return each.value.value_or("").size(); });
}

result<std::string, std::string> env_secrets::find(const std::string& name) const {
    const auto found = std::ranges::find(all_, name, &variable::name);
    if (found == all_.end()) return failure("this worker does not give out its variable '" + name + "'");
    if (!found->value) return failure("the variable '" + name + "' is not set where this worker runs");
    if (!utf8::is_valid(*found->value)) return failure("the variable '" + name + "' of this worker is no UTF-8");
    return *found->value;
}

std::string env_secrets::masked(std::string_view text) const {
    std::string shown(text);
    for (const auto& [name, value] : all_) {
        if (!value || value->size() < least_masked) continue;
        const std::string instead = "[$" + name + ']';
        for (std::size_t at = 0; (at = shown.find(*value, at)) != std::string::npos; at += instead.size())
            shown.replace(at, value->size(), instead);
    }
    return shown;
}

}  // namespace gm::jobs::detail
