#include "program/push/line_batches.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gm::program {

bool line_batches::next(std::vector<std::string>& lines) {
    lines.clear();
    numbers_.clear();
    std::array<char, 64 * 1024> room;
    while (lines.empty() && !ended_ && error_.empty()) {
        const ssize_t got = ::read(fd_, room.data(), room.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            error_ = std::string("standard input: ") + std::strerror(errno);
        } else if (got > 0) {
            take({room.data(), static_cast<std::size_t>(got)}, lines);
        } else {
            ended_ = true;
            if (!rest_.empty()) add(std::exchange(rest_, {}), lines);
        }
    }
    return !lines.empty();
}

void line_batches::take(std::string_view bytes, std::vector<std::string>& lines) {
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
        rest_ += bytes.substr(0, end);
        add(std::exchange(rest_, {}), lines);
    }
    rest_ += bytes;
    if (rest_.size() > longest_line)
        error_ = "line " + std::to_string(seen_ + 1) + " has more than " + std::to_string(longest_line) + " bytes";
}

void line_batches::add(std::string&& line, std::vector<std::string>& lines) {
    ++seen_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) return;
    lines.push_back(std::move(line));
    numbers_.push_back(seen_);
}

}  // namespace gm::program
