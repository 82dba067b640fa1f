#include "program/run/terminal.hpp"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace gm::program {

namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value ? value : "";
}

bool locale_is_unicode() {
    for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const std::string_view value = variable(name); !value.empty())
            return value.find("UTF-8") != value.npos || value.find("utf8") != value.npos ||
                   value.find("UTF8") != value.npos;
    return false;
}

}  // namespace

std::optional<terminal_abilities> look_at_terminal() {
    const std::string_view kind = variable("TERM");
    if (!::isatty(STDERR_FILENO) || kind.empty() || kind == "dumb") return std::nullopt;
    return terminal_abilities{.colours = variable("NO_COLOR").empty(), .unicode = locale_is_unicode()};
}

terminal_size size_of_terminal() {
    winsize got{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &got) != 0 || got.ws_col == 0 || got.ws_row == 0) return {};
    return {got.ws_col, got.ws_row};
}

bool has_terminal_for_itself() {
    const pid_t owner = ::tcgetpgrp(STDERR_FILENO);
    return owner < 0 || owner == ::getpgrp();  // -1: it is not the terminal that controls us
}

bool output_shares_terminal() {
    struct stat output{}, errors{};
    return ::isatty(STDOUT_FILENO) && ::fstat(STDOUT_FILENO, &output) == 0 && ::fstat(STDERR_FILENO, &errors) == 0 &&
           output.st_rdev == errors.st_rdev;
}

}  // namespace gm::program
