#include "program/cli/text.hpp"

#include <clocale>
#include <cwchar>

#include <locale.h>

namespace gm::program {

namespace {

// The system knows UTF-8 and the width of characters, but only within a locale; the program's own is "C". This thread has another one
// while such an object lives.
class in_utf8 {
public:
    in_utf8() noexcept : before_(known() ? ::uselocale(known()) : nullptr) {}
    ~in_utf8() {
        if (before_) ::uselocale(before_);
    }
    in_utf8(const in_utf8&) = delete;
    in_utf8& operator=(const in_utf8&) = delete;

    bool is_there() const noexcept { return before_ != nullptr; }

private:
    static locale_t known() noexcept {
        static const locale_t made = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        return made;
    }
    locale_t before_;
};

struct character {
    wchar_t code = 0;
    std::size_t bytes = 1;
    bool valid = false;
};

// requires: an in_utf8 lives, and the text is not empty.
character first_of(std::string_view text) {
    if (const auto plain = static_cast<unsigned char>(text[0]); plain < 0x80)
        return {static_cast<wchar_t>(plain), 1, true};
    character one;
    std::mbstate_t state{};
    const std::size_t bytes = std::mbrtowc(&one.code, text.data(), text.size(), &state);
    if (bytes == 0 || bytes > text.size()) return {};  // also the two values that say "none" and "not all of it"
    one.bytes = bytes;
    one.valid = one.code < 0xd800 || one.code > 0xdfff;
    return one;
}

bool is_control(wchar_t code) { return code < 0x20 || (code >= 0x7f && code < 0xa0); }

// Characters without a shape of their own: they join, hide or reorder what is beside them.
bool is_format(wchar_t code) {
    return code == 0xad || code == 0x61c || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
           (code >= 0xe0000 && code <= 0xe0fff);
}

struct shape {
    std::string text;
    std::size_t columns;
};

shape shape_of(const character& one, std::string_view bytes, bool unicode) {
    if (one.valid && one.code < 0x80) {
        if (one.code == '\n' || one.code == '\t') return {" ", 1};
        if (!is_control(one.code)) return {std::string(bytes), 1};
        return {{'^', static_cast<char>(one.code ^ 0x40)}, 2};
    }
    if (one.valid && is_format(one.code)) return {"", 0};
    const int width = one.valid && unicode && !is_control(one.code) ? ::wcwidth(one.code) : -1;
    if (width < 0) return {"?", 1};
    return {std::string(bytes), static_cast<std::size_t>(width)};
}

}  // namespace

std::string for_terminal(std::string_view text, std::size_t columns, bool unicode) {
    const in_utf8 here;
    unicode = unicode && here.is_there();
    const std::string_view ellipsis = unicode ? "…" : "..";
    const std::size_t needed = unicode ? 1 : 2;
    std::string all;
    std::size_t used = 0, fits = 0;           // of `all`, what leaves room for the ellipsis
    constexpr std::size_t marks_at_most = 4;  // accents on one letter
    for (std::size_t marks = 0; !text.empty();) {
        const character one = here.is_there() ? first_of(text) : character{wchar_t(text[0]), 1, (text[0] & 0x80) == 0};
        const shape next = shape_of(one, text.substr(0, one.bytes), unicode);
        text.remove_prefix(one.bytes);
        marks = next.columns == 0 ? marks + 1 : 0;
        if (marks > marks_at_most) continue;
        if (used + next.columns > columns) {
            all.resize(fits);
            return columns < needed ? all : all.append(ellipsis);
        }
        used += next.columns;
        all += next.text;
        if (used + needed <= columns) fits = all.size();
    }
    return all;
}

std::string for_page(std::string_view text) {
    const in_utf8 here;
    std::string all;
    all.reserve(text.size() + text.size() / 8);
    while (!text.empty()) {
        const character one = here.is_there() ? first_of(text) : character{wchar_t(text[0]), 1, (text[0] & 0x80) == 0};
        const std::string_view bytes = text.substr(0, one.bytes);
        text.remove_prefix(one.bytes);
        switch (one.valid ? one.code : 0) {
            case '&': all += "&amp;"; break;
            case '<': all += "&lt;"; break;
            case '>': all += "&gt;"; break;
            case '"': all += "&quot;"; break;
            case '\'': all += "&#39;"; break;
            case '\n': all += '\n'; break;
            case '\t': all += '\t'; break;
            default:
                if (!one.valid || is_control(one.code) || is_format(one.code))
                    all += "\xef\xbf\xbd";
                else
                    all += bytes;
        }
    }
    return all;
}

}  // namespace gm::program
