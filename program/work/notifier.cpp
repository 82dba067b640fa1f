#include "program/work/notifier.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace gm::program {

namespace {

std::optional<std::uint64_t> number_in(const char* variable) {
    const char* const text = std::getenv(variable);
    if (!text) return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
    return error == std::errc() && *end == '\0' ? std::optional(value) : std::nullopt;
}

}  // namespace

notifier::notifier() {
    if (const char* const path = std::getenv("NOTIFY_SOCKET"); path && (*path == '/' || *path == '@')) {
        address_ = path;
        socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    }
    const auto whose = number_in("WATCHDOG_PID");
    const auto limit = number_in("WATCHDOG_USEC");
    if (socket_ && limit && *limit > 1 && (!whose || *whose == static_cast<std::uint64_t>(::getpid())))
        every_ = std::chrono::microseconds(*limit / 2);
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
}

void notifier::send(std::string_view lines) const noexcept {
    sockaddr_un to{};
    if (!socket_ || address_.size() >= sizeof(to.sun_path)) return;
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // an abstract name
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    static_cast<void>(::sendto(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&to), length));
}

}  // namespace gm::program
