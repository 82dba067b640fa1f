#include "program/run/halt.hpp"

#include <algorithm>
#include <cmath>

#include "program/run/values.hpp"

namespace gm::program {

namespace {

constexpr int most_failures_told = 100;

std::string no_policy(std::string_view text) {
    return "'" + std::string(text) +
           "' is no halt; write for example now,fail=1 or soon,fail=10% or now,success=1, or never";
}

}  // namespace

result<halt_policy, std::string> halt_policy::parse(std::string_view text) {
    halt_policy made;
    if (text == "never" || text == "0") return made;
    if (text == "1" || text == "2") {
        made.when = text == "1" ? moment::soon : moment::now;
        return made;
    }
    const std::size_t comma = text.find(','), equals = text.find('=');
    if (comma == std::string_view::npos || equals == std::string_view::npos || equals < comma)
        return failure(no_policy(text));
    const std::string_view when = text.substr(0, comma), why = text.substr(comma + 1, equals - comma - 1);
    std::string_view count = text.substr(equals + 1);
    if (count.ends_with('%')) {
        made.percent = true;
        count.remove_suffix(1);
    }
    const auto number = read_number(count);
    const bool known = (when == "now" || when == "soon") && (why == "fail" || why == "success" || why == "done");
    if (!known || !number || *number <= 0 || (made.percent && *number > 100) ||
        (!made.percent && *number != std::floor(*number)))
        return failure(no_policy(text));
    made.when = when == "now" ? moment::now : moment::soon;
    made.why = why == "fail" ? reason::fail : why == "success" ? reason::success : reason::done;
    made.count = *number;
    return made;
}

bool halt_watch::count(bool success, std::uint64_t total) {
    ++(success ? succeeded_ : failed_);
    if (reached_ || policy_.when == halt_policy::moment::never) return false;
    const bool by_failures = policy_.why == halt_policy::reason::fail,
               by_all = policy_.why == halt_policy::reason::done;
    const auto counted = static_cast<double>(by_all ? done() : by_failures ? failed_ : succeeded_);
    const bool is_one_of_them = by_all || success != by_failures;
    if (policy_.percent)
        reached_ = total != 0 && counted * 100 >= policy_.count * static_cast<double>(total);
    else
        reached_ = is_one_of_them && counted >= policy_.count;
    return reached_;
}

int halt_watch::exit_status(int status_of_last, std::uint64_t total) const {
    if (reached_ && !policy_.percent && policy_.count == 1) return status_of_last;
    if (reached_ && policy_.why == halt_policy::reason::success) return 0;
    if (reached_ && policy_.percent && total != 0)
        return static_cast<int>(std::ceil(100.0 * static_cast<double>(failed_) / static_cast<double>(total)));
    return static_cast<int>(std::min<std::uint64_t>(failed_, most_failures_told + 1));
}

}  // namespace gm::program
