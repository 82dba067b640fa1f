#include <gristmill/jobs/fields.hpp>

namespace gm::jobs::detail {

std::string path_to::text() const {
    if (!above) return "$";
    if (name.data()) return above->text() + '.' + std::string(name);
    return above->text() + '[' + std::to_string(index) + ']';
}

field_error wrong(const path_to& at, std::string what) { return {at.text(), std::move(what)}; }

field_error wrong_kind(const path_to& at, const char* expected, const json& got) {
    return wrong(at, std::string("expected ") + expected + ", got " + got.kind());
}

bool read_integer(const json& from, std::int64_t least, std::uint64_t most, std::uint64_t& bits, const path_to& at,
                  field_error& error) {
    const json::number* const number = from.as_number();
    if (!number) return error = wrong_kind(at, "an integer", from), false;
    if (const auto positive = to_uint64(*number)) {
        bits = *positive;
        if (bits <= most) return true;
    } else if (const auto negative = to_int64(*number)) {
        bits = static_cast<std::uint64_t>(*negative);
        if (*negative >= least) return true;
    } else if (const auto close = to_double(*number); close && *close >= -1e18 && *close <= 1e18) {
        return error = wrong(at, "expected an integer, got " + number->written.substr(0, 40)), false;
    }
    error = wrong(
        at, number->written.substr(0, 40) + " is not in " + std::to_string(least) + " to " + std::to_string(most));
    return false;
}

bool read_double(const json& from, double& to, const path_to& at, field_error& error) {
    const json::number* const number = from.as_number();
    if (!number) return error = wrong_kind(at, "a number", from), false;
    const auto value = to_double(*number);
    if (!value) return error = wrong(at, number->written.substr(0, 40) + " is too large for a double"), false;
    to = *value;
    return true;
}

}  // namespace gm::jobs::detail
