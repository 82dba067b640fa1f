#include "program/run/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <gristmill/detail/os.hpp>

#include "program/cli/safe_text.hpp"

namespace gm::program {

namespace {

// The number at the front; the unit that follows is left in `text`.
std::optional<double> take_number(std::string_view& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc() || value < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

constexpr unsigned most_slots = 1'000'000;

unsigned limited(double wanted) { return static_cast<unsigned>(std::clamp(wanted, 1.0, double{most_slots})); }

std::optional<unsigned> slots(std::string_view text) {
    const double cpus = detail::os::usable_cpus();
    if (text == "auto") return limited(cpus);
    std::string_view digits = text;
    const char sign = text.starts_with('+') || text.starts_with('-') ? text[0] : ' ';
    if (sign != ' ') digits.remove_prefix(1);
    const bool percent = digits.ends_with('%');
    if (percent) digits.remove_suffix(1);
    const auto value = take_number(digits);
    if (!value || !digits.empty()) return std::nullopt;
    const double amount = percent ? std::round(cpus * *value / 100) : *value;
    if (sign != ' ') return limited(sign == '+' ? cpus + amount : cpus - amount);
    return *value == 0 ? most_slots : limited(amount);
}

std::optional<std::string> first_word_of(const std::string& file) {
    std::ifstream in(file);
    std::string word;
    if (!(in >> word)) return std::nullopt;
    return word;
}

}  // namespace

result<seconds_f, std::string> read_time(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, double>, 7> units{
        {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"sec", 1}}};
    std::string_view unit = text;
    const auto value = take_number(unit);
    if (value)
        for (const auto& [name, factor] : units)
            if (unit == name && *value * factor < 1e9) return seconds_f(*value * factor);
    return failure(quoted(text) + " is no time; write for example 30, 1.5s, 200ms, 10m, 2h");
}

result<std::uint64_t, std::string> read_size(std::string_view text) {
    constexpr std::string_view units = "kMGTP";
    std::string_view unit = text;
    const auto value = take_number(unit);
    if (unit.ends_with('B') && unit.size() == 2) unit.remove_suffix(1);
    const std::size_t power = unit.empty() ? 0 : units.find(unit[0] == 'K' ? 'k' : unit[0]) + 1;
    if (!value || unit.size() > 1 || (power == 0 && !unit.empty()) || *value * std::pow(1024.0, power) >= 1e18)
        return failure(quoted(text) + " is no size; write for example 512M or 1.5G");
    return static_cast<std::uint64_t>(*value * std::pow(1024.0, power));
}

result<double, std::string> read_number(std::string_view text) {
    std::string_view rest = text;
    const auto value = take_number(rest);
    if (!value || !rest.empty()) return failure(quoted(text) + " is no number");
    return *value;
}

result<std::uint64_t, std::string> read_count(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return failure(quoted(text) + " is no whole number");
    return value;
}

result<char, std::string> read_character(std::string_view text) {
    if (text.size() == 1) return text[0];
    if (text == "\\n") return '\n';
    if (text == "\\t") return '\t';
    if (text == "\\0") return '\0';
    if (text == "\\\\") return '\\';
    unsigned code = 0;
    if (text.size() == 4 && text.starts_with("\\x") &&
        std::from_chars(text.data() + 2, text.data() + 4, code, 16).ptr == text.data() + 4)
        return static_cast<char>(code);
    return failure(quoted(text) + " is not one character; write , or \\t or \\0 or \\x1f");
}

result<slot_count, std::string> slot_count::parse(std::string_view text) {
    slot_count made;
    if (const auto value = slots(text)) {
        made.now_ = *value;
        return made;
    }
    made.file_ = text;
    const auto word = first_word_of(made.file_);
    const auto value = word ? slots(*word) : std::nullopt;
    if (!value)
        return failure(quoted(text) + (word ? " holds '" + *word + "', which is no number of jobs"
                                            : " is no number of jobs (4, 150%, +1, auto), nor a file that holds one"));
    made.now_ = *value;
    return made;
}

void slot_count::refresh() {
    const auto word = first_word_of(file_);
    if (const auto value = word ? slots(*word) : std::nullopt) now_ = *value;
}

}  // namespace gm::program
