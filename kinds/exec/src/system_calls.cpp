#include <gristmill/kinds/exec/system_calls.hpp>

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace gm::kinds::exec {

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

std::error_code write_all(int file, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(file, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            pollfd wanted{file, POLLOUT, 0};
            ::poll(&wanted, 1, -1);
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return {};
}

}  // namespace gm::kinds::exec
