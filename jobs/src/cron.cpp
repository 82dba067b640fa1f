#include <gristmill/jobs/cron.hpp>

#include <array>
#include <bit>
#include <charconv>
#include <vector>

namespace gm::jobs {

namespace {

struct field_kind {
    const char* name;
    unsigned least, most;
    std::string_view names;  // of three letters each, from `named_from` on
    unsigned named_from;
};
constexpr std::array<field_kind, 5> kinds{{
    {"minute", 0, 59, "", 0},
    {"hour", 0, 23, "", 0},
    {"day of the month", 1, 31, "", 0},
    {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
    {"day of the week", 0, 7, "sunmontuewedthufrisat", 0},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> shorthands{{
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
}};

std::vector<std::string_view> split(std::string_view text, std::string_view between) {
    std::vector<std::string_view> parts;
    for (std::size_t begin = text.find_first_not_of(between); begin != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(between, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(between, end);
    }
    return parts;
}

class field_reader {
public:
    field_reader(const field_kind& kind, std::string_view text) noexcept : kind_(kind), text_(text) {}

    // A bit for each value; what is wrong goes to `error`.
    std::optional<std::uint64_t> bits(std::string& error) {
        std::uint64_t all = 0;
        std::size_t begin = 0;
        while (true) {
            const std::size_t comma = std::min(text_.find(',', begin), text_.size());
            if (!add_part(text_.substr(begin, comma - begin), all)) {
                error = std::string("the ") + kind_.name + ", '" + std::string(text_) + "': " + why_;
                return std::nullopt;
            }
            if (comma == text_.size()) return all;
            begin = comma + 1;
        }
    }

private:
    bool add_part(std::string_view part, std::uint64_t& all) {
        unsigned step = 1;
        const std::size_t slash = part.find('/');
        if (slash != std::string_view::npos) {
            if (!read_number(part.substr(slash + 1), step) || step == 0)
                return wrong("a step is a number from 1, as in */5");
            part = part.substr(0, slash);
        }
        unsigned from = kind_.least, to = kind_.most;
        if (part != "*") {
            const std::size_t dash = part.find('-');
            if (!read_value(part.substr(0, dash), from)) return false;
            if (dash != std::string_view::npos) {
                if (!read_value(part.substr(dash + 1), to)) return false;
            } else if (slash == std::string_view::npos) {
                to = from;
            }
            if (from > to) return wrong("a range goes upwards");
        }
        for (unsigned value = from; value <= to; value += step) {
            all |= std::uint64_t{1} << value;
            if (step > to - value) break;
        }
        return true;
    }

    bool read_value(std::string_view text, unsigned& to) {
        std::string small(text);
        for (char& c : small)
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        for (std::size_t at = 0; at < kind_.names.size(); at += 3)
            if (small == kind_.names.substr(at, 3)) {
                to = kind_.named_from + static_cast<unsigned>(at / 3);
                return true;
            }
        if (read_number(text, to) && to >= kind_.least && to <= kind_.most) return true;
        why_ = "'" + std::string(text) + "' is not in " + std::to_string(kind_.least) + " to " +
               std::to_string(kind_.most);
        return false;
    }

    static bool read_number(std::string_view text, unsigned& to) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
        return error == std::errc() && end == text.data() + text.size() && !text.empty();
    }

    bool wrong(const char* why) {
        why_ = why;
        return false;
    }

    const field_kind& kind_;
    const std::string_view text_;
    std::string why_;
};

// The least value of a set from `from` on; `none` if there is no such.
constexpr unsigned none = 64;
unsigned at_least(std::uint64_t set, unsigned from) noexcept {
    return from >= 64 ? none : static_cast<unsigned>(std::countr_zero(set >> from << from));
}

}  // namespace

result<cron, std::string> cron::parse(std::string_view line) {
    for (const auto& [name, meaning] : shorthands)
        if (line == name) return parse(meaning);
    if (line.starts_with('@')) return failure(std::string("there is no shorthand '" + std::string(line) + "'"));
    const auto parts = split(line, " \t");
    if (parts.size() != kinds.size())
        return failure("a cron line has five fields (minute, hour, day, month, day of the week), this one has " +
                       std::to_string(parts.size()));
    std::array<std::uint64_t, 5> sets{};
    std::string error;
    for (std::size_t i = 0; i != kinds.size(); ++i) {
        const auto bits = field_reader(kinds[i], parts[i]).bits(error);
        if (!bits) return failure(std::move(error));
        sets[i] = *bits;
    }
    cron made;
    made.minutes_ = sets[0];
    made.hours_ = static_cast<std::uint32_t>(sets[1]);
    made.days_ = static_cast<std::uint32_t>(sets[2]);
    made.months_ = static_cast<std::uint32_t>(sets[3]);
    made.weekdays_ = static_cast<std::uint32_t>((sets[4] | sets[4] >> 7) & 0x7f);
    made.any_day_ = parts[2].starts_with('*');
    made.any_weekday_ = parts[4].starts_with('*');
    if (!made.next(std::chrono::local_days(std::chrono::year(2000) / 1 / 1)))
        return failure(std::string("there is no such day: it would never fire"));
    return made;
}

bool cron::fires_on(std::chrono::year_month_day day) const noexcept {
    const bool by_day = days_ >> static_cast<unsigned>(day.day()) & 1;
    const bool by_weekday = weekdays_ >> std::chrono::weekday(std::chrono::local_days(day)).c_encoding() & 1;
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<std::chrono::local_seconds> cron::next(std::chrono::local_seconds after) const {
    using namespace std::chrono;
    const local_time<minutes> from = floor<minutes>(after) + minutes(1);
    local_days day = floor<days>(from);
    auto of_day = static_cast<unsigned>((from - day).count());  // the first minute of that day that will do
    // The calendar repeats itself after 400 years, which are so many days.
    for (const local_days last = day + days(146'097); day <= last; of_day = 0) {
        const year_month_day date(day);
        if (!date.ok()) return std::nullopt;
        if (!(months_ >> static_cast<unsigned>(date.month()) & 1)) {
            day = local_days(year_month_day(date.year() / date.month() / 1) + months(1));
            continue;
        }
        if (fires_on(date)) {
            unsigned hour = at_least(hours_, of_day / 60);
            unsigned minute = at_least(minutes_, hour == of_day / 60 ? of_day % 60 : 0);
            if (minute == none) {
                hour = at_least(hours_, hour + 1);
                minute = at_least(minutes_, 0);
            }
            if (hour < none) return local_seconds(day + hours(hour) + std::chrono::minutes(minute));
        }
        day += days(1);
    }
    return std::nullopt;
}

}  // namespace gm::jobs
