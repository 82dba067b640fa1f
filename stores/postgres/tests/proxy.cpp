#include "proxy.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace gm::test {

namespace {

sockaddr_in loopback(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
}

bool send_all(int to, const char* bytes, ssize_t count) {
    while (count > 0) {
        const ssize_t sent = send(to, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes += sent;
        count -= sent;
    }
    return true;
}

}  // namespace

proxy::proxy(const std::string& url) {
    const std::size_t colon = url.rfind(':'), slash = url.rfind('/');
    port_ = std::stoi(url.substr(colon + 1, slash - colon - 1));
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = loopback(0);
    socklen_t size = sizeof at;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener_, 64) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
        throw std::runtime_error("no port for a proxy");
    url_ = url.substr(0, colon + 1) + std::to_string(ntohs(at.sin_port)) + url.substr(slash);
    acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_all(stop); });
}

proxy::~proxy() {
    acceptor_.request_stop();
    acceptor_.join();
    wires_.clear();
    close(listener_);
}

void proxy::swallow_next_answers(std::deque<std::string> sent) {
    const std::lock_guard lock(mutex_);
    awaited_ = std::move(sent);
}

bool proxy::is_awaited(const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    if (awaited_.empty() || bytes.find(awaited_.front()) == std::string::npos) return false;
    awaited_.pop_front();
    return true;
}

void proxy::accept_all(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pollfd ready{listener_, POLLIN, 0};
        if (poll(&ready, 1, 20) <= 0) continue;
        const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) wires_.emplace_back([this, client](const std::stop_token& end) { forward(client, end); });
    }
}

void proxy::forward(int client, const std::stop_token& stop) {
    const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in at = loopback(port_);
    bool open = connect(server, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    bool swallow = false;
    std::array<char, 65536> bytes{};
    while (open && !stop.stop_requested()) {
        std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
        if (poll(ends.data(), ends.size(), 20) <= 0) continue;
        if (ends[0].revents != 0) {
            const ssize_t count = recv(client, bytes.data(), bytes.size(), 0);
            if (count > 0 && is_awaited(std::string(bytes.data(), static_cast<std::size_t>(count)))) swallow = true;
            open = count > 0 && send_all(server, bytes.data(), count);
        }
        if (open && ends[1].revents != 0) {
            const ssize_t count = recv(server, bytes.data(), bytes.size(), 0);
            // The answer ends with ReadyForQuery, 'Z', which comes after the commit.
            const bool complete = count >= 6 && bytes[static_cast<std::size_t>(count) - 6] == 'Z';
            if (swallow) {
                swallowed_ = swallowed_ || complete;
                open = !complete && count > 0;
            } else {
                open = count > 0 && send_all(client, bytes.data(), count);
            }
        }
    }
    close(client);
    close(server);
}

}  // namespace gm::test
