#include "program/run/line_identity.hpp"

#include <bit>
#include <cstring>

namespace gm::program {

namespace {

using state = std::array<std::uint64_t, 2>;

// Two lanes of multiply and rotate, as MurmurHash3 mixes its blocks: 128 bits are enough that two of 10^12 lines are the same
// with a chance of 10^-15. It has no key, so it is no protection from somebody who looks for two lines that collide: all that it
// would win is that one of his own lines is taken for done.
void mix(state& s, std::uint64_t block) {
    s[0] = (std::rotl(s[0] ^ (block * 0x87c37b91114253d5u), 31) + s[1]) * 0x4cf5ad432745937fu + 0x52dce729;
    s[1] = (std::rotl(s[1] ^ (block * 0x9e3779b97f4a7c15u), 33) + s[0]) * 0x2545f4914f6cdd1du + 0x38495ab5;
}

void finish(std::uint64_t& lane) {
    lane = (lane ^ lane >> 33) * 0xff51afd7ed558ccdu;
    lane = (lane ^ lane >> 33) * 0xc4ceb9fe1a85ec53u;
    lane ^= lane >> 33;
}

// The length goes first: ("ab", "c") and ("a", "bc") are not the same.
void add(state& s, std::string_view text) {
    mix(s, text.size());
    while (!text.empty()) {
        std::uint64_t block = 0;
        const std::size_t size = std::min(text.size(), sizeof(block));
        std::memcpy(&block, text.data(), size);
        mix(s, block);
        text.remove_prefix(size);
    }
}

}  // namespace

line_identities::line_identities(std::string_view command, std::string_view directory) {
    add(before_, command);
    add(before_, directory);
}

line_identity line_identities::of(std::span<const std::string> arguments) const {
    state s = before_;
    mix(s, arguments.size());
    for (const std::string& argument : arguments) add(s, argument);
    finish(s[0]);
    finish(s[1]);
    return {s};
}

}  // namespace gm::program
