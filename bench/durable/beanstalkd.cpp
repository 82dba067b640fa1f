// beanstalkd with its log, each write on the disk before it is answered (-b, -f 0), by its own protocol: ten connections; the drain
// deletes one job and asks for the next in one round trip.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <utility>

#include "durable.hpp"

namespace {

using namespace bench;
using namespace bench::durable;

class connection {
public:
    connection() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const char* const port = std::getenv("BENCH_BEANSTALKD");
        if (!port) not_available("no beanstalkd is here");
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        check(::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0, "cannot connect");
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    ~connection() { close(socket_); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t sent = ::send(socket_, text.data(), text.size(), 0);
            check(sent > 0, "the connection broke");
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    std::string line() {
        for (;;) {
            if (const std::size_t end = unread_.find("\r\n", at_); end != std::string::npos) {
                std::string made = unread_.substr(at_, end - at_);
                at_ = end + 2;
                return made;
            }
            more();
        }
    }
    void skip(std::size_t bytes) {
        while (unread_.size() - at_ < bytes) more();
        at_ += bytes;
    }

private:
    void more() {
        unread_.erase(0, std::exchange(at_, 0));
        char some[65536];
        const ssize_t got = ::recv(socket_, some, sizeof some, 0);
        check(got > 0, "the connection broke");
        unread_.append(some, static_cast<std::size_t>(got));
    }

    int socket_;
    std::string unread_;
    std::size_t at_ = 0;
};

std::string put(std::int64_t number) {
    const std::string body = arguments_of(number);
    return "put 0 0 120 " + std::to_string(body.size()) + "\r\n" + body + "\r\n";
}

void answered(connection& by) { check(by.line().starts_with("INSERTED"), "a job was not taken"); }

void single(const std::string& name) {
    insert_singly(name, scaled(20'000), [](int) {
        return [by = std::make_shared<connection>()](std::int64_t number) {
            by->send(put(number));
            answered(*by);
        };
    });
}

// A thousand on their way at a time: it has no call for many.
void put_many(std::int64_t n) {
    connection by;
    for (std::int64_t from = 0; from < n; from += 1'000) {
        std::string text;
        const std::int64_t end = std::min(n, from + 1'000);
        for (std::int64_t i = from; i < end; ++i) text += put(i);
        by.send(text);
        for (std::int64_t i = from; i < end; ++i) answered(by);
    }
}

void bulk(const std::string& name) {
    const std::int64_t n = scaled(20'000);
    timer clock;
    put_many(n);
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
}

void drain(const std::string& name) {
    const std::int64_t n = scaled(20'000);
    put_many(n);
    std::atomic<std::int64_t> done{0};
    std::vector<std::thread> threads;
    timer clock;
    for (int t = 0; t < crew; ++t)
        threads.emplace_back([&] {
            connection by;
            by.send("reserve-with-timeout 0\r\n");
            for (std::string said = by.line(); said.starts_with("RESERVED "); said = by.line()) {
                const std::string id = said.substr(9, said.find(' ', 9) - 9);
                by.skip(std::strtoull(said.c_str() + 9 + id.size(), nullptr, 10) + 2);
                by.send("delete " + id + "\r\nreserve-with-timeout 0\r\n");
                check(by.line() == "DELETED", "a job was not deleted");
                ++done;
            }
        });
    for (std::thread& thread : threads) thread.join();
    report(name, static_cast<double>(n) / clock.seconds(), "jobs/s");
    check(done == n, "not all of them were drained");
}

}  // namespace

int main(int argc, char** argv) {
    if (scheme() == "memory") not_available("it keeps its jobs outside of the process");
    return run(argc, argv, {{"D1/single", single}, {"D1/bulk", bulk}, {"D2/drain", drain}});
}
