#include "program/run/display.hpp"

#include <algorithm>

#include "program/cli/safe_text.hpp"
#include "program/run/failures.hpp"

namespace gm::program {

namespace {

constexpr std::size_t most_failures_shown = 3;
constexpr std::size_t most_kept = 1000;  // bytes of a command: no terminal shows more
constexpr std::size_t widest_bar = 40, narrowest_bar = 5;
constexpr const char *red = "31", *green = "32", *faint = "2";

// A third of the screen stays for what the commands write.
std::size_t room_above_bar(terminal_size size) { return std::max(size.rows * 2 / 3, 1u) - 1; }

}  // namespace

void display::finished(const finish_report& report) {
    if (report.how == verdict::stopped) return;
    const double seconds = std::chrono::duration<double>(report.outcome.runtime).count();
    const std::lock_guard guard(lock_);
    estimate_.finished(seconds);
    if (report.will_be_retried) return;
    ++done_;
    if (report.how == verdict::succeeded) return;
    failures_.push_back(why_it_failed(report) + "  " + report.command.substr(0, most_kept));
    if (failures_.size() > most_failures_shown) failures_.pop_front();
}

std::size_t display::failures_shown_locked(terminal_size size) const {
    return std::min(failures_.size(), room_above_bar(size) / 4);
}

std::size_t display::room_for_lanes(terminal_size size) const {
    if (style_ != display_style::full) return 0;
    const std::lock_guard guard(lock_);
    return room_above_bar(size) - failures_shown_locked(size);
}

std::string display::painted(const char* colour, const std::string& text) const {
    return can_.colours ? std::string("\x1b[") + colour + 'm' + text + "\x1b[0m" : text;
}

std::string display::bar(double part, std::size_t columns) const {
    const auto full = static_cast<std::size_t>(std::clamp(part, 0., 1.) * static_cast<double>(columns));
    std::string done, rest;
    for (std::size_t i = 0; i != columns; ++i)
        (i < full ? done : rest) += can_.unicode ? (i < full ? "█" : "░") : (i < full ? "#" : ".");
    return painted(green, done) + painted(faint, rest);
}

std::string display::fitted(std::string_view text, std::size_t columns) const {
    return one_line(text, columns, can_.unicode ? charset::unicode : charset::ascii);
}

// What matters most stands first: a narrow terminal cuts the end off.
std::string display::summary_locked(const picture& now, std::size_t columns) const {
    std::string text, left;
    if (now.total == 0)
        left = "still reading the input";
    else if (const auto seconds = estimate_.left(now.total))
        left = left_text(*seconds);
    else
        left = "time left unknown";
    if (now.total != 0) text = std::to_string(now.done * 100 / now.total) + "%  ";
    text += std::to_string(now.done) + (now.total != 0 ? '/' + std::to_string(now.total) : " done") + "  ";
    if (now.failed != 0) text += std::to_string(now.failed) + " failed  ";
    text += left + "  " + rate_text(estimate_.rate());
    if (style_ != display_style::full) text += "  " + std::to_string(now.ages.size()) + " running";
    const std::size_t wanted = std::min(widest_bar, columns / 2);
    if (style_ == display_style::eta || now.total == 0 || columns < text.size() + 2 + narrowest_bar)
        return fitted(text, columns);
    const std::size_t width = std::min(wanted, columns - text.size() - 2);
    return bar(static_cast<double>(now.done) / static_cast<double>(now.total), width) + "  " + text;
}

std::string display::failure_locked(std::size_t which, std::size_t columns) const {
    const std::string& what = failures_[which];
    const std::string text = (can_.unicode ? "✗ " : "! ") + what;
    return painted(red, fitted(text, columns));
}

std::string display::lane_line(const lane& one, std::size_t slot_width, std::size_t columns) const {
    std::string slot = std::to_string(one.slot), time = duration_text(one.seconds);
    slot.insert(0, slot_width - std::min(slot_width, slot.size()), ' ');
    time.insert(0, 6 - std::min<std::size_t>(6, time.size()), ' ');
    const std::string head = slot + ' ' + time + "  ";
    if (head.size() >= columns) return fitted(head + one.command, columns);
    return painted(faint, head) + fitted(one.command, columns - head.size());
}

// Failures, and below them lanes. When not all lanes fit, the last line is for those that are left out.
std::string display::upper_locked(const picture& now, std::size_t columns) const {
    std::string all;
    const std::size_t failures = failures_shown_locked(now.size), fits = room_above_bar(now.size) - failures;
    for (std::size_t i = failures_.size() - failures; i != failures_.size(); ++i)
        all += failure_locked(i, columns) + '\n';
    const bool too_many = fits > 0 && now.ages.size() > fits;
    const std::size_t shown = std::min(now.lanes.size(), fits - too_many);
    unsigned last = 1;
    for (std::size_t i = 0; i != shown; ++i) last = std::max(last, now.lanes[i].slot);
    for (std::size_t i = 0; i != shown; ++i)
        all += lane_line(now.lanes[i], std::to_string(last).size(), columns) + '\n';
    if (!too_many) return all;
    const std::string rest = "and " + std::to_string(now.ages.size() - shown) + " more";
    return all + painted(faint, fitted(rest, columns)) + '\n';
}

std::string display::frame(const picture& now) {
    const std::size_t columns = now.size.columns > 1 ? now.size.columns - 1 : 1;
    const std::lock_guard guard(lock_);
    shown_ = true;
    estimate_.observe(now.done, now.ages, now.when);
    const std::string upper = style_ == display_style::full ? upper_locked(now, columns) : "";
    return upper + summary_locked(now, columns);
}

std::string display::farewell(clock::time_point when) const {
    const std::lock_guard guard(lock_);
    if (!shown_) return {};
    const double seconds = std::chrono::duration<double>(when - start_).count();
    std::string text = "gristmill: " + std::to_string(done_) + (done_ == 1 ? " job" : " jobs") + " in " +
                       duration_text(seconds) + ", " + rate_text(static_cast<double>(done_) / std::max(seconds, 1e-3));
    return text + '\n';
}

}  // namespace gm::program
