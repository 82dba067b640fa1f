#include "screen.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

namespace demo {

namespace {

struct size {
    std::size_t columns = 80, rows = 24;
};

size terminal_size() {
    winsize got{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &got) != 0 || got.ws_col == 0) return {};
    return {got.ws_col, got.ws_row};
}

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

bool locale_has_blocks() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const std::string_view value = variable(name); !value.empty())
            return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos;
    return false;
}

template <class... Values>
std::string print(const char* format, Values... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    return text;
}

std::string padded(std::string text, std::size_t columns) {
    text.resize(columns, ' ');
    return text;
}

constexpr std::size_t lines_without_crew = 5;

}  // namespace

screen::screen() : colours_(variable("NO_COLOR").empty()), blocks_(locale_has_blocks()) {
    std::fputs("\x1b[?25l", stdout);
}

screen::~screen() {
    std::fputs("\x1b[?25h", stdout);
    std::fflush(stdout);
}

bool screen::can_draw(std::size_t workers) {
    if (!isatty(STDOUT_FILENO) || variable("TERM").empty() || variable("TERM") == "dumb") return false;
    const size room = terminal_size();
    return room.columns >= 40 && room.rows > workers + lines_without_crew;
}

std::string screen::paint(const char* colour, const std::string& text) const {
    return colours_ ? std::string("\x1b[") + colour + "m" + text + "\x1b[0m" : text;
}

std::string screen::bar(double part, std::size_t columns) const {
    const auto full = std::min(columns, static_cast<std::size_t>(part * static_cast<double>(columns)));
    std::string done, rest;
    for (std::size_t i = 0; i != columns; ++i)
        (i < full ? done : rest) += blocks_ ? (i < full ? "█" : "░") : (i < full ? "#" : ".");
    return paint("32", done) + paint("2", rest);
}

// What the worker did lately, the present at the right. Neighbouring jobs differ in shade, and in colour.
std::string screen::lane(const worker_lane& of, std::size_t columns) const {
    static constexpr const char* shades[] = {"█", "▓"};
    static constexpr const char* letters[] = {"#", "="};
    static constexpr const char* colours[] = {"36", "34", "35", "33"};
    const std::size_t known = std::min(columns, of.past.size());
    std::string text;
    for (auto at = of.past.end() - static_cast<std::ptrdiff_t>(known); at != of.past.end(); ++at)
        text += *at == 0 ? std::string(blocks_ ? "·" : ".")
                         : paint(colours[*at % 4], blocks_ ? shades[*at % 2] : letters[*at % 2]);
    return text;
}

std::string screen::worker(std::size_t number, const worker_lane& of, const picture& now, std::size_t columns) const {
    const std::string label = print("  worker %-2zu ", number);
    if (columns < 56) {
        const std::string what =
            of.job.empty() ? "idle" : print("%s %.1f s", of.job.c_str(), seconds(now.now - of.since));
        return label + padded(what, columns - label.size());
    }
    const std::string what = padded(of.job.empty() ? "idle" : of.job, 18);
    const std::string time = of.job.empty() ? padded("", 8) : print("%5.2f s ", seconds(now.now - of.since));
    const std::string done = print("%3d done  ", of.done);
    const std::size_t used = label.size() + what.size() + time.size() + done.size();
    return label + (of.job.empty() ? paint("2", what) : paint("1", what)) + time + done + lane(of, columns - used);
}

void screen::draw(const picture& now) {
    const std::size_t columns = std::min<std::size_t>(terminal_size().columns - 1, 110);
    std::vector<std::string> lines;
    lines.push_back("");
    for (std::size_t i = 0; i != now.crew.size(); ++i) lines.push_back(worker(i + 1, now.crew[i], now, columns));

    std::string queue = print("  queue     %zu of %zu", now.queued, now.room);
    if (now.queued >= now.room && columns >= 56) queue += ", the sender waits";
    lines.push_back(queue);

    const std::string count = print(" %zu of %zu, %.1f s", now.over(), now.jobs, seconds(now.now - now.start));
    const double part = static_cast<double>(now.over()) / static_cast<double>(now.jobs);
    lines.push_back("");
    lines.push_back("  " + bar(part, columns - count.size() - 2) + count);

    std::string all;
    if (drawn_ != 0) all += print("\x1b[%zuA", drawn_);
    for (const std::string& line : lines) all += "\r\x1b[K" + line + "\n";
    all += "\x1b[J";
    drawn_ = lines.size();
    std::fwrite(all.data(), 1, all.size(), stdout);
    std::fflush(stdout);
}

}  // namespace demo
