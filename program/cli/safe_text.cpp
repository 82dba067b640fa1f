#include "program/cli/safe_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <iterator>

#include "jobs/src/utf8.hpp"

namespace gm::program {

namespace {

using jobs::utf8::length_of_first;

// requires: length_of_first(text) == length, and not 0.
std::uint32_t first_of(std::string_view text, std::size_t length) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (length == 1) return byte(0);
    std::uint32_t code = byte(0) & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3fU);
    return code;
}

struct range {
    std::uint32_t first, last;
};

bool is_in(std::uint32_t code, auto& ranges) {
    const auto after = std::ranges::upper_bound(ranges, code, {}, [](const range& each) { return each.first; });
    return after != std::begin(ranges) && code <= std::prev(after)->last;
}

// Control characters, C1 among them; marks of direction; the separators of lines and paragraphs.
constexpr range dangerous[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200e, 0x200f},
                               {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
// Of Unicode's East Asian Width: wide and fullwidth, and emoji. Coarse, for a table's sake.
constexpr range wide[] = {{0x1100, 0x115f},   {0x231a, 0x231b},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
                          {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},
                          {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                          {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr range without_width[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
                                   {0x64b, 0x65f},   {0x200b, 0x200d}, {0x20d0, 0x20f0}, {0xfe00, 0xfe0f},
                                   {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};

std::size_t width_of(std::uint32_t code) { return is_in(code, without_width) ? 0 : is_in(code, wide) ? 2 : 1; }

std::string written(const char* format, std::uint32_t code) {
    std::array<char, 16> room;
    const int size = std::snprintf(room.data(), room.size(), format, static_cast<unsigned>(code));
    return {room.data(), static_cast<std::size_t>(size)};
}

std::string shown(std::uint32_t code) {
    if (code == '\n') return "\\n";
    if (code == '\t') return "\\t";
    if (code == '\r') return "\\r";
    return written(code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%06x", code);
}

// As JSON writes a character that it escapes: two halves beyond the first plane.
std::string shown_in_json(std::uint32_t code) {
    if (code < 0x10000) return written("\\u%04x", code);
    return written("\\u%04x", 0xd800 + ((code - 0x10000) >> 10)) + written("\\u%04x", 0xdc00 + (code & 0x3ff));
}

}  // namespace

std::string printable(std::string_view text, lines how) {
    std::string all;
    all.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        if (length == 0) {
            all += written("\\x%02x", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
            continue;
        }
        const std::uint32_t code = first_of(text, length);
        const bool as_it_is = !is_in(code, dangerous) || (how == lines::many && (code == '\n' || code == '\t'));
        if (as_it_is)
            all += text.substr(0, length);
        else
            all += shown(code);
        text.remove_prefix(length);
    }
    return all;
}

std::string printable_json(std::string_view text) {
    std::string all;
    all.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(length_of_first(text), 1);
        const std::uint32_t code = first_of(text, length);
        if (code != '\n' && is_in(code, dangerous))
            all += shown_in_json(code);
        else
            all += text.substr(0, length);
        text.remove_prefix(length);
    }
    return all;
}

std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(length_of_first(text), 1);
        columns += width_of(first_of(text, length));
        text.remove_prefix(length);
    }
    return columns;
}

std::string cut_to(std::string_view text, std::size_t columns, charset with) {
    const std::string_view ellipsis = with == charset::unicode ? "…" : "..";
    const std::size_t needed = with == charset::unicode ? 1 : 2;
    constexpr std::size_t marks_at_most = 4;  // accents on one letter: more of them climb over the lines above
    std::string all;
    std::size_t used = 0, fits = 0;  // of `all`, what leaves room for the ellipsis
    for (std::size_t marks = 0; !text.empty();) {
        const std::size_t length = std::max<std::size_t>(length_of_first(text), 1);
        const std::string_view bytes = text.substr(0, length);
        const std::size_t width = width_of(first_of(bytes, length));
        text.remove_prefix(length);
        marks = width == 0 ? marks + 1 : 0;
        if (marks > marks_at_most) continue;
        if (used + width > columns) {
            all.resize(fits);
            return columns < needed ? all : all.append(ellipsis);
        }
        used += width;
        all += bytes;
        if (used + needed <= columns) fits = all.size();
    }
    return all;
}

std::string one_line(std::string_view text, std::size_t columns, charset with) {
    std::string all = printable(text);
    if (with == charset::unicode) return cut_to(all, columns);
    std::string plain;
    for (std::string_view rest = all; !rest.empty();) {
        const std::size_t length = length_of_first(rest);
        plain += length == 1 ? rest.front() : '?';
        rest.remove_prefix(length);
    }
    return cut_to(plain, columns, with);
}

std::string quoted(std::string_view word) {
    constexpr std::size_t longest = 60;
    return "'" + std::string(word.substr(0, longest)) + "'";
}

std::string for_page(std::string_view text) {
    std::string all;
    all.reserve(text.size() + text.size() / 8);
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        const std::string_view bytes = text.substr(0, std::max<std::size_t>(length, 1));
        text.remove_prefix(bytes.size());
        switch (bytes.front()) {
            case '&': all += "&amp;"; break;
            case '<': all += "&lt;"; break;
            case '>': all += "&gt;"; break;
            case '"': all += "&quot;"; break;
            case '\'': all += "&#39;"; break;
            case '\n':
            case '\t': all += bytes; break;
            default:
                if (length == 0 || is_in(first_of(bytes, length), dangerous))
                    all += "\xef\xbf\xbd";
                else
                    all += bytes;
        }
    }
    return all;
}

}  // namespace gm::program
