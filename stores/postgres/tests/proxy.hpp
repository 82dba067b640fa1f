#pragma once
// A wire between a store and its server that can be cut at the worst moment: after the server has committed and before its
// answer has arrived.

#include <atomic>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace gm::test {

class proxy {
public:
    explicit proxy(const std::string& url);  // postgres://user@127.0.0.1:port/database
    ~proxy();
    proxy(const proxy&) = delete;
    proxy& operator=(const proxy&) = delete;

    const std::string& url() const noexcept { return url_; }
    // The next connection that sends this text is closed when its answer has come, and the answer is dropped.
    void swallow_next_answer(std::string sent) { swallow_next_answers({std::move(sent)}); }
    // One after the other.
    void swallow_next_answers(std::deque<std::string> sent);
    bool has_swallowed() const noexcept { return swallowed_; }

private:
    void accept_all(const std::stop_token& stop);
    void forward(int client, const std::stop_token& stop);
    bool is_awaited(const std::string& bytes);

    std::string url_;
    int port_ = 0, listener_ = -1;
    std::mutex mutex_;  // the one below
    std::deque<std::string> awaited_;
    std::atomic<bool> swallowed_ = false;
    std::list<std::jthread> wires_;
    std::jthread acceptor_;
};

}  // namespace gm::test
