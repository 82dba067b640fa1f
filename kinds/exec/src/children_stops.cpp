// Children that are stopped. The system tells of them as it tells of the ends, by SIGCHLD, and of several in one: so each time all
// children are looked at, which costs more the more there are. That is done ten times a second at most.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <gristmill/kinds/exec/children.hpp>

#include "child.hpp"

namespace gm::kinds::exec {

namespace {

using namespace std::chrono_literals;

constexpr auto between_looks = 100ms;

int signalfd_of_sigchld() {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGCHLD);
    return ::signalfd(-1, &only, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

// One event; after that it is deaf until it is called again, and what comes meanwhile stays pending.
void children::listen_for_stops(int how) {
    if (how == EPOLL_CTL_ADD) child_signals_.reset(signalfd_of_sigchld());
    epoll_event wanted{EPOLLIN | EPOLLONESHOT, {.u64 = key(of_stops, 0)}};
    if (::epoll_ctl(events_.get(), how, child_signals_.get(), &wanted) != 0 && how == EPOLL_CTL_ADD)
        throw std::system_error(errno, std::generic_category(), "stopped children cannot be watched");
}

void children::find_stops(std::vector<event>& found) {
    const std::lock_guard guard(lock_);
    next_stops_ = clock_.now() + between_looks;
    set_timer_locked();
    if (starting_ != 0) return;  // it may be one whose pid is not known yet: there is another time
    signalfd_siginfo any{};
    while (::read(child_signals_.get(), &any, sizeof(any)) == sizeof(any)) {
    }
    while (true) {
        siginfo_t one{};
        if (::waitid(P_ALL, 0, &one, WSTOPPED | WNOHANG) != 0 || one.si_pid == 0) return;
        for (const auto& [tag, known] : running_)
            if (known->it.pid == one.si_pid)
                found.push_back({.what = event::stopped, .tag = tag, .how = {.signal = one.si_status}});
    }
}

}  // namespace gm::kinds::exec
