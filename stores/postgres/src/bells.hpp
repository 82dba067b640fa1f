#pragma once
// Tells sources that there may be something to claim: at once when the server notifies, or when this process inserts; and from time to
// time in any case, for a notification can be missed. Where the server cannot be heard (behind a pooler in transaction mode a LISTEN
// reaches nobody) it is by time alone, more often while there is something to do.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "line.hpp"

namespace gm::stores::pg {

class bells {
public:
    using clock = std::chrono::steady_clock;

    // `lines`: the way that inserts take; a notification sent there has to be heard by who listens.
    bells(settings ear, line_pool& lines);
    ~bells();
    bells(const bells&) = delete;
    bells& operator=(const bells&) = delete;

    class entry {
    public:
        // Whether the last look found something: then the next one comes sooner.
        void found(bool something) noexcept { interval_ms_ = something ? 20 : std::min(interval_ms_.load() * 2, 200); }

    private:
        friend class bells;
        std::vector<std::string> queues_;
        std::function<void()> ring_;
        std::atomic<int> interval_ms_ = 20;
        clock::time_point next_{};
    };
    // The first one starts the thread.
    std::shared_ptr<entry> add(std::vector<std::string> queues, std::function<void()> ring);
    // After this it does not ring any more.
    void remove(const std::shared_ptr<entry>& which);

    void ring(const std::string& queue);

    // Whether notifications arrive.
    bool hears() const noexcept { return hears_; }

private:
    void listen(const std::stop_token& stop);
    void attend(PGconn* on, const std::stop_token& stop);
    bool test_hearing(PGconn* on, const std::stop_token& stop);
    void rest(clock::duration time, int socket, const std::stop_token& stop);
    clock::duration ring_by_time();
    void wake() noexcept;

    const settings ear_;
    line_pool* lines_;
    std::atomic<bool> hears_ = false;
    int wake_event_ = -1;  // readable: there is a new entry, or it is over

    std::mutex mutex_;  // the one below, and what it rings
    std::vector<std::shared_ptr<entry>> entries_;
    std::jthread thread_;
};

}  // namespace gm::stores::pg
