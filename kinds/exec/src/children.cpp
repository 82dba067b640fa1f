#include <gristmill/kinds/exec/children.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <gristmill/kinds/exec/system_calls.hpp>

#include "child.hpp"

namespace gm::kinds::exec {

namespace {

constexpr std::size_t room_size = 64 * 1024;
constexpr unsigned finishes_between_reaping = 64;

}  // namespace

children::children(children_options how)
    : options_(std::move(how)),
      mark_before_(options_.mark.empty() || !::getenv(options_.mark.c_str()) ? "" : ::getenv(options_.mark.c_str())),
      events_(::epoll_create1(EPOLL_CLOEXEC)),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!events_ || !timer_ || !bell_) throw std::system_error(last_error(), "no descriptors left to watch children");
    // Edge-triggered: one thread for each time they fire, and nobody has to read them.
    for (auto [fd, kind] : {std::pair{timer_.get(), of_timer}, std::pair{bell_.get(), of_bell}}) {
        epoll_event wanted{EPOLLIN | EPOLLET, {.u64 = key(kind, 0)}};
        if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &wanted) != 0) throw std::system_error(last_error());
    }
    if (options_.tell_stops) listen_for_stops(EPOLL_CTL_ADD);
}

children::~children() = default;

std::string children::mark_of(std::uint64_t tag) const {
    return std::to_string(::getpid()) + '.' + std::to_string(tag) + ';';
}

result<pid_t, std::error_code> children::start(command&& what, std::uint64_t tag) {
    if (!options_.mark.empty()) what.extra.push_back(options_.mark + '=' + mark_before_ + mark_of(tag));
    {
        const std::lock_guard guard(lock_);
        ++starting_;
    }
    const auto one = std::make_shared<child>();
    one->tag = tag;
    one->started = clock_.now();
    auto made = spawn(what);
    const std::lock_guard guard(lock_);
    if (--starting_ == 0) start_ended_.notify_all();
    if (!made) return failure(made.error());
    one->it = std::move(*made);
    if (held_) ::kill(-one->it.pid, SIGTSTP);
    running_.emplace(tag, one);
    if (one->it.output) listen(*one, of_output, EPOLL_CTL_ADD);
    if (one->it.errors) listen(*one, of_errors, EPOLL_CTL_ADD);
    listen(*one, of_end, EPOLL_CTL_ADD);
    return one->it.pid;
}

void children::listen(child& of, unsigned which, int how) {
    const int fd = which == of_end ? of.it.handle.get() : of.stream(which).get();
    epoll_event wanted{EPOLLIN | EPOLLONESHOT, {.u64 = key(which, of.tag)}};
    ::epoll_ctl(events_.get(), how, fd, &wanted);
}

void children::wake() noexcept {
    const std::uint64_t one = 1;
    (void)!::write(bell_.get(), &one, sizeof(one));
}

void children::pause(std::uint64_t tag, event::kind stream) {
    const std::lock_guard guard(lock_);
    const auto found = running_.find(tag);
    if (found != running_.end()) found->second->paused |= bit(stream == event::output ? of_output : of_errors);
}

void children::resume_all() {
    const std::lock_guard guard(lock_);
    for (auto& [tag, one] : running_) {
        for (const unsigned which : {of_output, of_errors})
            if ((one->parked & bit(which)) != 0) listen(*one, which, EPOLL_CTL_MOD);
        one->paused = one->parked = 0;
    }
}

void children::set_alarm(clock::time_point when) {
    const std::lock_guard guard(lock_);
    alarm_ = when;
    set_timer_locked();
}

children::watcher::watcher(children& of) : of_(of), room_(std::make_unique_for_overwrite<char[]>(room_size)) {}

children::watcher::~watcher() {
    event unseen;
    while (held_ && go_on(unseen)) {
    }
}

