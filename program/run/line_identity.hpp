#pragma once
// What makes a line of input the same line in another run: the template, its arguments and the directory, and, as lines may repeat,
// how many of the same came before it. Not its number: whoever adds a line at the top of the list means the same lines below.

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace gm::program {

struct line_identity {
    std::array<std::uint64_t, 2> hash{};
    std::uint64_t occurrence = 0;  // from 0

    auto operator<=>(const line_identity&) const = default;
};

// Counts in the order of the input, before lines are put together into one command (-n, -X). It keeps an entry for each
// line that differs, so it is made only where somebody wants identities.
class line_identities {
public:
    line_identities(std::string_view command, std::string_view directory);

    line_identity of(std::span<const std::string> arguments);

private:
    std::array<std::uint64_t, 2> before_{};  // the state after the template and the directory
    std::map<std::array<std::uint64_t, 2>, std::uint64_t> seen_;
};

}  // namespace gm::program
