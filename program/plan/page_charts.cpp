// The pictures of the page. Each is drawn in a space of some units and scaled to the reader's window.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "program/cli/safe_text.hpp"
#include "program/plan/page.hpp"

namespace gm::program {

namespace {

constexpr double margin = 44, right = 8;
constexpr double wide = 1120, half = 540;  // of a chart
constexpr double narrowest = 1.5;          // jobs that would be narrower are drawn together
constexpr unsigned most_lanes = 300;
constexpr std::size_t most_of_hint = 160;  // in a hint

// A few digits are enough for a place on a screen.
std::string at(double value) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f", value);
    std::string all(text);
    all.erase(all.find_last_not_of('0') + 1);
    if (all.back() == '.') all.pop_back();
    return all;
}

std::string rectangle(double x, double y, double w, double h, const char* kind, const std::string& hint) {
    return "<rect class=\"" + std::string(kind) + "\" x=\"" + at(x) + "\" y=\"" + at(y) + "\" width=\"" + at(w) +
           "\" height=\"" + at(h) + "\"><title>" + hint + "</title></rect>\n";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
    return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>\n";
}

std::string grid_line(double x1, double y1, double x2, double y2) {
    return "<line class=\"grid\" x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" + at(y2) +
           "\"/>\n";
}

std::string svg(double width, double height, const std::string& what, const std::string& inside) {
    return "<svg viewBox=\"0 0 " + at(width) + ' ' + at(height) + "\" role=\"img\" aria-label=\"" + what + "\">\n" +
           inside + "</svg>\n";
}

// The largest step that leaves a label in every 140 units.
double time_step(double whole, double plot) {
    static constexpr std::array steps = {0.001, 0.002, 0.005, 0.01,   0.02,   0.05,   0.1,    0.2,     0.5,    1.,
                                         2.,    5.,    10.,   15.,    30.,    60.,    120.,   300.,    600.,   900.,
                                         1800., 3600., 7200., 10800., 21600., 43200., 86400., 172800., 604800.};
    double chosen = steps.front();
    for (const double step : steps)
        if (whole / step >= plot / 140) chosen = step;
    return std::max(chosen, whole / 8);
}

std::string time_axis(double whole, double plot, double top, double bottom) {
    std::string all;
    const double step = time_step(whole, plot);
    for (double time = 0; time <= whole * 1.0001; time += step) {
        const double x = margin + plot * time / whole;
        all += grid_line(x, top, x, bottom + 4) + label(x, bottom + 17, "middle", time == 0 ? "0" : time_text(time));
    }
    return all;
}

// What is drawn as one: a job, or several of a lane that are too narrow to be seen.
struct block {
    double from = 0, to = 0;
    std::size_t jobs = 0, failed = 0;
    const past_job* only = nullptr;
};

std::string hint(const run_history& run, const block& one) {
    if (one.jobs > 1)
        return std::to_string(one.jobs) + " jobs" +
               (one.failed != 0 ? ", " + std::to_string(one.failed) + " failed" : std::string());
    const joblog_entry& job = one.only->entry;
    return "job " + std::to_string(job.number) + ", " + status_text(job) + ", " + time_text(job.runtime) + ", from " +
           time_text(job.start - run.begin) + " on\n" + command_text(job, most_of_hint);
}

std::vector<std::vector<block>> blocks_of(const run_history& run, double scale) {
    std::vector<std::vector<block>> lanes(std::min(run.lanes, most_lanes));
    for (const past_job& job : run.jobs) {
        if (job.lane >= lanes.size()) continue;
        auto& lane = lanes[job.lane];
        const double from = (job.entry.start - run.begin) * scale, to = (job.end() - run.begin) * scale;
        // Together with the one before it, if both are narrow and there is nothing to see between them.
        const bool joins = !lane.empty() && to - lane.back().from < narrowest && from - lane.back().to < narrowest;
        if (!joins) lane.push_back({.from = from, .to = to, .jobs = 0, .failed = 0, .only = &job});
        block& one = lane.back();
        one.to = std::max(one.to, to);
        ++one.jobs;
        one.failed += job.entry.failed();
    }
    return lanes;
}

std::string count_axis(double most, double plot, double top, double bottom) {
    std::string all;
    for (const double part : {0., 0.5, 1.}) {
        const double y = bottom - (bottom - top) * part;
        char text[32];
        std::snprintf(text, sizeof(text), most * part >= 9.95 || part == 0 ? "%.0f" : "%.2g", most * part);
        all += grid_line(margin, y, margin + plot, y) + label(margin - 6, y + 4, "end", text);
    }
    return all;
}

// Rounds up to 1, 2 or 5 and zeros.
double round_up(double value) {
    if (value <= 0) return 1;
    const double power = std::pow(10., std::floor(std::log10(value)));
    for (const double digit : {1., 2., 5.})
        if (digit * power >= value * 0.999) return digit * power;
    return 10 * power;
}

// Of the charts over time: few where there is little to count.
unsigned columns_for(const run_history& run) {
    return std::clamp(static_cast<unsigned>(2 * std::sqrt(static_cast<double>(run.jobs.size()))), 8u, 60u);
}

}  // namespace

