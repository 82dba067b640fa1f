#include "program/store/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <gristmill/jobs/units.hpp>

#include "program/cli/safe_text.hpp"

namespace gm::program {

std::string take_time(std::string_view text, std::chrono::microseconds& to) {
    const bool plain = !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
    const auto read = jobs::parse_duration(std::string(text) + (plain ? "s" : ""));
    if (!read) return read.error();
    to = *read;
    return {};
}

std::string take_number(std::string_view text, int least, int most, int& to) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    if (error == std::errc() && end == text.data() + text.size() && to >= least && to <= most) return {};
    return "'" + std::string(text) + "' is no number from " + std::to_string(least) + " to " + std::to_string(most);
}

namespace {

std::optional<std::int64_t> id_in(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = error == std::errc() && end == text.data() + text.size() && number > 0;
    return good ? std::optional(number) : std::nullopt;
}

}  // namespace

result<id_range, std::string> read_ids(std::string_view word) {
    const std::size_t dash = word.find('-');
    const auto first = id_in(word.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : id_in(word.substr(dash + 1));
    if (!first || !last) return failure(quoted(word) + " is no number of a job; write 17 or 20-29");
    if (*last < *first) return failure(quoted(word) + ": the first number is the smaller one");
    return id_range{*first, *last};
}

std::string take_ids(std::string_view text, std::vector<jobs::job_id>& to) {
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view word = text.substr(begin, end - begin);
        const auto range = read_ids(word);
        if (!range) return range.error();
        if (range->last - range->first >= most_of_a_range)
            return quoted(word) + ": at most " + std::to_string(most_of_a_range) + " jobs at a time";
        for (std::int64_t i = 0; i <= range->last - range->first; ++i) to.push_back({range->first + i});
        begin = end + 1;
    }
    return {};
}

}  // namespace gm::program
