#include <gristmill/jobs/store_url.hpp>

#include <algorithm>

#include <gristmill/jobs/near.hpp>
#include <gristmill/jobs/units.hpp>

namespace gm::jobs {

namespace {

constexpr std::string_view small_letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view of_a_scheme = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
constexpr std::string_view of_a_name = "abcdefghijklmnopqrstuvwxyz0123456789_";

std::optional<unsigned> hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

// With %20 and so on replaced; none if a % is not followed by two digits, or stands for a byte 0.
std::optional<std::string> decoded(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '%') {
            if (text[i] == '\0') return std::nullopt;
            plain += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const auto high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
        if (!high || !low || (*high == 0 && *low == 0)) return std::nullopt;
        plain += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return plain;
}

// The reverse, for what would otherwise end a part of the URL, or cannot be seen.
std::string encoded(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string written;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte != 0x7f && std::string_view("%&=?#").find(c) == std::string_view::npos) {
            written += c;
        } else {
            written += '%';
            written += hex[byte >> 4];
            written += hex[byte & 15];
        }
    }
    return written;
}

// //user:password@host without the password; also of one with an unescaped @ or / in it.
std::string without_password(std::string_view place) {
    const std::size_t at = place.rfind('@');
    if (at == std::string_view::npos) return std::string(place);
    const std::size_t colon = place.find(':');
    return std::string(place.substr(0, std::min(colon, at))) + std::string(place.substr(at));
}

store_error invalid(std::string what) { return {store_fault::invalid, std::move(what)}; }

}  // namespace

bool is_secret(std::string_view option) noexcept {
    return option.find("pass") != std::string_view::npos || option.find("secret") != std::string_view::npos ||
           option.find("token") != std::string_view::npos;
}

// Errors quote nothing but names: what cannot be understood may be a password.
result<store_url, store_error> store_url::parse(std::string_view text) {
    store_url made;
    const std::size_t colon = std::min(text.find(':'), text.size());
    for (const char c : text.substr(0, colon))
        made.scheme_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (colon == text.size() || made.scheme_.empty() ||
        small_letters.find(made.scheme_.front()) == std::string_view::npos ||
        made.scheme_.find_first_not_of(of_a_scheme) != std::string::npos)
        return failure(invalid("this is no URL of a store: it begins with a scheme and a colon, as in sqlite:work.db"));
    const std::string_view rest = text.substr(colon + 1);
    const std::size_t question = std::min(rest.find('?'), rest.size());
    made.place_ = rest.substr(0, question);
    auto path = decoded(made.place_.starts_with("///") ? std::string_view(made.place_).substr(2) : made.place_);
    if (!path)
        return failure(invalid(made.scheme_ +
                               ": a % in a URL is followed by two hexadecimal digits, and not by 00; write %25 "
                               "for the character itself"));
    made.path_ = *std::move(path);
    if (question != rest.size())
        if (auto fault = made.read_options(rest.substr(question + 1)))
            return failure(invalid(made.scheme_ + ": " + *std::move(fault)));
    return made;
}

std::optional<std::string> store_url::read_options(std::string_view text) {
    if (place_.starts_with("//") && place_.find('@') == std::string::npos && text.find('@') != std::string_view::npos)
        return "a ? in a password is written as %3F, and an @ in an option as %40";
    while (!text.empty()) {
        const std::string_view part = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(part.size() + 1, text.size()));
        if (part.empty()) continue;
        const std::size_t equals = std::min(part.find('='), part.size());
        auto name = decoded(part.substr(0, equals));
        auto value = equals == part.size() ? std::string("yes") : decoded(part.substr(equals + 1));
        if (!name || name->empty() || name->find_first_not_of(of_a_name) != std::string::npos)
            return "the name of an option has small letters, digits and _ alone";
        if (!value) return "option '" + *name + "': a % is followed by two hexadecimal digits, and not by 00";
        if (find(*name)) return "option '" + *name + "' is there twice";
        options_.push_back({*std::move(name), *std::move(value)});
    }
    return std::nullopt;
}

const store_url::option* store_url::find(std::string_view name) const noexcept {
    const auto at = std::ranges::find(options_, name, &option::name);
    return at == options_.end() ? nullptr : &*at;
}

std::string store_url::shown() const {
    std::string text = scheme_ + ":" + without_password(place_);
    char before = '?';
    for (const option& each : options_) {
        text += before + encoded(each.name) + "=" + (is_secret(each.name) ? "***" : encoded(each.value));
        before = '&';
    }
    return text;
}

// ---- options ----

void option_reader::wrong(const store_url::option& given, const std::string& why) {
    if (!error_) error_ = invalid(url_.scheme() + ": option '" + given.name + "': " + why);
}

void option_reader::not_one_of(const store_url::option& given, const std::vector<std::string_view>& names) {
    std::string why = "is one of";
    for (const std::string_view name : names) why += (name == names.front() ? " " : ", ") + std::string(name);
    wrong(given, why + ", and not '" + given.value.substr(0, 40) + "'" + did_you_mean(given.value, names));
}

void option_reader::flag(std::string_view name, bool& to) { choice(name, to, {{"yes", true}, {"no", false}}); }

void option_reader::size(std::string_view name, std::size_t& to) {
    const store_url::option* const given = url_.find(name);
    if (!given) return;
    const auto bytes = parse_size(given->value);
    if (bytes)
        to = *bytes;
    else
        wrong(*given, bytes.error());
}

std::optional<std::chrono::microseconds> option_reader::read_duration(std::string_view name) {
    const store_url::option* const given = url_.find(name);
    if (!given) return std::nullopt;
    auto read = parse_duration(given->value);
    if (!read) wrong(*given, read.error());
    return std::move(read).to_optional();
}

void option_reader::limits(size_limits& to) {
    size("arguments", to.arguments);
    size("result", to.result);
    size("error", to.error);
    size("log", to.log);
}

}  // namespace gm::jobs