std::string lanes_chart(const run_history& run) {
    constexpr double plot = wide - margin - right;
    const double whole = std::max(run.took(), 1e-3), scale = plot / whole;
    const auto lanes = blocks_of(run, scale);
    const double row = lanes.size() <= 16 ? 22 : lanes.size() <= 64 ? 12 : lanes.size() <= 150 ? 7 : 4;
    const double bottom = row * static_cast<double>(lanes.size());
    std::string all = time_axis(whole, plot, 0, bottom);
    for (std::size_t i = 0; i != lanes.size(); ++i) {
        const double y = row * static_cast<double>(i);
        if (row >= 12 || i % 10 == 0) all += label(margin - 8, y + row / 2 + 4, "end", std::to_string(i + 1));
        bool odd = false;
        for (const block& one : lanes[i]) {
            const char* const kind = odd ? "job odd" : "job even";
            odd = !odd;
            const double x = margin + one.from, across = std::max(one.to - one.from, 0.8), high = row - 2;
            all += rectangle(x, y + 1, across, high, kind, hint(run, one));
            if (one.failed == 0) continue;
            // Of several jobs the part that failed.
            const double part = std::max(2., high * static_cast<double>(one.failed) / static_cast<double>(one.jobs));
            all += rectangle(x, y + 1 + high - part, across, part, "bad", hint(run, one));
        }
    }
    std::string chart = svg(wide, bottom + 24, "Which job ran when", all);
    if (run.lanes > lanes.size())
        chart += "<p>The first " + std::to_string(lanes.size()) + " lanes of " + std::to_string(run.lanes) + ".</p>\n";
    return chart;
}

std::string throughput_chart(const run_history& run) {
    constexpr double plot = half - margin - right, top = 6, bottom = 110;
    const unsigned columns = columns_for(run);
    const double whole = std::max(run.took(), 1e-3), step = whole / columns;
    std::vector<double> good(columns), bad(columns);
    for (const past_job& job : run.jobs) {
        const auto place = std::min(columns - 1, static_cast<unsigned>((job.end() - run.begin) / step));
        (job.entry.failed() ? bad : good)[place] += 1 / step;
    }
    double most = 0;
    for (unsigned i = 0; i != columns; ++i) most = std::max(most, good[i] + bad[i]);
    most = round_up(most);
    std::string all = count_axis(most, plot, top, bottom) + time_axis(whole, plot, bottom, bottom);
    const double column = plot / columns;
    for (unsigned i = 0; i != columns; ++i) {
        const double high = (bottom - top) * good[i] / most, failed = (bottom - top) * bad[i] / most;
        char text[80];
        std::snprintf(text, sizeof(text), "%.3g a second, %.3g of them failed", good[i] + bad[i], bad[i]);
        const double x = margin + column * i + 0.5;
        if (high > 0) all += rectangle(x, bottom - high, column - 1, high, "even", text);
        if (failed > 0) all += rectangle(x, bottom - high - failed, column - 1, failed, "bad", text);
    }
    return svg(half, bottom + 24, "How many jobs ended in a second", all);
}

