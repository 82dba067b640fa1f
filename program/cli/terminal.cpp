#include "program/cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace gm::program {

std::size_t terminal_width(int fd) {
    if (!::isatty(fd)) return 0;
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool shows_colours(int fd) {
    const char* const refused = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    return !(refused && *refused) && terminal && std::string_view(terminal) != "dumb" && ::isatty(fd);
}

std::string coloured(std::string_view text, colour how) {
    constexpr std::string_view begin[] = {"", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[1m"};
    if (how == colour::none) return std::string(text);
    return std::string(begin[static_cast<std::size_t>(how)]) + std::string(text) + "\x1b[0m";
}

}  // namespace gm::program
