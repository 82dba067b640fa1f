#pragma once
// What makes a line of input the same line in another run: the template, its arguments and the directory. Not its number: whoever
// adds a line at the top of the list means the same lines below. Lines may repeat: the first of them is the first of the same
// elsewhere, the second the second, and so on (journal/line_matcher.hpp).

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace gm::program {

struct line_identity {
    std::array<std::uint64_t, 2> hash{};

    auto operator<=>(const line_identity&) const = default;
};

class line_identities {
public:
    line_identities(std::string_view command, std::string_view directory);

    line_identity of(std::span<const std::string> arguments) const;

private:
    std::array<std::uint64_t, 2> before_{};  // the state after the template and the directory
};

}  // namespace gm::program
