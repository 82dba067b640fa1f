// What the figures of a crew say about its size. A crew of n at load w is used w / n. 80 % is where waiting times begin to
// climb in any queue. A crew that is always busy hides how much more it would be given: then the load is a lower bound.
#include <gristmill/detail/sizing.hpp>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <limits>

namespace gm::detail {

namespace {

constexpr double aimed_at = 0.8, saturated = 0.95;

[[gnu::format(printf, 2, 3)]] void append(std::string& text, const char* format, ...) {
    char part[120];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    text += part;
}

const char* plural(std::size_t n) { return n == 1 ? "" : "s"; }

std::string advise(const sizing_report& is, std::size_t waiting) {
    std::string text;
    append(text, "%u worker%s, %.0f %% used: ", is.workers, plural(is.workers), is.utilisation * 100);
    const double then = is.work / is.suggested * 100;
    if (is.suggested < is.workers) {
        append(text, "fewer would do; %u would be used %.0f %%", is.suggested, then);
    } else if (is.suggested == is.workers) {
        text += "the size fits";
    } else if (is.utilisation <= saturated) {
        append(text, "a little small; %u would be used %.0f %%", is.suggested, then);
    } else {
        text += "too small; ";
        if (waiting != 0) append(text, "%zu job%s wait%s now; ", waiting, plural(waiting), waiting == 1 ? "s" : "");
        append(text, "at least %u are needed", is.suggested);
    }
    return text;
}

}  // namespace

sizing_report judge(const crew_load& load) {
    sizing_report out;
    const auto n = static_cast<double>(load.workers);
    out.workers = load.workers;
    out.work = load.work;
    out.utilisation = load.work / n;
    out.utilisation_with_one_more = load.work / (n + 1);
    out.utilisation_with_one_less = load.workers > 1 ? load.work / (n - 1) : std::numeric_limits<double>::infinity();
    out.suggested = std::max(1u, static_cast<unsigned>(std::ceil(load.work / aimed_at)));
    out.mean_wait = load.mean_wait;
    out.mean_run = load.mean_run;
    out.advice = advise(out, load.waiting);
    return out;
}

}  // namespace gm::detail
