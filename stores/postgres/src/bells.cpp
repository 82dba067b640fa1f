#include "bells.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string_view>
#include <utility>

namespace gm::stores::pg {

using namespace std::chrono_literals;

namespace {

constexpr auto interval_when_heard = 200ms;
constexpr auto hearing_test = 2s;
constexpr auto retry_deaf = 30s;  // a pooler does not become something else, but a server may be put in its place

struct free_notification {
    void operator()(PGnotify* notification) const noexcept { PQfreemem(notification); }
};
using notification_ptr = std::unique_ptr<PGnotify, free_notification>;

}  // namespace

bells::bells(settings ear, line_pool& lines)
    : ear_(std::move(ear)), lines_(&lines), wake_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

bells::~bells() {
    if (thread_.joinable()) {
        thread_.request_stop();
        wake();
        thread_.join();
    }
    close(wake_event_);
}

void bells::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!write(wake_event_, &one, sizeof one);
}

std::shared_ptr<bells::entry> bells::add(std::vector<std::string> queues, std::function<void()> ring) {
    auto made = std::make_shared<entry>();
    made->queues_ = std::move(queues);
    made->ring_ = std::move(ring);
    const std::lock_guard lock(mutex_);
    entries_.push_back(made);
    if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
    wake();
    return made;
}

void bells::remove(const std::shared_ptr<entry>& which) {
    const std::lock_guard lock(mutex_);
    std::erase(entries_, which);
}

void bells::ring(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : entries_)
        if (each->ring_ && std::ranges::find(each->queues_, queue) != each->queues_.end()) each->ring_();
}

// Rings what is due, and says when the next one is.
bells::clock::duration bells::ring_by_time() {
    const auto now = clock::now();
    clock::duration rest = interval_when_heard;
    const std::lock_guard lock(mutex_);
    for (const auto& each : entries_) {
        if (each->next_ <= now) {
            if (each->ring_) each->ring_();
            each->next_ = now + (hears_ ? interval_when_heard : std::chrono::milliseconds(each->interval_ms_));
        }
        rest = std::min(rest, each->next_ - now);
    }
    return rest;
}

// Until then, until something arrives, or until it is over.
void bells::rest(clock::duration time, int socket, const std::stop_token& stop) {
    if (stop.stop_requested()) return;  // the wake of it may have been read by an earlier rest
    pollfd events[2]{{wake_event_, POLLIN, 0}, {socket, POLLIN, 0}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    poll(events, socket < 0 ? 1 : 2, static_cast<int>(std::max<std::int64_t>(ms, 0)));
    std::uint64_t count = 0;
    (void)!read(wake_event_, &count, sizeof count);
}

void bells::listen(const std::stop_token& stop) {
    auto next_try = clock::now();
    std::chrono::milliseconds pause = 100ms;
    while (!stop.stop_requested()) {
        if (clock::now() >= next_try) {
            if (auto ear = connection::open(ear_)) {
                if (ear->command("listen " + ear_.schema + "_work") && test_hearing(ear->raw(), stop)) {
                    attend(ear->raw(), stop);
                    pause = 100ms;
                } else {
                    pause = retry_deaf;
                }
            }
            next_try = clock::now() + pause;
            pause = std::min<std::chrono::milliseconds>(pause * 2, retry_deaf);
        }
        rest(ring_by_time(), -1, stop);
    }
}

// Sends a word that nobody else can know the way that inserts take, and waits for it here.
bool bells::test_hearing(PGconn* on, const std::stop_token& stop) {
    const std::string nonce = "?" + std::to_string(std::random_device{}()) + std::to_string(std::random_device{}());
    const auto said =
        lines_->run({"select pg_notify($1, $2)", parameters().add(ear_.schema + "_work").add(nonce)}, repeatable::yes);
    if (!said) return false;
    for (const auto end = clock::now() + hearing_test; clock::now() < end && !stop.stop_requested();) {
        if (PQconsumeInput(on) == 0) return false;
        while (const notification_ptr heard{PQnotifies(on)})
            if (heard->extra == nonce) return true;
        rest(std::min(ring_by_time(), clock::duration(20ms)), PQsocket(on), stop);
    }
    return false;
}

void bells::attend(PGconn* on, const std::stop_token& stop) {
    hears_ = true;
    while (!stop.stop_requested() && PQconsumeInput(on) != 0 && PQstatus(on) == CONNECTION_OK) {
        while (const notification_ptr heard{PQnotifies(on)}) ring(heard->extra);
        rest(ring_by_time(), PQsocket(on), stop);
    }
    hears_ = false;
}

}  // namespace gm::stores::pg