// How many ran at a time, on average over each of the columns.
std::string crew_chart(const run_history& run) {
    constexpr double plot = half - margin - right, top = 6, bottom = 110;
    const unsigned columns = columns_for(run);
    const double whole = std::max(run.took(), 1e-3), step = whole / columns;
    std::vector<double> change(columns + 1), part(columns);
    for (const past_job& job : run.jobs) {
        const double from = (job.entry.start - run.begin) / step, to = (job.end() - run.begin) / step;
        const auto first = std::min(columns - 1, static_cast<unsigned>(from));
        const auto last = std::min(columns - 1, static_cast<unsigned>(to));
        if (first == last) {
            part[first] += to - from;
            continue;
        }
        part[first] += first + 1 - from;
        part[last] += to - last;
        change[first + 1] += 1;
        change[last] -= 1;
    }
    const double most = std::max(1u, run.lanes);
    std::string points;
    double through = 0;
    for (unsigned i = 0; i != columns; ++i) {
        through += change[i];
        const double y = bottom - (bottom - top) * std::min(1., (through + part[i]) / most);
        points += at(margin + plot * i / columns) + ',' + at(y) + ' ' + at(margin + plot * (i + 1) / columns) + ',' +
                  at(y) + ' ';
    }
    return svg(half, bottom + 24, "How many jobs ran at a time",
               count_axis(most, plot, top, bottom) + time_axis(whole, plot, bottom, bottom) +
                   "<polyline class=\"line\" points=\"" + points + "\"/>\n");
}

std::string durations_chart(const run_history& run) {
    static constexpr std::array edges = {0.,   0.001, 0.002, 0.005, 0.01,   0.02,   0.05,   0.1,  0.2,
                                         0.5,  1.,    2.,    5.,    10.,    20.,    60.,    120., 300.,
                                         600., 1200., 3600., 7200., 18000., 36000., 86400., 1e300};
    std::array<std::size_t, edges.size()> good{}, bad{};
    for (const past_job& job : run.jobs) {
        const auto place =
            static_cast<std::size_t>(std::ranges::upper_bound(edges, job.entry.runtime) - edges.begin()) - 1;
        ++(job.entry.failed() ? bad : good)[place];
    }
    std::size_t first = 0, last = edges.size() - 2, most = 1;
    while (good[first] + bad[first] == 0) ++first;
    while (good[last] + bad[last] == 0) --last;
    for (std::size_t i = first; i <= last; ++i) most = std::max(most, good[i] + bad[i]);
    std::string all = "<div class=\"bars\">\n";
    const auto share = [&](std::size_t count) {
        return at(100. * static_cast<double>(count) / static_cast<double>(most));
    };
    for (std::size_t i = first; i <= last; ++i) {
        const std::string name = i == 0                  ? "below " + time_text(edges[1])
                                 : i + 2 == edges.size() ? time_text(edges[i]) + " and more"
                                                         : time_text(edges[i]) + " to " + time_text(edges[i + 1]);
        all += "<span class=\"name\">" + name + "</span><span class=\"bar\"><i style=\"width:" + share(good[i]) +
               "%\"></i><i class=\"bad\" style=\"width:" + share(bad[i]) + "%\"></i></span><span class=\"count\">" +
               std::to_string(good[i] + bad[i]) + "</span>\n";
    }
    return all + "</div>\n";
}

}  // namespace gm::program
