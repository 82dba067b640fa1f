#include "program/store/arguments.hpp"

#include <algorithm>
#include <charconv>

#include <gristmill/jobs/units.hpp>

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

std::string take_ids(std::string_view text, std::vector<jobs::job_id>& to) {
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view one = text.substr(begin, end - begin);
        std::int64_t id = 0;
        const auto [at, error] = std::from_chars(one.data(), one.data() + one.size(), id);
        if (error != std::errc() || at != one.data() + one.size() || id <= 0)
            return "'" + std::string(one) + "' is no job's id";
        to.push_back({id});
        begin = end + 1;
    }
    return {};
}

}  // namespace gm::program
