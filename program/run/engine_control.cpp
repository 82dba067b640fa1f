// Time and signals in a run.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "program/run/attempt.hpp"
#include "program/run/engine.hpp"

namespace gm::program {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 1s;  // at the file of -j, and for jobs that take long for their kind
constexpr std::uint64_t enough_for_a_median = 3;

}  // namespace

void engine::set_alarm_locked() {
    clock::time_point when = std::min({gate_opens_, next_look_, next_frame_});
    if (!retries_.empty()) when = std::min(when, retries_.begin()->first);
    if (!deadlines_.empty()) when = std::min(when, deadlines_.begin()->first);
    children_.set_alarm(when);
}

// All lanes, in the order of their slots; if they do not all fit, those that have been running for longest.
picture engine::picture_locked(clock::time_point now) const {
    picture made{now, size_of_terminal(), halt_.done(), halt_.failed(), total(), {}, {}};
    std::vector<const attempt*> shown;
    const auto seconds = [&](const attempt& one) { return std::chrono::duration<double>(now - one.started).count(); };
    for (const auto& [number, one] : running_) {
        if (!one->runs) continue;
        shown.push_back(one.get());
        made.ages.push_back(seconds(*one));
    }
    if (const std::size_t room = parts_.shown->room_for_lanes(made.size); shown.size() > room) {
        const auto last = shown.begin() + static_cast<std::ptrdiff_t>(room);
        std::ranges::partial_sort(shown, last, {},
                                  [](const attempt* one) { return std::pair(one->started, one->slot); });
        shown.erase(last, shown.end());
    } else {
        std::ranges::sort(shown, {}, &attempt::slot);
    }
    for (const attempt* one : shown)
        made.lanes.push_back({one->slot, seconds(*one), one->command.substr(0, made.size.columns * std::size_t{4})});
    return made;
}

void engine::show(const picture& now) {
    if (!has_terminal_for_itself()) return printer_.show_status({});
    printer_.show_status(parts_.shown->frame(now));
}

void engine::ring() {
    std::optional<picture> seen;
    {
        const guard held(lock_);
        const auto now = children_.now();
        end_late_locked(now);
        if (now >= next_look_) {
            if (!slots_.file().empty()) slots_.refresh();
            if (options_.timeout_percent) end_overdue_locked(now);
            next_look_ = now + look_every;
        }
        if (now >= next_frame_) {
            seen.emplace(picture_locked(now));
            next_frame_ = now + display::interval;
        }
        gate_opens_ = clock::time_point::max();  // whoever wants to start asks again
        set_alarm_locked();
    }
    if (seen) show(*seen);
}

void engine::end_late_locked(clock::time_point now) {
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        const auto number = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        attempt& one = *running_.at(number);
        one.deadline.reset();
        one.timed_out = true;
        children_.end(number);
    }
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

// 0: none has come.
int engine::next_signal() {
    signalfd_siginfo one{};
    return ::read(signals_.get(), &one, sizeof(one)) == sizeof(one) ? static_cast<int>(one.ssi_signo) : 0;
}

void engine::read_signals() {
    while (const int signal = next_signal()) {
        if (signal == SIGTSTP) {
            hold(signal);
            continue;
        }
        {
            const guard held(lock_);
            interrupt_locked(signal);
        }
        children_.wake();  // it may be over now
    }
}

// On a thread that starts no command: those of the crew may all be waiting for a command that is not executed yet, and that the terminal's
// SIGTSTP has stopped.
void engine::attend_to_signals() {
    std::array<pollfd, 2> wanted{{{signals_.get(), POLLIN, 0}, {signals_end_.get(), POLLIN, 0}}};
    while (wanted[1].revents == 0) {
        if (::poll(wanted.data(), wanted.size(), -1) > 0) read_signals();
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
