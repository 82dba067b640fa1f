#pragma once
// What systemd would hear of a service.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace program_tests {

class notify_socket {
public:
    explicit notify_socket(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path.data(), path.size());
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
    }
    ~notify_socket() { ::close(fd_); }
    notify_socket(const notify_socket&) = delete;
    notify_socket& operator=(const notify_socket&) = delete;

    void read_until(const std::string& word) const {
        std::string last;
        while (!last.starts_with(word)) {
            std::array<char, 1000> room;
            const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
            ASSERT_GT(got, 0);
            last.assign(room.data(), static_cast<std::size_t>(got));
        }
    }

private:
    int fd_;
};

}  // namespace program_tests
