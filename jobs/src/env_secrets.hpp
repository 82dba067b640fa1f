#pragma once
// The variables of this process's environment that its jobs may refer to (secrets.hpp), as they are when a run begins.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gristmill/result.hpp>

namespace gm::jobs::detail {

class env_secrets {
public:
    explicit env_secrets(const std::vector<std::string>& allowed);

    // The error says why there is no such value, and never what another one is.
    result<std::string, std::string> find(const std::string& name) const;
    // The text with "[$NAME]" in the place of each value that stands in it.
    std::string masked(std::string_view text) const;

private:
    struct variable {
        std::string name;
        std::optional<std::string> value;  // none: it is not set
    };
    std::vector<variable> all_;  // longer values first: one may be a part of another
};

}  // namespace gm::jobs::detail