event children::watcher::next() {
    event out;
    if (held_ && go_on(out)) return out;
    while (true) {
        if (!stops_.empty()) {
            out = stops_.back();
            stops_.pop_back();
            return out;
        }
        epoll_event found{};
        if (::epoll_wait(of_.events_.get(), &found, 1, -1) != 1) continue;
        const std::uint64_t tag = found.data.u64 & largest_tag;
        switch (const auto which = static_cast<unsigned>(found.data.u64 >> kind_shift)) {
            case of_bell: return {.what = event::woken};
            case of_stops: of_.find_stops(stops_); break;
            case of_timer:
                if (of_.timer_fired()) return {.what = event::alarm};
                break;
            default:
                if (take(tag, which) && go_on(out)) return out;
        }
    }
}

// One child's events are dealt with by one thread at a time. What comes meanwhile is left to that thread, as a bit.
bool children::watcher::take(std::uint64_t tag, unsigned which) {
    const std::lock_guard guard(of_.lock_);
    const auto found = of_.running_.find(tag);
    if (found == of_.running_.end()) return false;
    child& one = *found->second;
    one.ready |= bit(which);
    if (one.owned) return false;
    one.owned = true;
    held_ = found->second;
    return true;
}

bool children::watcher::go_on(event& out) {
    if (of_.step(*held_, room_.get(), out)) return true;
    held_.reset();
    return false;
}

// The next event of a child that the caller owns. False: there is none, and it is owned no more.
bool children::step(child& of, char* room, event& out) {
    if (of.told != of_nothing) listen_again(of, std::exchange(of.told, +of_nothing));
    while (true) {
        if (of.todo == 0) {
            const std::lock_guard guard(lock_);
            of.todo = std::exchange(of.ready, 0u);
            of.owned = of.todo != 0;
            if (!of.owned) return false;
        }
        const bool ended = (of.todo & bit(of_end)) != 0;
        for (const unsigned which : {of_output, of_errors})
            if ((ended || (of.todo & bit(which)) != 0) && read_stream(of, which, room, out)) {
                if (!ended) of.todo &= ~bit(which);
                return true;
            }
        of.todo = 0;
        if (ended && wait_for(of, out)) return true;
    }
}

bool children::read_stream(child& of, unsigned which, char* room, event& out) {
    unique_fd& from = of.stream(which);
    if (!from || of.drained > child::most_drained) return false;
    ssize_t got;
    do got = ::read(from.get(), room, room_size);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        if ((of.todo & bit(of_end)) != 0) of.drained += static_cast<std::uint64_t>(got);
        out = {.what = which == of_output ? event::output : event::errors,
               .tag = of.tag,
               .bytes = {room, static_cast<std::size_t>(got)}};
        of.told = which;
        return true;
    }
    const bool more_to_come = got < 0 && errno == EAGAIN;
    const std::lock_guard guard(lock_);
    if (more_to_come)
        listen(of, which, EPOLL_CTL_MOD);
    else
        from.reset();
    return false;
}

void children::listen_again(child& of, unsigned which) {
    const std::lock_guard guard(lock_);
    if ((of.paused & bit(which)) != 0)
        of.parked |= bit(which);
    else
        listen(of, which, EPOLL_CTL_MOD);
}

// The child's own process has ended. False: it is kept, because its family is still being ended.
bool children::wait_for(child& of, event& out) {
    const std::lock_guard guard(lock_);
    if (of.on_ladder && !of.gone) {
        next_climb_ = clock_.now();
        set_timer_locked();
        return false;
    }
    int status = 0;
    out = {.what = event::finished, .tag = of.tag};
    while (::wait4(of.it.pid, &status, 0, &out.how.usage) < 0 && errno == EINTR) {
    }
    out.how.runtime = clock_.now() - of.started;
    out.how.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    out.how.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    of.it = {};
    running_.erase(of.tag);
    if (!options_.mark.empty() && ++finished_ % finishes_between_reaping == 0) reap_orphans_locked();
    return true;
}

// Orphans that have ended stay zombies until they are waited for. Looks only at the first that has ended: if that is a
// child of ours, or may be one, there is another time.
void children::reap_orphans_locked() {
    while (starting_ == 0) {
        siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
        if (is_ours_locked(ended.si_pid)) return;
        ::waitpid(ended.si_pid, nullptr, WNOHANG);
    }
}

}  // namespace gm::kinds::exec
