#include "program/work/service.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <gristmill/detail/joined_thread.hpp>

#include "program/run/descriptors.hpp"

namespace gm::program {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 1s;  // at the file of -j, for systemd's status
constexpr auto look_every_on_screen = 250ms;
constexpr auto last_words = 2s;  // after the ladder, for what it ended to be settled

sigset_t service_signals() {
    sigset_t all;
    sigemptyset(&all);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&all, signal);
    return all;
}

jobs::runner_options runner_options_of(const work_options& from, jobs::runner_observer& observer) {
    jobs::runner_options to;
    to.workers = from.workers.now();
    if (!from.queues.empty()) to.queues = from.queues;
    to.env_secrets = from.env_secrets;
    to.name = from.name;
    to.lease = from.lease;
    to.grace = from.grace;
    // What the ladder needs; a handler that came back later would have its job run elsewhere beside what is left of it.
    to.last_grace = last_words;
    for (const auto& step : from.ladder.steps()) to.last_grace += step.patience;
    to.until_idle = from.until_idle;
    to.observer = &observer;
    return to;
}

}  // namespace

void block_service_signals() {
    sigset_t all = service_signals();
    sigaddset(&all, SIGCHLD);  // for children that are to tell when they stop
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

service::service(const work_options& options, jobs::store& store, const jobs::registry& kinds,
                 kinds::exec::exec_crew& crew, const notifier& systemd, reporter& tell)
    : crew_(crew),
      systemd_(systemd),
      tell_(tell),
      runner_(store, kinds, runner_options_of(options, tell)),
      over_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      workers_(options.workers) {
    const sigset_t all = service_signals();
    signals_.reset(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_ || !over_) throw std::system_error(errno, std::generic_category(), "no descriptors left");
}

jobs::runner_report service::run() {
    make_room_for(workers_.now());
    gm::detail::joined_thread attendant("gm-attendant", [this] { attend(); });
    struct ending {  // also when something throws
        int bell;
        ~ending() {
            const std::uint64_t one = 1;
            static_cast<void>(!::write(bell, &one, sizeof(one)));
        }
    } before_it_is_joined{over_.get()};
    systemd_.send("READY=1");
    return runner_.run(stop_);
}

void service::attend() {
    if (systemd_.watchdog_every()) next_ping_ = clock::now();
    std::array<pollfd, 2> wanted{{{signals_.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}}};
    while (true) {
        const auto now = clock::now();
        if (now >= next_look_) look(now);
        if (now >= next_ping_) {
            if (!tell_.is_wedged()) systemd_.send("WATCHDOG=1");
            next_ping_ = now + *systemd_.watchdog_every();
        }
        ::poll(wanted.data(), wanted.size(), patience(clock::now()));
        if (wanted[1].revents != 0) return;
        if (wanted[0].revents != 0) take_signals();
    }
}

int service::patience(clock::time_point now) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(std::min(next_look_, next_ping_) - now);
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void service::look(clock::time_point now) {
    if (!workers_.file().empty()) {
        const unsigned before = workers_.now();
        workers_.refresh();
        if (workers_.now() != before && workers_.now() != 0) {
            make_room_for(workers_.now());
            runner_.resize(workers_.now());
        }
    }
    const jobs::runner_snapshot state = runner_.snapshot();
    make_room_for(state.workers);  // `gristmill scale` may have changed it
    tell_.show(state);
    systemd_.send("STATUS=" + summary_of(state.counts) + ", " + std::to_string(state.running.size()) + " running of " +
                  std::to_string(state.workers));
    next_look_ = now + (tell_.on_terminal() ? std::chrono::milliseconds(look_every_on_screen) : look_every);
}

void service::take_signals() {
    signalfd_siginfo one{};
    while (::read(signals_.get(), &one, sizeof(one)) == sizeof(one)) {
        const std::string running = std::to_string(runner_.snapshot().running.size()) + " running";
        switch (++signals_taken_) {
            case 1:
                systemd_.send("STOPPING=1");
                tell_.say("stopping: nothing more is started; " + running + " may finish. Again to end them");
                stop_.cancel();
                break;
            case 2:
                tell_.say("ending " + running + "; their jobs go back. Again to kill them");
                runner_.hurry();
                break;
            default: crew_.kill_all();
        }
    }
    next_look_ = clock::now();
}

}  // namespace gm::program
