#pragma once
// UTF-8 by the letter of RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gm::jobs::utf8 {

constexpr bool is_high_surrogate(std::uint32_t code) noexcept { return code >= 0xd800 && code < 0xdc00; }
constexpr bool is_low_surrogate(std::uint32_t code) noexcept { return code >= 0xdc00 && code < 0xe000; }
constexpr std::uint32_t from_surrogates(std::uint32_t high, std::uint32_t low) noexcept {
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

// How many bytes the first character takes; 0: the text does not begin with one.
constexpr std::size_t length_of_first(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return text.empty() ? 0 : 1;
    if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef)
        return follows(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
    if (first >= 0xf0 && first <= 0xf4)
        return follows(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

constexpr bool is_valid(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

// requires: a code point that is no surrogate.
inline void append(std::string& to, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { to += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

}  // namespace gm::jobs::utf8
