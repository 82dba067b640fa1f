#pragma once
// Words from anywhere, as every store can keep them: valid UTF-8 without NUL, of at most so many bytes. What is not valid
// becomes a question mark.

#include <cstddef>
#include <string>
#include <string_view>

#include "utf8.hpp"

namespace gm::jobs::detail {

inline std::string clean(std::string_view text, std::size_t most) {
    std::string kept;
    kept.reserve(text.size() < most ? text.size() : most);
    while (!text.empty()) {
        const std::size_t length = text.front() == '\0' ? 0 : utf8::length_of_first(text);
        if (kept.size() + (length == 0 ? 1 : length) > most) break;
        if (length == 0)
            kept += '?';
        else
            kept += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return kept;
}

}  // namespace gm::jobs::detail
