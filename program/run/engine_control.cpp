// Time and signals in a run.
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>

#include "program/run/attempt.hpp"
#include "program/run/engine.hpp"

namespace gm::program {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 1s;  // at the file of -j, and for jobs that take long for their kind
constexpr std::uint64_t enough_for_a_median = 3;

unsigned terminal_width() {
    winsize size{};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

void engine::set_alarm_locked() {
    clock::time_point when = std::min(gate_opens_, next_tick_);
    if (!retries_.empty()) when = std::min(when, retries_.begin()->first);
    if (!deadlines_.empty()) when = std::min(when, deadlines_.begin()->first);
    children_.set_alarm(when);
}

progress_counts engine::counts_locked() const {
    return {.done = halt_.done(), .failed = halt_.failed(), .running = running_.size(), .total = total()};
}

void engine::ring() {
    const guard held(lock_);
    const auto now = clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto number = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        attempt& one = *running_.at(number);
        one.deadline.reset();
        one.timed_out = true;
        children_.end(number);
    }
    if (now >= next_tick_) {
        if (!slots_.file().empty()) slots_.refresh();
        if (options_.timeout_percent) end_overdue_locked(now);
        if (progress_) printer_.show_status(progress_->line(counts_locked(), now, terminal_width()));
        next_tick_ =
            now + (progress_ ? std::chrono::milliseconds(progress::interval) : std::chrono::milliseconds(look_every));
    }
    gate_opens_ = clock::time_point::max();  // whoever wants to start asks again
    set_alarm_locked();
}

void engine::end_overdue_locked(clock::time_point now) {
    if (durations_.count() < enough_for_a_median) return;
    const auto longest = std::chrono::duration<double>(durations_.median()) * (*options_.timeout_percent / 100);
    for (const auto& [number, one] : running_)
        if (one->runs && !one->timed_out && now - one->started > longest) {
            one->timed_out = true;
            children_.end(number);
        }
}

void engine::read_signals() {
    signalfd_siginfo one{};
    while (::read(signals_.get(), &one, sizeof(one)) == sizeof(one)) {
        const guard held(lock_);
        interrupt_locked(static_cast<int>(one.ssi_signo));
    }
}

// Once: finish what runs. Twice, or when the terminal is gone: end it.
void engine::interrupt_locked(int signal) {
    const bool again = result_.interrupted_by != 0;
    result_.interrupted_by = signal;
    if (again || signal == SIGHUP || signal == SIGQUIT) {
        if (!ending_) say("ending " + std::to_string(running_.size()) + " running");
        return stop_now_locked();
    }
    stop_soon_locked();
    if (!running_.empty())
        say("starting nothing more; " + std::to_string(running_.size()) + " running will finish. Again to end them");
}

void engine::stop_soon(const std::string& why) {
    {
        const guard held(lock_);
        if (result_.error.empty()) result_.error = why;
        stop_soon_locked();
    }
    children_.wake();
}

// Called again, it takes the last step of the ladder.
void engine::stop_now_locked() {
    if (!ending_) children_.signal_orphans(SIGTERM);
    stopping_ = ending_ = true;
    for (const auto& [number, one] : running_) {
        if (!one->runs) continue;  // who starts it will see that everything ends
        one->stopped = true;
        children_.end(number);
    }
}

}  // namespace gm::program
